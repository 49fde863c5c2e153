"""An assignment for many: what is gathered, who takes it, and all that is refused on the way."""

from hashlib import sha256

from tests.edge.order_bench import NOW_S, ORDER_SEED, OWN, SIGNATURES, order, sealed
from tests.edge.test_sharing import Street
from tests.edge.test_update_orders import DATA, Ordered
from tests.edge.update_site import content, envelope
from wum_edge.update import boot
from wum_edge.update.act import UpdateAct
from wum_edge.update.rolls import ASK_MS, ROLLS_MAX, Rolls
from wum_edge.uplink.keys import Keys
from wum_shared import bundle, cbor, orders, rolls, updates
from wum_shared.orders import DONE, READ, REFUSED, UPDATE
from wum_shared.rolls import Roll
from wum_shared.status import NEVER_SET
from wum_shared.topics import WANT

OTHER = b"another!"
PUBLIC = SIGNATURES.public(ORDER_SEED)


def roll_of(members=(OWN.concentrator,), data=DATA, sequence=5, index=b"", floor=0, now_s=NOW_S,
            signed=None):
    """One that anybody may hold in hands."""
    return rolls.encode_roll(Roll(
        updates.Assignment(floor, now_s, now_s + 9999, False, signed or envelope(sequence, data)),
        index, tuple(sorted(members))))


def notice_of(number, roll, seed=ORDER_SEED, kind=UPDATE, to=None, demand=None, **options):
    """What the head-end has flooded about it."""
    named = rolls.name_of(roll)
    one = order(number, kind=kind, to=to or rolls.address_of(named),
                arguments=updates.encode_demand(demand or named), **options)
    return orders.sign_order(SIGNATURES, seed, SIGNATURES.public(seed), one)


class Enrolled(Ordered):
    """A station that hears of rolls."""

    def wake(self):
        super().wake()
        world = self.world
        self.rolls = Rolls(world.desk.trusted, world.desk.handed, world.clock, world.log)
        world.desk.acts[UPDATE] = UpdateAct(self.updater, self.rolls)

    def told(self, number, roll, **options):
        """A notice was flooded, and the roll has come; the receipts that this brought."""
        before = len(self.world.receipts)
        assert self.rolls.flooded(notice_of(number, roll, **options))
        self.rolls.came(sha256(roll).digest(), roll)
        self.world.desk.tick(self.world.say)
        return self.world.receipts[before:]

    def words(self):
        return " ".join(self.world.log.warned)


def test_who_is_on_the_roll_takes_what_it_says_once_and_says_so():
    site = Enrolled()
    roll = roll_of((OTHER, OWN.concentrator))
    states = [(one.state, one.note) for one in site.told(10, roll)]
    assert states == [(orders.RECEIVED, ""), (DONE, "taken")]
    assert boot.read_boot(site.slots).assigned == 10 and site.updater.state == updates.FETCHING
    assert site.told(10, roll) == []                             # Known.
    site.wake()
    assert [one.state for one in site.told(10, roll)] == [DONE]  # After a start: as it was.
    assert boot.read_boot(site.slots).number == 1


def test_who_is_not_on_it_takes_nothing_and_passes_it_on():
    site = Enrolled()
    roll = roll_of((OTHER,))
    assert site.told(10, roll) == []
    assert site.updater.state == updates.IDLE and boot.read_boot(site.slots).assigned == 0
    page = site.rolls.pages()[0]
    assert page.have() == 1 and page.page(0) == roll and page.page(1) is None


def test_an_order_to_a_roll_is_nobodys_who_does_not_stand_on_it():
    site = Enrolled()
    for members in ((OTHER,), (OWN.concentrator,)):
        roll = roll_of(members)
        assert site.rolls.flooded(notice_of(10, roll))           # Its page is still to come.
        named = rolls.name_of(roll)
        before = len(site.world.receipts)
        site.world.tell(sealed(order(11, kind=UPDATE, to=rolls.address_of(named),
                                     arguments=updates.encode_demand(named))))
        assert len(site.world.receipts) == before and site.updater.state == updates.IDLE


def test_an_order_for_us_that_names_a_roll_that_is_not_here_is_refused():
    site = Enrolled()
    receipt = site.order(10, rolls.name_of(roll_of()))
    assert (receipt.state, receipt.reason) == (REFUSED, orders.CANNOT)
    assert receipt.note == "the roll that it names is not here"
    roll = roll_of((OTHER,))
    assert site.told(11, roll) == []
    receipt = site.order(12, rolls.name_of(roll))
    assert receipt.note == "the roll that it names does not name this concentrator"
    site.world.desk.acts[UPDATE] = UpdateAct(site.updater)       # One that knows no rolls at all.
    assert site.order(13, rolls.name_of(roll)).note == "the roll that it names is not here"
    assert boot.read_boot(site.slots).assigned == 0


def test_a_page_that_is_another_than_the_signed_one_is_nobodys():
    site = Enrolled()
    roll, other = roll_of(), roll_of(floor=1)
    site.rolls.flooded(notice_of(10, roll))
    for data in (other, roll[:-1], roll + b"\0", b""):
        site.rolls.came(sha256(roll).digest(), data)             # A liar's.
        site.rolls.came(sha256(data).digest(), data)             # Not asked for.
    for at in range(0, len(roll), 7):
        site.rolls.came(sha256(roll).digest(), roll[:at] + bytes((roll[at] ^ 1,)) + roll[at + 1:])
    assert site.rolls.pages()[0].have() == 0 and site.updater.state == updates.IDLE


def test_a_notice_that_no_order_key_signed_or_that_names_no_roll_is_not_gathered():
    site = Enrolled()
    roll = roll_of()
    named = rolls.name_of(roll)
    for notice in (notice_of(10, roll, seed=b"x" * 32), notice_of(10, roll, kind=READ),
                   notice_of(10, roll, to=OTHER), notice_of(10, roll, to=OWN.concentrator),
                   notice_of(10, roll, demand=updates.CallOff(7)),
                   notice_of(10, roll, demand=updates.OnRoll(bytes(32), 9)),
                   notice_of(10, roll)[:-1], b"\xd2"):
        assert site.rolls.flooded(notice)
        assert site.rolls.pages() == []
    good = notice_of(10, roll)
    for at in range(1, len(good)):
        site.rolls.flooded(good[:at] + bytes((good[at] ^ 1,)) + good[at + 1:])
    assert site.rolls.pages() == [] and "notice is refused" in site.words()
    assert site.rolls.flooded(good) and site.rolls.pages()[0].digest == named.digest


def test_what_is_sealed_is_left_to_who_opens_groups_orders():
    assert not Enrolled().rolls.flooded(sealed(order(10)))
    assert not Enrolled().rolls.flooded(b"")


def test_a_signed_page_of_a_contract_that_is_not_ours_is_refused_and_not_gathered_again():
    site = Enrolled()
    newer = cbor.encode([1] + cbor.decode(roll_of())[1:])
    assert site.told(10, newer) == [] and site.rolls.pages() == []
    assert "a roll is refused: " in site.words()
    assert site.rolls.flooded(notice_of(10, newer)) and site.rolls.pages() == []
    assert [one.state for one in site.told(11, roll_of())][-1] == DONE


def test_a_notice_whose_time_is_over_is_not_gathered_and_what_is_here_goes_then():
    site = Enrolled()
    assert site.told(10, roll_of(), window_s=600)[-1].state == DONE
    site.world.clock.true_ms += 599_000
    site.rolls.tick(site.say, is_fed=True)
    assert len(site.rolls.pages()) == 1
    site.world.clock.true_ms += 1_000
    site.rolls.tick(site.say, is_fed=True)
    assert site.rolls.pages() == [] and site.world.desk.trusted.rolls == ()
    assert site.rolls.flooded(notice_of(10, roll_of(), window_s=600)) and not site.rolls.pages()
    assert "its time was over" in site.words()


def test_what_the_updater_refuses_is_refused_with_its_words():
    site = Enrolled()
    for number, roll, words in (
            (10, roll_of(signed=envelope(5, DATA, device_class=b"x" * 16)), "another device class"),
            (11, roll_of(signed=envelope(5, DATA, signers=())), "not genuine"),
            (12, roll_of(floor=6), "above its own release")):
        receipt = site.told(number, roll)[-1]
        assert (receipt.state, receipt.reason) == (REFUSED, orders.CANNOT) and (
            words in receipt.note)
    assert site.updater.state == updates.IDLE


def test_an_older_assignment_changes_nothing_after_a_newer_one_and_is_called_off_like_any():
    site = Enrolled()
    assert site.told(20, roll_of())[-1].state == DONE
    receipt = site.told(19, roll_of(sequence=6, data=content(6)))[-1]
    assert receipt.state == REFUSED and "a replay, or out of order" in receipt.note
    assert boot.read_boot(site.slots).assigned == 20
    assert site.order(21, updates.CallOff(20)).note == "called off"
    assert site.updater.state == updates.CALLED_OFF


def test_a_clock_that_proves_nothing_asks_for_an_order_of_its_own():
    site = Enrolled()
    site.world.clock.is_set = NEVER_SET
    site.world.start()
    site.wake()
    receipt = site.told(10, roll_of())[-1]
    assert (receipt.state, receipt.reason) == (orders.AGAIN, orders.PROVE_FRESH)
    assert site.updater.state == updates.IDLE


def test_hashes_on_the_roll_are_taken_and_others_than_the_signed_ones_are_not():
    for index, part in ((bundle.index_of(DATA), updates.CONTENT),
                        (bytes(len(bundle.index_of(DATA))), updates.INDEX)):
        site = Enrolled()
        signed = envelope(5, DATA, index=None)
        assert site.told(10, roll_of(index=index, signed=signed))[-1].state == DONE
        assert site.updater.want().part == part
    assert site.updater.wrong == 1


def test_few_are_kept_and_the_newest_ones():
    site = Enrolled()
    some = [roll_of((OTHER,), floor=floor) for floor in range(4)]
    for number, roll in enumerate(some[1:], 11):
        site.told(number, roll)
    kept = [page.digest for page in site.rolls.pages()]
    assert kept == [sha256(roll).digest() for roll in some[-ROLLS_MAX:]]
    site.told(10, some[0])                       # A replay pushes nothing out.
    assert [page.digest for page in site.rolls.pages()] == kept


def test_who_has_an_uplink_asks_the_head_end_for_it_and_again():
    site = Enrolled()
    roll = roll_of()
    site.rolls.flooded(notice_of(10, roll))
    site.rolls.tick(site.say, is_fed=True)
    assert site.said == []
    for _ in range(2):
        site.connected = True
        site.rolls.tick(site.say, is_fed=False)
        site.rolls.tick(site.say, is_fed=False)
        stream, want = site.said.pop()
        assert stream == WANT and site.said == []
        wanted = updates.decode_want(want)
        assert (wanted.digest, wanted.part) == (sha256(roll).digest(), updates.ROLL)
        assert wanted.ranges == ((0, -(-len(roll) // 1024)),)
        site.world.clock.true_ms += ASK_MS
    site.rolls.heard(updates.Pieces(wanted.digest, updates.ROLL, 0, roll))
    site.world.desk.tick(site.world.say)
    assert site.world.receipts[-1].state == DONE
    site.world.clock.true_ms += ASK_MS
    site.rolls.tick(site.say, is_fed=False)
    assert site.said == []


class Hearing:
    """What rolls ask of a station's desk."""

    def __init__(self, concentrator):
        self.keys = Keys(concentrator, OWN.tenant, 1, OWN.uplink, OWN.downlink)
        self.rolls, self.handed = (), []

    def opened_notice(self, signed):
        return orders.open_order(SIGNATURES, (PUBLIC,), signed)


def test_a_roll_goes_hop_by_hop_also_through_who_is_not_on_it():
    old, new = content(1), content(2, padding=30_000, own=30_000)
    street = Street(3, {1: [(1, old), (2, new)], 2: [(1, old)], 3: [(1, old)]})
    roll = roll_of((b"three000",), data=new, sequence=2, index=bundle.index_of(new),
                   now_s=street.sites[1].clock.now_s(), signed=envelope(2, new, index=None))
    notice = notice_of(10, roll, issued_s=street.sites[1].clock.now_s(), window_s=9999)
    hearing = {}
    for address, name in ((1, b"one00000"), (2, b"two00000"), (3, b"three000")):
        hearing[address] = Hearing(name)
        site, known = street.sites[address], street.sharing[address]
        known.rolls = Rolls(hearing[address], hearing[address].handed.append, site.clock, site.log)
    street.run(1)                        # They have looked around before they hear of it.
    for address in street.sharing:
        street.sharing[address].rolls.flooded(notice)
    street.sharing[1].rolls.came(sha256(roll).digest(), roll)    # Of the head-end.
    assert street.run(30, lambda: hearing[3].handed == [notice])
    assert [len(hearing[address].handed) for address in (1, 2)] == [0, 0]
    site = street.sites[3]
    act = UpdateAct(site.updater, street.sharing[3].rolls)
    done = []
    act.begin(orders.open_order(SIGNATURES, (PUBLIC,), notice), done.append)
    assert done[0].note == "taken" and site.updater.want().part == updates.CONTENT
    # Station 2 was assigned nothing, and takes no part in the release itself.
    street.assign(2, new, signed=envelope(2, new, index=None))
    assert street.run(90, lambda: street.states()[2] == updates.STAGED)
