"""A relay among others on an air without loss, or with exactly one."""

from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.custody import ITEMS_MAX
from wum_edge.mesh.timing import POLLING

MINUTE_US = 60_000_000
CHAIN = [(1, 2), (2, 3), (3, 4)]


def chain(**more):
    air = QuietAir({1}, CHAIN, **more)
    air.run(2 * MINUTE_US)
    return air


def kinds(air, kind):
    return [(address, frame) for address, frame in air.sent
            if frames.decode_header(frame).kind == kind]


def lose_once(air, kind, source):
    """The next frame of this kind and source never arrives."""
    left = [1]

    def loses(frame):
        header = frames.decode_header(frame)
        if left[0] and header.kind == kind and header.source == source:
            left[0] = 0
            return True
        return False

    air.loses = loses
    return left


def test_an_object_goes_up_and_its_receipt_comes_down():
    air = chain()
    assert [air.relays[address].gradient.parent for address in (1, 2, 3, 4)] == [None, 1, 2, 3]
    number = air.submit(4, bytes(600))
    air.run(4 * MINUTE_US)
    assert air.delivered == [(4, bytes(600))]
    assert air.done == [(4, number)]
    assert sum([air.relays[address].custody.size for address in (1, 2, 3, 4)]) == 0


def test_ranks_rise_with_every_hop():
    air = chain()
    ranks = [air.relays[address].gradient.rank for address in (1, 2, 3, 4)]
    assert ranks[0] == 0 and ranks == sorted(set(ranks))


def test_a_newer_heartbeat_is_known_to_the_stores_of_all():
    air = chain()
    before = air.relays[1].gradient.heartbeat
    air.relays[1].wanting.beat()
    air.run(air.now + 2 * MINUTE_US)
    known = [air.relays[address].custody.heartbeat for address in (2, 3, 4)]
    assert known == 3 * [before + 1 & 255]


def test_any_one_frame_may_be_lost_and_nothing_comes_twice():
    for kind, source in ((frames.ASK, 4), (frames.POLL, 3), (frames.DATA, 4), (frames.DATA, 3),
                         (frames.POLL, 2), (frames.POLL, 1)):
        air = chain()
        left = lose_once(air, kind, source)
        air.submit(4, bytes(600))
        air.run(5 * MINUTE_US)
        assert left == [0]
        assert air.delivered == [(4, bytes(600))], (kind, source)


def test_a_lost_acknowledgement_makes_no_second_object():
    air = chain()
    heard = []

    def loses(frame):
        header = frames.decode_header(frame)
        if header.kind == frames.POLL and header.source == 3 and header.destination == 4:
            heard.append(frame)
            return len(heard) == 2           # The one behind the burst.
        return False

    air.loses = loses
    air.submit(4, bytes(200))
    air.run(5 * MINUTE_US)
    assert len(heard) > 2 and air.delivered == [(4, bytes(200))]


def test_what_no_gateway_confirms_is_asked_for_again():
    air = chain()
    number = air.submit(4, bytes(200))
    for _ in range(600):
        air.run(air.now + 10_000)
        if air.relays[3].custody.size:
            break
    assert air.relays[3].custody.size and not air.relays[4].custody.waiting()
    air.boot(3)                              # It forgets what it had promised.
    air.run(air.now + 40 * MINUTE_US)
    assert air.of("want") == [(4, number, 0)] and air.delivered == []
    assert air.do(4, "resubmit", number, bytes(200), 0, 2)
    air.run(air.now + 2 * MINUTE_US)
    assert air.delivered == [(4, bytes(200))] and air.done == [(4, number)]


def test_what_is_asked_for_three_times_in_vain_begins_anew_under_another_number():
    air = chain()
    number = air.submit(4, bytes(200))
    air.relays[4].custody.release(air.relays[4].custody.everything())
    air.run(130 * MINUTE_US)
    assert air.of("want") == 3 * [(4, number, 0)] and air.of("again") == [(4, number)]


def test_a_restart_uses_no_counter_and_no_object_number_again():
    air = chain()
    first = air.submit(4, bytes(20))
    air.run(3 * MINUTE_US)
    used = {frames.decode_header(frame).counter for address, frame in air.sent if address == 4}
    air.boot(4)
    air.run(5 * MINUTE_US)
    count = len(air.sent)
    assert air.submit(4, bytes(20)) != first
    air.run(7 * MINUTE_US)
    fresh = {frames.decode_header(frame).counter
             for address, frame in air.sent[count:] if address == 4}
    assert fresh and not used & fresh
    assert len(air.delivered) == 2


def test_a_full_relay_grants_nothing_and_loses_nothing():
    air = chain()
    del air.relays[1]                        # The gateway is dead.
    given = 0
    for _ in range(60):
        while air.submit(4, bytes([given & 255]) * 200) is not None:
            given += 1
        air.run(air.now + MINUTE_US)
        assert max([relay.custody.size for relay in air.relays.values()]) <= ITEMS_MAX
    held = sum([relay.custody.size for relay in air.relays.values()])
    assert held >= given > ITEMS_MAX // 2 and air.delivered == []


def test_the_law_stops_a_relay_and_not_its_custody():
    air = chain(duty=5)                      # 1.8 s in an hour; a frame with one takes 0.17 s.
    for count in range(12):
        air.submit(4, bytes([count]) * 200)
    air.run(10 * MINUTE_US)
    airtime = air.relays[4].ledger.spent_us(air.now)
    assert airtime <= air.relays[4].ledger.limit_us
    assert 0 < len(air.delivered) < 12
    air.run(400 * MINUTE_US)
    assert len({content for _, content in air.delivered}) == 12


def test_data_of_a_lower_rank_are_refused():
    air = chain()
    relay = air.relays[3]
    relay.children.ask(air.now, 4, 3, 60)
    relay.speech.plan()
    air.loses = lambda frame: frames.decode_header(frame).source == 4
    for _ in range(200):
        air.run(air.now + 10_000)
        if relay.mode == POLLING and not relay.sending:
            break
    assert relay.mode == POLLING
    header = frames.Header(frames.DATA, 2, 7, 4, 3, 9999, 0)
    body = frames.encode_data(relay.gradient.rank - 1, relay.polls._number,
                              [frames.Item(9, 1, 0, True, b"loop", 0)])
    relay.polls.data(header, body)
    assert relay.counts["loop"] == 1 and relay.custody.size == 0


def test_while_there_is_no_way_nothing_is_called_for_again():
    air = chain()
    del air.relays[1]
    air.submit(4, bytes(200))
    air.run(air.now + 60 * MINUTE_US)
    assert air.of("again") == [] and air.relays[4].unreceipted.size == 1


def test_a_poll_that_is_declined_leaves_no_piece_of_the_burst_before_it_under_way_for_ever():
    air = QuietAir({1}, [(1, 2), (2, 3)])
    air.run(120_000_000)
    relay = air.relays[3]
    air.loses = lambda frame: True
    air.submit(3, bytes(500))
    relay.answers.polled(air.now, 2, 9, 4, 0)
    assert relay.custody.waiting() == 0          # All of it is in the burst ...
    while relay.answers._at < len(relay.answers._frames):
        relay.sending = 0
        relay.answers._send_next()
    relay.answers._finish(air.now)
    relay.neighbours.get(2).rank = relay.gradient.rank
    relay.answers.polled(air.now, 2, 10, 4, 0)   # ... of which no word comes.
    assert relay.custody.waiting() == relay.custody.size == 3


def test_who_loses_its_gateway_does_not_come_through_those_behind_it():
    """Three in a row and one that hears two of them: without the condition of section 4 the one
    next to the dead gateway takes a child for its parent, and they count each other up.
    """
    air = QuietAir([1], [(1, 2), (2, 3), (3, 4), (2, 4)])
    air.run(5 * MINUTE_US)
    assert air.relays[2].gradient.parent == 1 and air.relays[3].gradient.parent == 2
    del air.relays[1]
    looped_s = 0
    for _ in range(600):
        air.run(air.now + MINUTE_US // 60)
        parents = {address: relay.gradient.parent for address, relay in air.relays.items()}
        looped_s += any(parents.get(parent) == address for address, parent in parents.items())
    assert looped_s <= 30, looped_s
