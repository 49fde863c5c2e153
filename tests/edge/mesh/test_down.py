"""Objects that go down, and what an origin is told of its own, on an air without loss or with some.
"""

from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.downward import HELD_MAX
from wum_edge.mesh.orders import ORDERS_MAX

MINUTE_US = 60_000_000
CHAIN = [(1, 2), (2, 3), (3, 4)]


def chain(**more):
    air = QuietAir({1}, CHAIN, **more)
    air.run(2 * MINUTE_US)
    return air


def known_chain():
    """A chain whose gateway has a way down to its end."""
    air = chain()
    air.submit(4, bytes(20))
    air.run(3 * MINUTE_US)
    assert air.relays[1].children.route(4) == 2 and air.relays[2].children.route(4) == 3
    return air


def kinds(air, kind):
    return [address for address, frame in air.sent if frames.decode_header(frame).kind == kind]


def test_an_object_goes_down_by_the_way_that_data_came():
    air = known_chain()
    content = bytes([at & 255 for at in range(700)])
    number = air.do(1, "send_down", 4, content)
    air.run(5 * MINUTE_US)
    assert air.of("receive") == [(4, 1, number, content)]
    assert air.of("confirmed") == [(1, 4, number)]
    assert air.relays[1].orders.size == 0
    assert kinds(air, frames.RIPPLE) == []
    assert sorted(set(kinds(air, frames.DOWN))) == [1, 2, 3]


def test_without_a_way_a_small_object_is_flooded():
    air = chain()
    assert air.relays[1].children.route(4) is None
    number = air.do(1, "send_down", 4, b"sealed")
    air.run(4 * MINUTE_US)
    assert air.of("receive") == [(4, 1, number, b"sealed")]
    assert air.of("confirmed") == [(1, 4, number)]
    assert sorted(set(kinds(air, frames.RIPPLE))) == [1, 2, 3, 4]


def test_a_child_that_does_not_answer_holds_nobody_else_up():
    air = QuietAir({1}, [(1, 2), (1, 3), (2, 3)])
    air.run(2 * MINUTE_US)
    for address in (2, 3):
        air.submit(address, bytes(20))
    air.run(3 * MINUTE_US)
    assert [air.relays[1].children.route(address) for address in (2, 3)] == [2, 3]

    def loses(frame):
        header = frames.decode_header(frame)
        return header.kind == frames.DOWN and header.destination == 2

    air.loses, begin_us = loses, air.now
    lost = air.do(1, "send_down", 2, bytes(300))     # Too much for a flood: by the way alone.
    good = [air.do(1, "send_down", 3, bytes((count,)) * 300) for count in range(3)]
    air.run(begin_us + 2_500_000)        # Less than its second and third try take.
    assert [entry[2] for entry in air.of("receive")] == good
    assert len([0 for address in kinds(air, frames.DOWN) if address == 1]) > 4
    air.loses = lambda frame: False
    air.run(begin_us + 2 * MINUTE_US)
    assert sorted(entry[2] for entry in air.of("receive")) == sorted([lost] + good)
    assert air.relays[1].downward.size == 0


def test_any_one_frame_may_be_lost_and_nothing_comes_twice():
    for kind, source in ((frames.DOWN, 1), (frames.GOT, 2), (frames.DOWN, 3), (frames.GOT, 4)):
        air = known_chain()
        left = [1]

        def loses(frame, kind=kind, source=source, left=left):
            header = frames.decode_header(frame)
            if left[0] and (header.kind, header.source) == (kind, source):
                left[0] = 0
                return True
            return False

        air.loses = loses
        number = air.do(1, "send_down", 4, bytes(300))
        air.run(5 * MINUTE_US)
        assert left == [0]
        assert air.of("receive") == [(4, 1, number, bytes(300))], (kind, source)
        assert air.of("confirmed") == [(1, 4, number)]


def test_a_way_that_somebody_on_it_has_lost_is_found_anew_for_long_objects_too():
    air = known_chain()
    air.relays[2].children.lose(3)                   # The gateway knows nothing of it.
    assert air.relays[1].children.route(4) == 2
    number = air.do(1, "send_down", 4, bytes(700))
    air.run(air.now + 12 * MINUTE_US)                # Not only when all tries were in vain.
    assert air.of("receive") == [(4, 1, number, bytes(700))]
    assert air.of("confirmed") == [(1, 4, number)]


def test_a_station_that_is_off_is_told_of():
    air = known_chain()
    del air.relays[4]
    number = air.do(1, "send_down", 4, bytes(300))
    air.run(60 * MINUTE_US)
    assert air.of("undelivered") == [(1, 4, number)] and air.of("confirmed") == []
    assert [relay.downward.size for relay in air.relays.values()] == [0, 0, 0]


def test_what_waits_to_go_down_knows_its_limits():
    air = known_chain()
    given = [air.do(1, "send_down", 4, bytes(500)) for _ in range(ORDERS_MAX + 1)]
    assert given[-1] is None and None not in given[:-1]
    assert air.relays[1].downward.size == HELD_MAX
    air.run(90 * MINUTE_US)
    assert len(air.of("confirmed")) == ORDERS_MAX
    assert len(air.of("receive")) == ORDERS_MAX




def test_a_gateway_asks_for_the_pieces_that_are_missing_and_only_these_are_sent():
    air = known_chain()
    content = bytes([at & 255 for at in range(5 * frames.FRAGMENT_MAX)])
    number = air.submit(4, content)
    for _ in range(20_000):
        air.run(air.now + 10_000)
        if air.relays[2].custody.size >= 5:
            break
    held = air.relays[2].custody
    forgotten = [item for queue in held._queues for item in queue][1:3]
    held.release(forgotten)                  # As after a restart, but for these only.
    air.run(air.now + 4 * MINUTE_US)
    assert air.delivered == [(4, bytes(20))]
    wants = air.of("want")
    assert wants[0][:2] == (4, number)
    here = wants[0][2]
    missing = [at for at in range(5) if not here >> at & 1]
    assert missing == sorted([item.fragment for item in forgotten])
    count = len(air.sent)
    assert air.do(4, "resubmit", number, content, here, 2)
    assert air.relays[4].custody.size == 2
    air.run(air.now + 2 * MINUTE_US)
    assert air.delivered[1:] == [(4, content)]
    data = [frame for address, frame in air.sent[count:]
            if address == 4 and len(frame) > 60]
    assert sum([len(frame) for frame in data]) < 3 * frames.FRAME_MAX
    assert (4, number) in air.done


def test_a_receipt_that_passes_over_an_old_object_calls_for_it():
    air = known_chain()
    relay = air.relays[4]
    first = air.submit(4, bytes(20))
    relay.custody.release([item for queue in relay.custody._queues for item in queue])
    air.run(air.now + 5 * MINUTE_US)         # It is lost, and nobody can know it yet.
    assert air.of("want") == []
    air.submit(4, bytes(30))
    air.run(air.now + 2 * MINUTE_US)
    assert air.of("want") == [(4, first, 0)] and air.of("again") == []


def test_an_object_that_comes_by_the_flood_and_by_the_way_comes_once():
    air = known_chain()
    air.loses = lambda frame: frames.decode_header(frame).kind == frames.DATA
    number = air.do(1, "send_down", 4, b"sealed")
    air.run(air.now + 2 * MINUTE_US)         # Nobody can confirm it: it is repeated both ways.
    assert len(kinds(air, frames.RIPPLE)) and len(kinds(air, frames.DOWN)) > 3
    assert air.of("receive") == [(4, 1, number, b"sealed")]
