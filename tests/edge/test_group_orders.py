"""Orders to groups: each member acts once at most, whichever way and however often they come."""

from tests.edge.order_bench import (
    CIPHER,
    ORDER_SEED,
    OWN,
    SIGNATURES,
    World,
    first,
    order,
    sealed,
)
from tests.portable import ON_MICROPYTHON
from wum_edge.meters import orders as lines
from wum_edge.orders.caps import Cap
from wum_edge.orders.groups import NAME, Groups, JoinGroups
from wum_edge.orders.meter_acts import MeterAct
from wum_edge.uplink.keys import Keys
from wum_shared import cose, orders
from wum_shared.groups import Membership, decode_results, encode_memberships
from wum_shared.messages import DirectionKey
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import (
    AGAIN,
    DISCONNECT,
    DONE,
    FAILED,
    RECEIVED,
    REFUSED,
    SECONDARY,
    UNKNOWN,
)
from wum_simulator.flash import TEARS, PowerCut, SimulatedFlash

KEY, NEWER = DirectionKey(b"g" * 32, b"G" * 12), DirectionKey(b"h" * 32, b"H" * 12)
GROUP = b"boilers."
BOILERS = Membership(GROUP, 3, 7, KEY, ("M-1", "M-2"))


class Street(World):
    """A concentrator with three meters whose switches are looked at."""

    def __init__(self, flash, cap=None):
        super().__init__(flash, cap or Cap(10, 0))
        self.switched, self.numbers, self.refuses = [], [], {}

    def start(self):
        super().start()
        self.groups = Groups(self.flash, self.desk.trusted, self.numbers.append)
        self.desk.acts[orders.GROUP] = JoinGroups(self.groups)
        for kind in (DISCONNECT, SECONDARY):
            self.desk.acts[kind] = MeterAct(
                kind, {"M-1": 0, "M-2": 1, "M-3": 2}, self._put, lambda take: take(),
                self.groups.meters_of)
        return self

    def _put(self, one):
        if one.meter in self.refuses:
            outcome = self.refuses[one.meter]
        else:
            self.switched.append(one.meter)
            outcome = lines.Outcome(True, "", (), False)
        if self.answers:
            one.done(outcome)
        else:
            self.pending.append(lambda: one.done(outcome))
        return ""

    def join(self, sequence, *members):
        assert self.tell(joining(sequence, *members)).state == DONE
        return self


def joining(sequence, *members):
    return sealed(order(sequence, kind=orders.GROUP, arguments=cose.seal(
        CIPHER, OWN.downlink, OWN.key_id, sequence, encode_memberships(list(members)), "down",
        OWN.tenant, "groups")))


def street(flash=None, cap=None):
    return first(Street(flash or SimulatedFlash(), cap).start()).join(3, BOILERS)


def to_group(sequence, kind=DISCONNECT, member=BOILERS, act=None, fresh=None, own=False, **more):
    values = [member.reference()] + ([False] if kind == SECONDARY else [])
    one = order(sequence, act=act, kind=kind, arguments=encode_arguments(kind, values),
                to=OWN.concentrator if own else member.group, fresh=fresh, **more)
    if own:
        return sealed(one)
    signed = orders.sign_order(SIGNATURES, ORDER_SEED, SIGNATURES.public(ORDER_SEED), one)
    return orders.seal_order(CIPHER, member.key, cose.key_id(member.group, member.version),
                             sequence, OWN.tenant, signed)


def unwrapped(sealed_for_group, member=BOILERS):
    """The same signed order, sealed for this concentrator alone."""
    signed = orders.unseal_order(CIPHER, member.key, OWN.tenant, sealed_for_group)
    return orders.seal_order(CIPHER, OWN.downlink, OWN.key_id, 8, OWN.tenant, signed)


def test_a_member_acts_on_its_meters_of_the_group_and_signs_what_became_of_each():
    world = street()
    assert world.numbers[-1] == [7]
    receipt = world.tell(to_group(4))
    assert receipt.state == DONE and receipt.concentrator == OWN.concentrator
    assert world.switched == [0, 1]
    assert [(one.serial, one.state) for one in decode_results(receipt.content)] == [
        ("M-1", DONE), ("M-2", DONE)]


def test_whichever_way_and_however_often_it_comes_it_is_done_once():
    world = street()
    flooded = to_group(4)
    world.tell(flooded)
    for copy in (flooded, unwrapped(flooded), to_group(5, act=b"act 0004"),
                 to_group(6, act=b"act 0004", own=True)):
        assert world.tell(copy).state == DONE
    world.start()
    for copy in (flooded, unwrapped(flooded), to_group(7, act=b"act 0004")):
        assert world.tell(copy).state == DONE
    assert world.switched == [0, 1]


def test_a_member_whose_clock_proves_nothing_gets_the_same_act_alone_and_does_it_once():
    world = street().start()
    world.clock.error_s = 86400
    asked = world.tell(to_group(4))
    assert (asked.state, asked.reason) == (AGAIN, orders.PROVE_FRESH) and not world.switched
    alone = to_group(5, act=b"act 0004", own=True, fresh=asked.challenge)
    assert world.tell(alone).state == DONE
    world.clock.error_s = 0
    assert world.tell(to_group(4)).state == DONE
    assert world.switched == [0, 1]


def test_another_version_another_group_and_another_key_do_nothing():
    world = street().join(4, Membership(GROUP, 4, 7, NEWER, ("M-2",)))
    said = len(world.receipts)
    world.tell(to_group(5))                     # Sealed with the key of who was thrown out.
    world.tell(to_group(6, member=Membership(b"another.", 1, 7, KEY, ("M-1",))))
    assert len(world.receipts) == said and not world.switched
    for stale in (unwrapped(to_group(7)), to_group(8, own=True)):
        receipt = world.tell(stale)
        assert (receipt.state, receipt.reason) == (REFUSED, orders.CANNOT)
    assert world.tell(to_group(9, member=Membership(GROUP, 4, 7, NEWER, ()))).state == DONE
    assert world.switched == [1]


def test_what_an_older_order_says_of_groups_changes_nothing_after_a_newer_one():
    world = first(Street(SimulatedFlash()).start()).join(5, BOILERS)
    world.start()
    receipt = world.tell(joining(3))
    assert (receipt.state, receipt.reason) == (REFUSED, orders.CANNOT)
    unsealed = world.tell(sealed(order(6, kind=orders.GROUP, arguments=encode_memberships([]))))
    assert (unsealed.state, unsealed.reason) == (REFUSED, orders.ARGUMENTS)
    assert world.tell(to_group(7)).state == DONE
    assert world.join(8).numbers[-1] == []


def test_keys_that_change_between_an_order_and_its_moment_do_no_harm():
    world = first(Street(SimulatedFlash()).start())
    world.desk.heard(joining(3, BOILERS))
    for epoch in (8, 9):
        world.desk.trusted.rekey(Keys(OWN.concentrator, OWN.tenant, epoch, OWN.uplink, NEWER), (
            SIGNATURES.public(ORDER_SEED),))
    world.desk.tick(world.say)
    assert world.receipts[-1].state == DONE and world.numbers[-1] == [7]


def test_what_is_said_of_the_whole_is_true_of_each():
    world = street()
    world.refuses = {1: lines.Outcome(False, "it has no switch", (), False)}
    mixed = world.tell(to_group(4))
    assert mixed.state == UNKNOWN and mixed.note == "1 of 2 meters did it"
    assert [one.state for one in decode_results(mixed.content)] == [DONE, FAILED]
    world.refuses[0] = lines.Outcome(False, "no answer", (), True)
    assert [one.state for one in decode_results(world.tell(to_group(5)).content)] == [
        UNKNOWN, FAILED]
    world.refuses[0] = world.refuses[1]
    assert world.tell(to_group(6)).state == FAILED


def test_a_group_counts_against_the_cap_by_its_meters_and_is_scattered_like_others():
    world = street(cap=Cap(3, 60_000))
    assert world.tell(to_group(4)).state == RECEIVED and not world.switched
    over = world.tell(to_group(5))              # Two wait, two more would be four.
    assert (over.state, over.reason) == (REFUSED, orders.CAPPED)
    world.passes(60)
    assert world.switched == [0, 1]
    world.cap = Cap(3, 60_000)                  # A new process counts what it finds on record.
    world.start()
    assert world.tell(to_group(6)).reason == orders.CAPPED
    assert world.tell(sealed(order(7, kind=DISCONNECT, arguments=encode_arguments(
        DISCONNECT, ["M-3"])))).state == RECEIVED


def test_its_moment_is_waited_for():
    world = street()
    world.tell(to_group(4, wait_s=30))
    world.passes(29)
    assert not world.switched
    world.passes(1)
    assert world.switched == [0, 1]


def test_memberships_survive_a_restart_and_what_is_damaged_is_no_membership():
    world = street()
    world.start()
    assert world.numbers[-1] == [7] and world.tell(to_group(4)).state == DONE
    whole = world.flash.read(NAME, 0, world.flash.size(NAME))
    for at in range(0, len(whole), 5):
        flash = world.flash.after_kill()
        flash.replace(NAME, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        other = Street(flash).start()
        other.clock = world.clock
        other.tell(to_group(5))
        assert not other.switched and other.numbers == [[]]


def test_wherever_the_power_goes_each_meter_is_switched_once_at_most():
    cuts = 0
    recorded = [to_group(4), unwrapped(to_group(4)), to_group(5, kind=SECONDARY)]
    for tear in TEARS[-1:] if ON_MICROPYTHON else TEARS:
        for at in range(1, 30):
            world = street()
            world.flash.cut_at = world.flash.operations + at
            was_cut = _plays(world, recorded)
            if not was_cut:
                break
            cuts += 1
            after = Street(world.flash.after_cut(tear, at * 7))
            after.clock = world.clock
            assert not _plays(after.start(), recorded)
            switched = world.switched + after.switched
            assert switched.count(0) <= 2 and switched.count(1) <= 2, (tear, at, switched)
            assert len(after.switched) % 2 == 0
            _says_the_truth(world, after)
    assert cuts > 5


def _plays(world, recorded):
    try:
        for one in recorded:
            world.tell(one)
    except PowerCut:
        return True
    return False


def _says_the_truth(before, after):
    """What was refused was not done in either life, and what is done was done."""
    last = {one.id: one for one in before.receipts + after.receipts}
    acts = len(before.switched + after.switched) // 2
    done = len([one for one in last.values() if one.state == DONE and one.content])
    unknown = len([one for one in last.values() if one.state == UNKNOWN])
    assert done <= acts <= done + unknown, (acts, last)
