"""Power that goes again and again at a station whose release comes through the mesh.

What was home stays whole and is what starts, and the release comes all the same. Every disk that a
cut may leave while an update goes on: test_update_power.py.
"""

from hashlib import sha256

from tests.edge.test_sharing import Street
from tests.edge.update_site import Site, content, envelope
from wum_edge.update import boot, slots, start
from wum_shared import updates
from wum_simulator.disk import NOTHING, WHOLE
from wum_simulator.flash import PowerCut

CUTS = 12
OLD, NEW = content(1), content(2, padding=9_000, own=9_000)


class Dice:
    """Numbers that are the same in each run."""

    def __init__(self, seed):
        self.state = seed

    def below(self, most):
        """One of 0..most-1."""
        self.state = (self.state * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return (self.state >> 8) % most


def test_a_station_that_is_cut_again_and_again_has_its_release_in_the_end():
    dice = Dice(1)
    street = Street(3, {1: [(1, OLD), (2, NEW)], 2: [(1, OLD)], 3: [(1, OLD)]})
    for address in (2, 3):
        street.assign(address, signed=envelope(2, NEW, index=None))
    cuts = 0
    while street.states()[1] != updates.STAGED:
        flash = street.sites[2].flash
        flash.cut_at = flash.operations + 1 + dice.below(9) if cuts < CUTS else 0
        try:
            assert street.run(90, lambda: street.states()[1] == updates.STAGED)
        except PowerCut:
            cuts += 1
            _power_is_back(street, (NOTHING, WHOLE)[dice.below(2)])
    assert cuts >= 8, cuts
    # And it gives the release to who is behind it.
    street.sites[2].flash.cut_at = 0
    assert street.run(90, lambda: street.states()[2] == updates.STAGED)
    for address in (2, 3):
        site = street.sites[address]
        assert slots.is_whole(site.flash, boot.B, sha256(NEW).digest())
        assert site.updater.wrong == 0


def _power_is_back(street, tear):
    site = street.sites[2]
    cut = Site(site.flash.after_cut(tear), site.head_end, site.clock)
    kept = boot.read_boot(cut.flash)
    assert (kept.home, kept.sequence, kept.trial) == (boot.A, 1, None)
    assert slots.is_whole(cut.flash, boot.A, sha256(OLD).digest())
    assert start.begin(cut.flash) == boot.A
    street.sites[2] = cut
    street.wake(2)
    street.air.boot(2)
