"""Updates by order: what the desk lets through, what it answers, and what goes up by itself."""

from tests.edge.order_bench import (
    IDENTITY,
    OWN,
    SIGNATURES,
    World,
    first,
    order,
    sealed,
)
from tests.edge.update_site import RULES, SIGNER, content, envelope
from wum_edge.update import boot, courier
from wum_edge.update.act import UpdateAct
from wum_edge.update.courier import Courier
from wum_edge.update.updater import Updater
from wum_shared import cose, orders, updates
from wum_shared.orders import DONE, REFUSED, UPDATE
from wum_shared.topics import STANDING, WANT
from wum_simulator.flash import SimulatedFlash

DATA = content(5)


class Ordered:
    """A concentrator with a desk and an updater; what it said lies in `said`."""

    def __init__(self):
        self.world = first(World(SimulatedFlash()).start())
        self.slots, self.rules = SimulatedFlash(), RULES
        self.said = []
        self.connected = True
        self.wake()

    def wake(self):
        """A start of the updater."""
        world = self.world
        self.updater = Updater(
            flash=self.slots, slot=boot.FACTORY, rules=self.rules, verifier=SIGNER,
            clock=world.clock, log=world.log, chance=lambda size: world.chance(size),
            has_meters=False)
        world.desk.acts[UPDATE] = UpdateAct(self.updater)
        self.courier = Courier(self.updater, world.clock, SIGNATURES, IDENTITY, OWN.concentrator)

    def order(self, number, demand, **options):
        """An order of the head-end; its receipt."""
        arguments = demand if type(demand) is bytes else updates.encode_demand(demand)
        return self.world.tell(sealed(order(number, kind=UPDATE, arguments=arguments, **options)))

    def assign(self, number, sequence=5, data=DATA, **options):
        """An assignment; its receipt."""
        now_s = self.world.clock.now_s()
        return self.order(number, updates.Assignment(
            0, now_s, now_s + 9999, False, envelope(sequence, data)), issued_s=now_s, **options)

    def say(self, stream, plaintext):
        """What goes up."""
        if self.connected:
            self.said.append((stream, plaintext))
        return self.connected

    def passes(self, seconds=0):
        """Time passes; what was said in it."""
        self.world.clock.true_ms += 1000 * seconds
        self.updater.tick()
        self.said = []
        self.courier.tick(self.say)
        return [stream for stream, _ in self.said]


def test_an_assignment_by_order_is_taken_once_and_the_receipt_says_so():
    site = Ordered()
    receipt = site.assign(10)
    assert (receipt.state, receipt.note) == (DONE, "taken")
    assert boot.read_boot(site.slots).assigned == 10 and site.updater.state == updates.FETCHING
    assert boot.read_boot(site.slots).number == 1


def test_a_replayed_order_changes_nothing():
    site = Ordered()
    now_s = site.world.clock.now_s()
    demand = updates.encode_demand(updates.Assignment(
        0, now_s, now_s + 9999, False, envelope(5, DATA)))
    kept = sealed(order(10, kind=UPDATE, arguments=demand))
    assert site.world.tell(kept).note == "taken"
    assert site.order(11, updates.CallOff(10)).note == "called off"
    number = boot.read_boot(site.slots).number
    for _ in range(3):
        assert site.world.tell(kept).sequence == 10
    assert site.updater.state == updates.CALLED_OFF
    assert boot.read_boot(site.slots).number == number


def test_each_refusal_is_in_the_receipt_with_its_own_words():
    site = Ordered()
    for number, demand, state, words in (
            (10, b"\x80", orders.ARGUMENTS, "update order: wanted a list"),
            (11, updates.Assignment(0, 9, 10, False, envelope(5, DATA)), orders.CANNOT,
             "the assignment's window is over"),
            (12, updates.Assignment(0, 9, 2**32 - 1, False, envelope(5, DATA, signers=())),
             orders.CANNOT, "the release is not genuine: "),
            (13, updates.Assignment(0, 9, 2**32 - 1, False,
                                    envelope(5, DATA, device_class=b"x" * 16)), orders.CANNOT,
             "the release is for another device class")):
        receipt = site.order(number, demand)
        assert (receipt.state, receipt.reason) == (REFUSED, state)
        assert receipt.note.startswith(words), receipt.note
    assert boot.read_boot(site.slots) == boot.NEW


def test_whoever_signs_releases_but_no_orders_assigns_nothing():
    site = Ordered()
    demand = updates.encode_demand(updates.Assignment(0, 9, 2**32 - 1, False, envelope(5, DATA)))
    count = len(site.world.receipts)
    site.world.tell(sealed(order(10, kind=UPDATE, arguments=demand), seed=b"r" * 32))
    assert len(site.world.receipts) == count and boot.read_boot(site.slots) == boot.NEW


def test_flash_that_refuses_is_in_the_receipt():
    site = Ordered()
    site.slots.read_only = True
    receipt = site.assign(10)
    assert (receipt.state, receipt.reason) == (orders.FAILED, orders.FLASH_REFUSES)


def test_a_standing_is_signed_and_goes_up_when_something_changed_and_now_and_then():
    site = Ordered()
    assert site.passes() == [STANDING] and site.passes(60) == []
    assert site.passes(courier.QUIET_MS // 1000) == [STANDING]
    site.assign(10)
    assert site.passes() == [STANDING, WANT]
    standing = updates.decode_standing(cose.verify(
        SIGNATURES, SIGNATURES.public(IDENTITY), site.said[0][1]))
    assert (standing.assignment, standing.state, standing.sequence) == (10, updates.FETCHING, 0)
    assert standing.digest == updates.HOME_FACTORY and standing.of == 4


def test_whose_releases_it_takes_is_told_as_soon_as_that_changes():
    site = Ordered()
    assert site.passes() == ["standing"] and site.passes(1) == []
    standing = site.updater.standing()
    site.updater.standing = lambda: updates.Standing(*(tuple(standing)[:-1] + (2,)))
    assert site.passes(1) == ["standing"] and site.passes(1) == []


def test_pieces_are_asked_for_until_they_came_and_then_the_head_end_for_its_word():
    site = Ordered()
    site.assign(10)
    assert site.passes() == [STANDING, WANT] and site.passes() == []
    assert site.passes(courier.ASK_MS // 1000) == [WANT]
    want = updates.decode_want(site.said[0][1])
    site.updater.heard(updates.Pieces(want.digest, want.part, 0, DATA))
    while site.updater.state == updates.FETCHING:
        site.passes(1)
    assert site.updater.state == updates.STAGED
    assert [stream for stream, _ in site.said] == [STANDING]
    assert site.passes(courier.WAITING_MS // 1000) == [STANDING]
    nonce = site.updater.standing().nonce
    assert site.order(11, updates.Confirmation(want.digest, nonce)).note == "heard"
    site.passes()
    assert site.updater.restart and boot.read_boot(site.slots).trial == boot.A


def test_what_cannot_be_said_now_is_said_later():
    site = Ordered()
    site.connected = False
    assert site.passes() == []
    site.connected = True
    assert site.passes() == [STANDING]


def test_what_nobody_takes_is_signed_once_and_anew_when_it_is_old_or_another():
    site = Ordered()
    signer = Counting()
    site.courier = Courier(site.updater, site.world.clock, signer, IDENTITY, OWN.concentrator)
    site.connected = False
    for _ in range(5):
        site.passes(seconds=1)
    assert signer.count == 1, "a board takes a third of a second for it"
    site.passes(seconds=courier.ANEW_MS // 1000)
    assert signer.count == 2, "it says when that was"
    site.assign(10)
    site.passes()
    assert signer.count == 3
    site.connected = True
    assert STANDING in site.passes() and signer.count == 3
    standing = updates.decode_standing(cose.verify(
        SIGNATURES, SIGNATURES.public(IDENTITY), site.said[0][1]))
    assert standing.state == updates.FETCHING


class Counting:
    """A signer that counts."""

    count = 0

    def sign(self, seed, message):
        self.count += 1
        return SIGNATURES.sign(seed, message)
