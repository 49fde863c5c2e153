"""A release that comes through the mesh: from slot to spare slots, hop by hop, over power cuts."""

from tests.edge.mesh.quiet_air import QuietAir
from tests.edge.update_site import Site, SiteClock, content, envelope
from wum_edge.update import boot
from wum_edge.update.courier import Courier
from wum_edge.update.sharing import PATIENCE_MS, Sharing, Spreader
from wum_shared import suit, updates
from wum_simulator.flash import SimulatedFlash

OLD, NEW = content(1), content(2, padding=30_000, own=30_000)


class AirSpreader(Spreader):
    """What an updater wants of a relay of the quiet air."""

    def __init__(self, air, address):
        self.air, self.address = air, address

    def images(self):
        return {image.name: image.have for image in self.air.relays[self.address].spread.images}

    def take_up(self, name, size, index, have, whole):
        self.air.do(self.address, "take_up", name, size, index, have, whole)

    def have(self, name, have):
        self.air.do(self.address, "has_pages", name, have)

    def drop(self, name):
        self.air.relays[self.address].spread.drop(name)

    def give(self, name, page, data):
        self.air.do(self.address, "give_page", name, page, data)


class Street:
    """Stations 1 to `length` in a row, the first with an uplink; each with its updater."""

    def __init__(self, length, releases):
        self.air = QuietAir({1}, [(at, at + 1) for at in range(1, length)])
        self.sites, self.sharing, self._at = {}, {}, 0
        self.wants = []
        for address in range(1, length + 1):
            site = Site(SimulatedFlash())
            for sequence, data in releases.get(address, ()):
                site.update(sequence, data)
            self.sites[address] = site
            self.wake(address)
        self.air.run(60_000_000)

    def wake(self, address):
        site = self.sites[address]
        kept = boot.read_boot(site.flash)
        site.wake(kept.home)
        self.sharing[address] = Sharing(
            site.updater, AirSpreader(self.air, address), site.flash, site.clock, site.log)

    def assign(self, address, data=NEW, sequence=2, signed=None):
        site = self.sites[address]
        site.head_end.assign(sequence, data, signed=signed)
        site.updater.assigned(site.head_end.number, site.head_end.assignment)

    def run(self, minutes, ends=lambda: False):
        for _ in range(minutes * 30):
            self.air.run(self.air.now + 2_000_000)
            told, self._at = self.air.told[self._at:], len(self.air.told)
            for _, address, what, *rest in told:
                sharing = self.sharing[address]
                if what == "page":
                    sharing.came(*rest)
                elif what == "read page":
                    sharing.wanted(*rest)
                elif what == "spoilt":
                    sharing.spoilt(rest[2])
            for address in self.sites:
                site = self.sites[address]
                site.clock.go(2)
                self.sharing[address].tick()
                site.updater.tick()
            if ends():
                return True
        return False

    def states(self):
        return [self.sites[address].updater.state for address in sorted(self.sites)]


def test_a_release_goes_from_the_slot_that_runs_to_spare_slots_hop_by_hop():
    street = Street(3, {1: [(1, OLD), (2, NEW)], 2: [(1, OLD)], 3: [(1, OLD)]})
    street.assign(2)
    street.assign(3)
    assert street.run(60, lambda: street.states()[1:] == [updates.STAGED] * 2)
    for address in (2, 3):
        site = street.sites[address]
        assert site.updater.want() is None and site.updater.wrong == 0
        site.updater.confirmed(updates.Confirmation(
            street.sites[1].updater.standing().digest, site.updater.standing().nonce))
        site.updater.tick()
        assert site.updater.restart and boot.read_boot(site.flash).trial is not None


def test_pages_of_files_that_are_at_hand_are_not_gathered_and_given_all_the_same():
    # 2 has the large file already; 3 has nothing, and can hear of nobody but 2.
    old = content(1, padding=30_000, own=30_000)
    street = Street(3, {1: [(2, NEW)], 2: [(1, old)]})
    street.assign(2)
    assert street.run(60, lambda: street.states()[1] == updates.STAGED)
    pages = [entry[4] for entry in street.air.told if entry[1:3] == (2, "page")]
    assert 0 < len(pages) < 8 and len(NEW) > 7 * 8192
    street.assign(3)
    assert street.run(60, lambda: street.states()[2] == updates.STAGED)


def test_what_is_fetched_so_far_is_given_while_the_rest_still_comes():
    street = Street(2, {})
    for address in (1, 2):
        street.assign(address)
    site = street.sites[1]
    for most in (1, 19):
        site.updater.heard(site.head_end.pieces(site.updater.want(), most))
    assert street.run(30, lambda: street.sites[2].updater.standing().have == 16)
    street.run(5)
    assert street.sites[2].updater.standing().have == 16         # Two whole pages of the 20.
    assert site.updater.state == updates.FETCHING
    while site.updater.want() is not None:
        site.updater.heard(site.head_end.pieces(site.updater.want(), 15))
    assert street.run(60, lambda: street.states() == [updates.STAGED] * 2)


def test_a_power_cut_costs_what_was_not_synced_and_no_more():
    street = Street(2, {1: [(2, NEW)]})
    street.assign(2)
    site = street.sites[2]
    street.run(60, lambda: site.updater.standing().have >= 20)
    have = site.updater.standing().have
    assert have >= 20 and site.updater.state == updates.FETCHING
    street.wake(2)
    street.air.boot(2)
    assert site.updater.standing().have == have
    assert street.run(60, lambda: site.updater.state == updates.STAGED)


def test_nobody_is_asked_for_the_content_while_the_mesh_may_bring_it_and_then_the_head_end_is():
    street = Street(2, {})
    street.assign(2)
    site, sharing = street.sites[2], street.sharing[2]
    said = []

    def say(stream, plaintext):
        said.append(stream)
        return True

    courier = Courier(site.updater, site.clock, _NoSigner(), bytes(32), b"x")
    street.run(2)
    assert sharing.is_fed()
    courier.tick(say, sharing.is_fed())
    assert said == ["standing"]
    site.clock.go(PATIENCE_MS // 1000)
    assert not sharing.is_fed()
    courier.tick(say, sharing.is_fed())
    assert said[-1] == "want"


def apart(sequence, data):
    """Its envelope, without the hashes of its chunks."""
    return envelope(sequence, data, index=None)


def hashes_of(address, street):
    """The name of the hashes that this station was assigned."""
    release = suit.decode(street.sites[address].head_end.assignment.envelope).release
    return release.index_digest[:4]


def test_hashes_come_through_the_mesh_before_what_they_are_of_and_nothing_is_asked_for():
    street = Street(3, {1: [(1, OLD), (2, NEW)], 2: [(1, OLD)], 3: [(1, OLD)]})
    for address in (2, 3):
        street.assign(address, signed=apart(2, NEW))
    courier, said = _courier(street.sites[3])
    assert street.sites[3].updater.want().part == updates.INDEX

    def is_staged():
        courier(street.sharing[3].is_fed())
        return street.states()[1:] == [updates.STAGED] * 2

    assert street.run(90, is_staged)
    assert "want" not in said
    for address in (2, 3):
        names = [entry[3] for entry in street.air.told if entry[1:3] == (address, "page")]
        assert names[0] == hashes_of(address, street) and names.count(names[0]) == 1
        assert street.sites[address].updater.wrong == 0


def test_hashes_are_given_by_who_is_fetching_itself():
    street = Street(2, {})
    for address in (1, 2):
        street.assign(address, signed=apart(2, NEW))
    street.run(3)
    assert [site.updater.want().part for site in street.sites.values()] == [updates.INDEX] * 2
    site = street.sites[1]
    site.updater.heard(site.head_end.pieces(site.updater.want(), 15))
    assert street.run(30, lambda: street.sites[2].updater.want().part == updates.CONTENT)


def test_a_power_cut_costs_hashes_that_were_not_synced_and_they_come_anew():
    _cut_behind_hashes(is_synced=True)
    _cut_behind_hashes(is_synced=False)


def _cut_behind_hashes(*, is_synced):
    street = Street(2, {1: [(2, NEW)]})
    street.assign(2, signed=apart(2, NEW))
    site = street.sites[2]
    if not is_synced:
        site.updater.tick = lambda: None             # It has no turn before the power goes.
    assert street.run(60, lambda: site.updater.want().part == updates.CONTENT)
    cut = Site(site.flash.after_cut(0), site.head_end, site.clock)
    street.sites[2] = cut
    street.wake(2)
    street.air.boot(2)
    assert (cut.updater.want().part == updates.CONTENT) == is_synced
    assert street.run(60, lambda: cut.updater.state == updates.STAGED)


def test_hashes_that_flash_refused_come_anew():
    street = Street(2, {1: [(2, NEW)]})
    street.assign(2, signed=apart(2, NEW))
    site = street.sites[2]
    heard, refused = site.updater.heard, []

    def refuses(pieces):
        refused.append(pieces)
        if len(refused) > 1:
            heard(pieces)

    site.updater.heard = refuses
    assert street.run(60, lambda: site.updater.want().part == updates.CONTENT)
    assert [pieces.part for pieces in refused] == [updates.INDEX] * 2


def test_hashes_that_the_head_end_sent_wrong_are_put_right_by_the_mesh():
    large = content(3, padding=80_000, own=1_500)
    street = Street(2, {1: [(3, large)]})
    street.assign(2, large, 3, apart(3, large))
    site = street.sites[2]
    first = site.head_end.pieces(site.updater.want(), 1)
    site.updater.heard(updates.Pieces(first.digest, first.part, 0, bytes(1024)))
    assert site.updater.want().ranges == ((1, 1),)
    assert street.run(60, lambda: site.updater.want().part == updates.CONTENT)
    assert site.updater.wrong


def test_hashes_that_are_more_than_a_page_are_asked_of_the_head_end_and_the_rest_is_not():
    large = content(3, padding=300_000, own=230_000)
    street = Street(2, {})
    site, sharing = street.sites[2], street.sharing[2]
    site.head_end.assign(3, large, signed=apart(3, large))
    site.updater.assigned(site.head_end.number, site.head_end.assignment)
    courier, said = _courier(site)
    street.run(1)
    assert not sharing.is_fed()
    assert len([line for line in site.log.said if "too many" in line]) == 1
    while site.updater.want().part == updates.INDEX:
        courier(sharing.is_fed())
        site.updater.heard(site.head_end.pieces(site.updater.want(), 15))
    assert said.count("want") == 1
    street.run(1)
    assert sharing.is_fed() and len(street.air.relays[2].spread.images) == 1
    courier(sharing.is_fed())
    assert said.count("want") == 1 and site.updater.wrong == 0


def _courier(site):
    """What it would say goes to a list."""
    said = []

    def say(stream, plaintext):
        said.append(stream)
        return True

    courier = Courier(site.updater, site.clock, _NoSigner(), bytes(32), b"x")
    return lambda is_fed: courier.tick(say, is_fed), said


class _NoSigner:
    def sign(self, seed, message):
        return bytes(64)


def test_a_station_that_sends_what_was_never_signed_is_told_of_in_words():
    sharing = Sharing(None, None, None, SiteClock(), Site(SimulatedFlash()).log)
    sharing.spoilt(99)
    assert "station 99" in sharing._log.said[0]
