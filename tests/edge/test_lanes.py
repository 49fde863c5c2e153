"""How new records, those behind and those asked for share the link: new ones first, none starves.
"""

from tests.edge.records import INCARNATION, archive_on, row
from tests.edge.test_delivery import World
from tests.edge.test_gap_requests import delivered, reading, settle
from tests.portable import ON_MICROPYTHON
from wum_edge.uplink import delivery as rules
from wum_edge.uplink.flight import Flight
from wum_edge.uplink.lanes import ASKED, BEHIND, DONE_MAX, LIVE, LIVE_MAX, Lanes
from wum_shared.gaps import GapRange

# MicroPython proves the same with fewer: there a thousand records more are many seconds more.
OUTAGE = 3200 if ON_MICROPYTHON else 5000       # More than three batches.
BACKLOG = 2400 if ON_MICROPYTHON else 6000
MISSED, ROUNDS = (1100, 4) if ON_MICROPYTHON else (3000, 12)


def behind(records, **limits):
    """A world that was away while so many records came."""
    world = World(**limits)
    world.stored = 0
    world.head_end.connected = False
    world.append([row(n) for n in range(records)])
    world.wait(1000)
    return world


def test_after_an_outage_new_records_do_not_wait_for_those_behind():
    world = behind(OUTAGE, limit_bytes=2**20)
    world.head_end.connected = True
    world.head_end.number += 1
    world.wait(1000)
    assert [(one.first, one.last) for one in world.head_end.batches()] == [
        (1, 1024), (1025, 2048), (2049, 3072)]      # One place of four stays free for new ones.
    world.append([row(n) for n in range(OUTAGE, OUTAGE + 10)])
    world.wait(rules.LINGER_MS)
    last = world.head_end.batches()[-1]
    assert (last.first, last.last) == (OUTAGE + 1, OUTAGE + 10)
    newest = world.head_end.batches()[-1]
    world.hear(world.head_end.store(newest))
    assert world.archive.cursor == 0                # It passes what is acknowledged in a row.
    settle(world)
    assert world.archive.cursor == len(world.head_end.committed) == OUTAGE + 10


def test_what_is_behind_goes_on_however_many_new_records_come():
    world = behind(MISSED, limit_bytes=2**20)
    world.head_end.connected = True
    world.head_end.number += 1
    world.wait(0)
    for n in range(ROUNDS):                         # Each time as many as a batch can take.
        world.append([row(MISSED + 1024 * n + i) for i in range(1024)])
        world.wait(500)
        for batch in world.head_end.batches()[world.stored:]:
            world.hear(world.head_end.store(batch))
        world.stored = len(world.head_end.batches())
    assert world.archive.cursor >= MISSED


def test_a_request_gets_its_place_beside_a_backlog_and_new_records():
    world = delivered([reading(n) for n in range(300)], limit_bytes=2**20)
    world.head_end.connected = False
    world.append([row(n) for n in range(BACKLOG)])
    world.wait(0)
    world.head_end.connected = True
    world.head_end.number += 1
    world.now_ms += rules.REQUEST_SPACING_MS
    world.delivery.asked(world.head_end.ask(GapRange(INCARNATION, 1, 9)), world.now_ms)
    before = len(world.head_end.batches())
    world.wait(500)
    world.wait(500)
    sent = [(one.first, one.last) for one in world.head_end.batches()[before:]]
    assert (1, 9) in sent and (301, 1324) in sent and len(sent) == 3
    world.append([row(n) for n in range(9000, 9003)])
    world.wait(rules.LINGER_MS)
    assert world.head_end.batches()[-1].first == 300 + BACKLOG + 1


def test_what_is_acknowledged_ahead_of_the_cursor_is_sent_once_more_after_a_restart():
    world = behind(MISSED, limit_bytes=2**20)
    world.head_end.connected = True
    world.head_end.number += 1
    world.wait(0)
    world.append([row(n) for n in range(MISSED, MISSED + 9)])
    world.wait(rules.LINGER_MS)
    world.hear(world.head_end.store(world.head_end.batches()[-1]))
    assert world.archive.cursor == 0 == archive_on(world.flash).cursor
    world.start(limit_bytes=2**20)
    world.stored = len(world.head_end.batches())
    settle(world)
    assert world.archive.cursor == MISSED + 9
    # The head-end of the tests refuses another record of a number.
    assert len(world.head_end.committed) == MISSED + 9


def test_one_batch_that_is_never_answered_does_not_starve_the_others():
    world = World()
    world.stored = 0
    for n in range(3):
        world.append([row(10 * n + i) for i in range(5)])
        world.wait(rules.LINGER_MS)
    poisoned = (1, 5)
    heard = 0
    for _ in range(100):
        world.wait(1000)
        for batch in world.head_end.batches()[world.stored:]:
            if (batch.first, batch.last) != poisoned:
                world.hear(world.head_end.store(batch))
                heard += 1
        world.stored = len(world.head_end.batches())
    assert heard == 2 and sorted(world.head_end.committed) == list(range(6, 16))


def flights(*lanes):
    found = Lanes(1)
    found.flights = [Flight(lane, 1, 1, b"", 0) for lane in lanes]
    return found


def test_the_next_free_place_is_for_a_lane_that_has_nothing_under_way():
    wants = {"is_behind": True, "is_asked": True}
    for first in (LIVE, BEHIND, ASKED):
        for second in (LIVE, BEHIND, ASKED):
            for third in (LIVE, BEHIND, ASKED):
                under_way = [first, second, third]
                lanes = flights(*under_way)
                idle = [lane for lane in (LIVE, BEHIND, ASKED) if lane not in under_way]
                for lane in idle:
                    assert lanes.has_place(lane, **wants) == (idle == [lane])
                for lane in under_way:
                    may = not idle and (lane != ASKED)
                    assert lanes.has_place(lane, **wants) == may


def test_who_has_the_link_alone_may_use_it_but_for_one_place_that_is_kept_for_live_records():
    alone = {"is_behind": False, "is_asked": False}
    assert flights(*[LIVE] * 3).has_place(LIVE, **alone)
    assert not flights(*[LIVE] * 4).has_place(LIVE, **alone)
    assert flights(*[BEHIND] * 2).has_place(BEHIND, **alone)
    assert not flights(*[BEHIND] * 3).has_place(BEHIND, **alone)
    assert flights(*[BEHIND] * 3).has_place(LIVE, **alone)


def test_ranges_acknowledged_ahead_of_their_turn_are_bounded():
    lanes, at = Lanes(1), 1
    for _ in range(3 * DONE_MAX):
        lanes.reconnected(at + LIVE_MAX + 1)
        first = lanes.live_next
        lanes.flights.append(Flight(LIVE, first, first, b"", 0))
        lanes.live_next = at = first + 1
        assert lanes.done(lanes.flights[-1], 0) == 0
        assert len(lanes._done) <= DONE_MAX + 1
    while lanes.behind(0) is not None:
        first, last = lanes.behind(0)
        lanes.flights.append(Flight(BEHIND, first, last, b"", 0))
    cursor = 0
    for flight in list(reversed(lanes.flights)):
        cursor = lanes.done(flight, cursor)
    assert cursor == lanes.live_next - 1 and not lanes.flights


def test_what_waited_and_finds_no_place_in_a_small_batch_goes_at_once_and_later_ones_wait():
    world = World()
    world.head_end.batch_bytes = 64              # A board's batch is small: its memory is.
    world.append([row(n) for n in range(30)])
    world.wait(rules.LINGER_MS - 1)
    assert not world.head_end.batches()
    world.wait(1)
    answered = 0
    while answered < len(world.head_end.batches()):      # No time passes.
        world.hear(world.head_end.store(world.head_end.batches()[answered]))
        answered += 1
        world.wait(0)
    assert answered > rules.WINDOW and world.archive.cursor == 30
    world.append([row(30)])                      # It came later: it waits for more.
    world.wait(rules.LINGER_MS - 1)
    assert len(world.head_end.batches()) == answered
    world.wait(1)
    assert world.head_end.batches()[-1].last == 31
