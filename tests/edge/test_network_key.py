"""The order that changes the network's key: what it may move, and what moves nothing."""

from tests.edge.order_bench import CIPHER, OWN, World, first, order, sealed
from tests.portable import ON_MICROPYTHON, raises
from wum_edge.orders.act import Refused
from wum_edge.orders.network_key import ChangeNetworkKey, Held, Keyring
from wum_edge.uplink.keys import Keys
from wum_shared import cose, orders
from wum_shared.network_key import NetworkKey, encode_network_key
from wum_shared.orders import CANNOT, DONE, FAILED, FLASH_REFUSES, REFUSED, UNKNOWN
from wum_simulator.flash import SimulatedFlash

FIRST, SECOND, THIRD = (3, b"a" * 16), (7, b"b" * 16), (8, b"c" * 16)
THIEF, GONE = b"thief...", b"gone...."


class Ring(Keyring):
    """Keys that are durable when `keep` has returned. `cut` ends the process before or after."""

    def __init__(self, held):
        self.now, self.writes, self.cut, self.refuses = held, 0, "", False

    def held(self):
        return self.now

    def keep(self, held):
        if self.refuses:
            raise OSError("flash refuses")
        if self.cut == "before":
            raise KeyboardInterrupt
        self.now, self.writes = held, self.writes + 1
        if self.cut == "after":
            raise KeyboardInterrupt


class Street(World):
    """A concentrator of a mesh."""

    def __init__(self, flash, *keys):
        super().__init__(flash)
        self.ring = Ring(Held(9, keys, ()) if keys else None)

    def start(self):
        super().start()
        self.desk.acts[orders.NETWORK_KEY] = ChangeNetworkKey(self.ring, self.desk.trusted)
        return self


def street(*keys):
    return first(Street(SimulatedFlash(), *(keys or (FIRST,))).start())


def changing(sequence, given, keys=OWN, act=None, **more):
    return sealed(order(sequence, act, kind=orders.NETWORK_KEY, arguments=cose.seal(
        CIPHER, keys.downlink, keys.key_id, sequence, encode_network_key(given), "down",
        keys.tenant, "network-key"), **more))


def to(key, is_only=False, network=9, shut_out=()):
    return NetworkKey(network, key[0], key[1], is_only, shut_out)


def test_a_key_comes_beside_the_one_so_far_and_is_then_the_only_one():
    world = street()
    receipt = world.tell(changing(4, to(SECOND)))
    assert (receipt.state, receipt.note) == (DONE, "epoch 3 and epoch 7")
    assert world.ring.now == Held(9, (FIRST, SECOND), ())
    receipt = world.tell(changing(5, to(SECOND, is_only=True, shut_out=(THIEF,))))
    assert (receipt.state, receipt.note) == (DONE, "epoch 7")
    assert world.ring.now == Held(9, (SECOND,), (THIEF,))


def test_who_missed_the_first_word_takes_the_second_and_who_missed_a_change_the_next():
    world = street()
    assert world.tell(changing(4, to(SECOND, is_only=True))).state == DONE
    assert world.ring.now == Held(9, (SECOND,), ())
    world = street(FIRST, SECOND)
    assert world.tell(changing(4, to(THIRD))).state == DONE
    assert world.ring.now == Held(9, (SECOND, THIRD), ())


def test_what_is_told_twice_is_written_once():
    world = street()
    for sequence in (4, 5):
        assert world.tell(changing(sequence, to(SECOND))).state == DONE
    one = changing(6, to(SECOND, is_only=True))
    for _ in range(3):
        assert world.tell(one).state == DONE
    assert world.ring.writes == 2


def test_what_is_older_moves_nothing_whether_it_was_overtaken_or_is_replayed():
    world = street()
    overtaken = changing(4, to(SECOND, shut_out=(GONE,)))
    kept = changing(5, to(SECOND, is_only=True, shut_out=(THIEF,)))
    assert world.tell(kept).state == DONE
    assert world.tell(overtaken).state == DONE           # What it says holds, but for the old key.
    assert world.ring.now == Held(9, (SECOND,), (GONE, THIEF))
    assert world.tell(changing(6, to(THIRD))).state == DONE
    held, writes = world.ring.now, world.ring.writes
    for again in (overtaken, kept):
        assert world.tell(again).state == DONE           # Its receipt of then; nothing is done.
    for sequence, older in enumerate((to(SECOND, is_only=True), to(FIRST), to((8, b"x" * 16)))):
        receipt = world.tell(changing(20 + sequence, older))
        assert (receipt.state, receipt.reason) == (REFUSED, CANNOT)
        assert receipt.note == "the key of epoch 8 is in force"
    assert (world.ring.now, world.ring.writes) == (held, writes) and held.keys == (SECOND, THIRD)


def test_a_power_cut_leaves_the_old_keys_or_the_new_ones_and_the_next_order_brings_them():
    for cut, after in (("before", (FIRST,)), ("after", (FIRST, SECOND))):
        world = street()
        world.ring.cut, ended = cut, False
        try:
            world.tell(changing(4, to(SECOND)))
        except KeyboardInterrupt:
            ended = True
        assert ended and world.ring.now.keys == after
        world.ring.cut = ""
        world.start().passes(1)
        assert world.receipts[-1].state == UNKNOWN       # So the head-end tells it anew.
        assert world.tell(changing(5, to(SECOND))).state == DONE
        assert world.ring.now.keys == (FIRST, SECOND)


def test_flash_that_refuses_changes_nothing():
    world = street()
    world.ring.refuses = True
    receipt = world.tell(changing(4, to(SECOND)))
    assert (receipt.state, receipt.reason) == (FAILED, FLASH_REFUSES)
    assert world.ring.now.keys == (FIRST,)


def test_what_is_for_another_network_concentrator_or_epoch_is_refused():
    world = street()
    another = Keys(b"another.", OWN.tenant, OWN.epoch, OWN.uplink, OWN.downlink)
    later = Keys(OWN.concentrator, OWN.tenant, 2, OWN.uplink, OWN.downlink)
    for sequence, given, keys, reason in (
            (4, to(SECOND, network=8), OWN, CANNOT), (5, to(SECOND), another, orders.ARGUMENTS),
            (6, to(SECOND), later, orders.ARGUMENTS)):
        receipt = world.tell(changing(sequence, given, keys))
        assert (receipt.state, receipt.reason) == (REFUSED, reason)
    groups = sealed(order(7, kind=orders.NETWORK_KEY, arguments=cose.seal(
        CIPHER, OWN.downlink, OWN.key_id, 7, encode_network_key(to(SECOND)), "down", OWN.tenant,
        "groups")))
    assert world.tell(groups).reason == orders.ARGUMENTS     # Sealed for something else.
    assert world.ring.writes == 0


def test_who_has_not_joined_yet_says_so():
    world = first(Street(SimulatedFlash()).start())
    receipt = world.tell(changing(4, to(SECOND)))
    assert (receipt.state, receipt.note) == (REFUSED, "it has not joined the mesh yet")


def test_no_text_shows_a_key():
    given, held = to(SECOND), Held(9, (FIRST, SECOND), ())
    for text in () if ON_MICROPYTHON else (repr(given), repr(held), "%s" % (held,)):
        assert "aaaa" not in text and "bbbb" not in text and "7" in text


def test_an_order_between_check_and_begin_does_not_change_what_was_checked():
    world = street()
    act = world.desk.acts[orders.NETWORK_KEY]
    act.check(order(4, kind=orders.NETWORK_KEY, arguments=cose.seal(
        CIPHER, OWN.downlink, OWN.key_id, 4, encode_network_key(to(SECOND)), "down", OWN.tenant,
        "network-key")))
    said = []
    act.begin(order(5, kind=orders.NETWORK_KEY), said.append)
    assert said[0].state == FAILED and world.ring.writes == 0
    raises(Refused, lambda: act.check(order(6, arguments=b"nothing")))
