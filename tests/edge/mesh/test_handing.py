"""Pieces handed over by wire: beside the radio, with loss, into a full store, and replayed."""

from tests.edge.mesh.test_wire import MINUTE_US, WiredAir
from wum_edge.mesh import frames
from wum_edge.mesh.custody import ITEMS_MAX
from wum_edge.mesh.frames import ASK, HAND, TAKEN
from wum_edge.mesh.handing import ROOM_KEPT, WINDOW

SECOND_US = 1_000_000


def kinds(air, station):
    return [frames.decode_header(frame).kind for sender, frame in air.sent if sender == station]


def test_a_wire_takes_no_turns_and_a_long_object_goes_at_once():
    air = WiredAir({1}, [], [(1, 2), (2, 3)])
    air.run(MINUTE_US)
    air.sent = []
    content = bytes(range(256)) * 36             # 41 frames, of which the wire has 8 at a time.
    air.submit(3, content)
    air.run(air.now + SECOND_US // 4)
    assert air.delivered == [(3, content)]
    assert kinds(air, 3).count(HAND) == 41 and kinds(air, 2).count(TAKEN) == 41
    assert ASK not in kinds(air, 3) + kinds(air, 2)
    air.run(air.now + MINUTE_US)                 # Receipts come with a poll, as by radio.
    assert len(air.done) == 1


def test_a_burst_on_the_radio_holds_up_no_wire_of_the_same_station():
    air = WiredAir({1}, [(2, 3), (1, 2)], [(2, 4)])
    air.run(3 * MINUTE_US)
    assert [air.relays[at].gradient.parent for at in (2, 3, 4)] == [1, 2, 2]
    for number in range(8):                      # 2 s of airtime each, over two hops.
        air.submit(3, bytes((number,)) * 1200)
    air.run(air.now + 10 * SECOND_US)
    assert air.relays[2].custody.size or air.relays[3].custody.size
    air.submit(4, bytes(1500))
    begin_us = air.now
    while air.relays[4].custody.size:
        air.run(air.now + 10_000)
    assert air.now - begin_us < SECOND_US // 2   # It is with the relay, whose radio is busy.
    air.run(air.now + 10 * MINUTE_US)
    assert len(air.delivered) == 9 and len(set(air.delivered)) == 9


def test_a_wire_that_loses_a_third_loses_and_doubles_nothing():
    air = WiredAir({1}, [], [(1, 2), (2, 3)])
    air.run(MINUTE_US)
    count = [0]

    def loses(frame):
        count[0] += 1
        return count[0] % 3 == 0 and frames.decode_header(frame).kind in (HAND, TAKEN)

    air.loses = loses
    sent = [(3, bytes((number,)) * 900) for number in range(20)]
    for origin, content in sent:
        assert air.submit(origin, content) is not None
        air.run(air.now + 3 * SECOND_US)
    air.run(air.now + 5 * MINUTE_US)
    assert sorted(air.delivered) == sent


def test_a_relay_whose_way_is_slow_keeps_room_for_children_that_come_by_radio():
    air = WiredAir({1}, [(1, 2), (2, 3)], [(2, 4)])
    air.run(3 * MINUTE_US)
    air.relays[1].is_open = False                # Nothing goes on.
    for number in range(30):
        air.submit(4, bytes((number,)) * 1100)
        air.run(air.now + SECOND_US)
    held = air.relays[2].custody.size
    assert ITEMS_MAX - ROOM_KEPT - WINDOW <= held <= ITEMS_MAX - ROOM_KEPT
    air.submit(3, bytes(400))
    air.run(air.now + 3 * MINUTE_US)
    assert air.relays[2].custody.size > held     # By radio there was room.
    air.relays[1].is_open = True
    air.run(air.now + 5 * MINUTE_US)
    assert (3, bytes(400)) in air.delivered and len(air.delivered) == len(set(air.delivered))


def test_what_was_handed_over_in_another_life_is_not_taken_again():
    air = WiredAir({1}, [], [(1, 2)])
    air.run(MINUTE_US)
    air.submit(2, bytes(50))
    air.run(air.now + MINUTE_US)
    handed = [frame for _, frame in air.sent if frames.decode_header(frame).kind == HAND]
    assert len(handed) == 1
    air.boot(1)
    air.run(air.now + SECOND_US)
    gateway = air.relays[1]
    gateway.guard._keys[0].windows.clear()               # The store was told of less.
    gateway.on_rx(air.now, handed[0], 0, 1000, 1)
    assert gateway.counts["handed in another life"] == 1
    assert ("deliver", 2) not in [action[:2] for action in gateway.actions()]


def test_a_wire_that_is_cut_under_a_load_gives_it_to_the_radio():
    air = WiredAir({1}, [(1, 2)], [(1, 2)])
    air.run(MINUTE_US)
    air.loses = lambda frame: frames.decode_header(frame).kind in (HAND, TAKEN)
    air.submit(2, bytes(3000))
    air.run(air.now + MINUTE_US)
    assert air.delivered == [(2, bytes(3000))] and kinds(air, 2).count(frames.DATA) > 10
