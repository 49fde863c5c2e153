"""What it takes of a board to gather a release of its neighbours and to give another one.

Of the size that a board's releases have. MicroPython's own count; CPython has none that compares,
and checks the premise alone.
"""

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.test_ram import used
from tests.edge.update_site import Site, envelope
from tests.edge.updates import Machine, install
from wum_edge.mesh.airtime import modulation
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.page import PAGE_SIZE, symbols_of
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.update import formats
from wum_edge.update.sharing import Sharing, Spreader
from wum_shared import bundle
from wum_shared.updates import CONTENT, INDEX, Pieces
from wum_simulator.flash import SimulatedFlash

FILES, FILE_SIZE = 400, 1200  # 512 KiB: the most whose hashes are a page.
STATED_KB = 256              # docs/boards.md; ports/micropython/update_mesh.py asks for it.
HELD = []


class Told(Spreader):
    """A station that says yes to all."""

    def __init__(self, relay):
        self.relay = relay

    def images(self):
        return {image.name: image.have for image in self.relay.spread.images}

    def take_up(self, name, size, index, have, whole):
        self.relay.take_up(self.relay.now, name, size, index, have, whole)

    def have(self, name, have):
        self.relay.has_pages(self.relay.now, name, have)

    def drop(self, name):
        self.relay.spread.drop(name)

    def give(self, name, page, data):
        self.relay.give_page(self.relay.now, name, page, data)


def release(sequence):
    """As many files as a board's, a few of them other ones each time."""
    return bundle.content_of([
        ("run", b"good %d" % sequence, bundle.PLAIN),
        ("wum_edge/archive/formats.txt", formats.stated((0, 1), 1), bundle.PLAIN)] + [
        ("wum_edge/ports/micropython/some%03d.mpy" % at,
         b"%d %d " % (at, sequence if at % 50 == 0 else 0) * (FILE_SIZE // 8), bundle.PLAIN)
        for at in range(FILES)])


def test_a_station_runs_one_release_and_is_assigned_another():
    flash, new = SimulatedFlash(), release(2)
    install(flash, 1, release(1))
    slot, _ = Machine(flash).settle()
    site = Site(flash)
    site.wake(slot)
    site.head_end.assign(2, new, signed=envelope(2, new, index=None))
    site.updater.assigned(site.head_end.number, site.head_end.assignment)
    while site.updater.want().part == INDEX:
        site.updater.heard(site.head_end.pieces(site.updater.want()))
    table = bundle.table_size(new)
    for place in range(-(-table // 1024)):
        site.updater.heard(Pieces(site.updater.want().digest, CONTENT, place,
                                  new[place * 1024:(place + 1) * 1024]))
    relay = Relay(Setting(1, False, [modulation(7, 250_000)], 1000),
                  Guard(DigestSeal(b"k"), 7, 1, 1), 0, 1, 0)
    HELD.extend([0, site, relay])


def test_nothing_of_it_is_shared_yet():
    HELD[0] = used()


def test_both_are_gathered_and_given():
    _, site, relay = HELD
    sharing = Sharing(site.updater, Told(relay), site.flash, site.clock, site.log)
    for _ in range(200):
        site.clock.go(2)
        sharing.tick()
    names = [image.name for image in relay.spread.images]
    assert len(names) == 4, "hashes of one, of the other, and both"
    for image in relay.spread.images:
        content = sharing._contents[image.name]
        for page in range(content.size // PAGE_SIZE):
            content.page(page)               # Where its parts lie is known now.
        for page in range(image.page, image.page + 5):
            for number in range(39):
                image.symbol(9, page, number, (page << 8 | number) << 1620, 0)
        image.at_hand = (31, symbols_of(bytes([200]) * PAGE_SIZE))
    HELD.append(sharing)


def test_it_stays_under_what_is_stated():
    taken = used() - HELD[0]
    assert len(HELD) == 4 and taken <= STATED_KB * 1024, taken
