"""Gap requests: what is there is sent again, what is not is told with its reason, and no cursor
moves for it."""

from tests.edge.headend import OTHER_KEY
from tests.edge.records import (
    INCARNATION,
    LIMIT_BYTES,
    OTHER_INCARNATION,
    SCHEMA,
    SCHEMA_ID,
    START_S,
    archive_on,
    mixed,
    numbered,
    row,
)
from tests.edge.test_delivery import World
from wum_edge.archive.ring import RETENTION_S, Stamp
from wum_edge.uplink import delivery as rules
from wum_edge.uplink.gaps import joined, worst
from wum_shared.batch import Missed, Row, decode_batch
from wum_shared.gaps import GapPart, GapRange
from wum_shared.ids import schema_id
from wum_shared.messages import decode_schema, encode_schema
from wum_shared.status import (
    BAD_CHECK,
    EVENT_ACK_REFUSED,
    GAP_DAMAGED,
    GAP_DROPPED,
    GAP_METER_SILENT,
    GAP_METER_UNKNOWN,
    GAP_NEVER_READ,
    GAP_NOT_HERE,
    GAP_SENT,
    LOST_DROPPED,
    SYNCHRONISED,
)

PERIOD_S = 900                # Of the schedule of every meter in records.py.
FIRST_S = START_S - START_S % PERIOD_S + PERIOD_S


def reading(interval, meter=0, outcome=0):
    """What a meter gave in that interval, a few seconds after it began."""
    at_s = FIRST_S + interval * PERIOD_S + 3
    if outcome:
        return Missed(0, meter, 0, at_s, SYNCHRONISED, outcome, "")
    return Row(*((0, meter, 0, at_s) + tuple(row(interval * 7 + meter))[4:]))


def span(first, last, serial="M-0"):
    """Whole intervals first..last of a meter."""
    return GapRange(serial, FIRST_S + first * PERIOD_S, FIRST_S + (last + 1) * PERIOD_S - 1)


def delivered(records, **limits):
    """A world in which the head-end has acknowledged these records."""
    world = World(**limits)
    world.stored = 0
    world.append(records)
    settle(world)
    assert world.archive.cursor == len(records)
    return world


def settle(world, ticks=200):
    """Let the head-end store what comes until nothing comes any more."""
    for _ in range(ticks):
        world.wait(500)
        batches = world.head_end.batches()
        for batch in batches[world.stored:]:
            world.hear(world.head_end.store(batch))
        world.stored = len(batches)


def ask(world, *ranges, **wrong):
    """Ask, let it be worked off, and return (batches that came, parts of the answer)."""
    before = len(world.head_end.batches()), len(world.head_end.answers())
    world.now_ms += rules.REQUEST_SPACING_MS
    world.delivery.asked(world.head_end.ask(*ranges, **wrong), world.now_ms)
    settle(world)
    answers = world.head_end.answers()[before[1]:]
    assert len(answers) <= 1
    return world.head_end.batches()[before[0]:], answers[0].parts if answers else None


def test_records_that_were_acknowledged_long_ago_are_sent_again_by_number():
    world = delivered(mixed(0, 40))
    world.head_end.committed.clear()
    batches, parts = ask(world, GapRange(INCARNATION, 5, 9), GapRange(INCARNATION, 20, 20))
    assert [(one.first, one.last) for one in batches] == [(5, 9), (20, 20)]
    assert parts == (GapPart(0, 5, 9, GAP_SENT, 0), GapPart(1, 20, 20, GAP_SENT, 0))
    assert world.head_end.committed == {
        n: numbered(mixed(0, 40)[n - 1], n) for n in (5, 6, 7, 8, 9, 20)}
    assert world.archive.cursor == 40 and archive_on(world.flash).cursor == 40
    assert world.delivery.progress().requests == 1
    assert "sent again" in world.log.said[-1]


def test_what_is_asked_for_never_moves_the_cursor():
    world = World(records=9)
    world.wait(rules.LINGER_MS)
    live = world.head_end.batches()[0]
    world.delivery.asked(world.head_end.ask(GapRange(INCARNATION, 1, 4)), world.now_ms)
    world.wait(1000)
    world.wait(1000)
    again = world.head_end.batches()[1]
    assert (again.first, again.last) == (1, 4)
    world.hear(world.head_end.store(again))
    world.wait(1000)
    assert world.head_end.answers()[0].parts[0].reason == GAP_SENT
    assert world.archive.cursor == 0
    world.hear(world.head_end.store(live))
    assert world.archive.cursor == 9


def test_numbers_of_another_archive_or_never_given_are_not_here():
    world = delivered(mixed(0, 10))
    batches, parts = ask(world, GapRange(OTHER_INCARNATION, 1, 5), GapRange(INCARNATION, 9, 30))
    assert [(one.first, one.last) for one in batches] == [(9, 10)]
    assert parts == (GapPart(0, 1, 5, GAP_NOT_HERE, 0), GapPart(1, 9, 10, GAP_SENT, 0),
                     GapPart(1, 11, 30, GAP_NOT_HERE, 0))


def test_what_was_acknowledged_and_dropped_is_told_as_dropped_and_not_as_damaged():
    world = delivered([reading(n) for n in range(1200)])
    assert len(world.archive._segments) > 4
    world.archive.expire(Stamp(START_S + 2 * RETENTION_S, SYNCHRONISED))
    first = world.archive._segments[0].header.first_sequence
    assert first > 1
    batches, parts = ask(world, GapRange(INCARNATION, 1, first + 1))
    assert parts == (GapPart(0, 1, first - 1, GAP_DROPPED, 0),
                     GapPart(0, first, first + 1, GAP_SENT, 0))
    lost = decode_batch(batches[0].opened, world.head_end.schemas[SCHEMA_ID]).lost
    assert [tuple(one)[:3] for one in lost] == [(1, first - 1, LOST_DROPPED)]
    # The same by time: the archive begins later, for the older was dropped.
    cut = (world.archive._segments[0].times[0] - FIRST_S) // PERIOD_S
    _, parts = ask(world, span(cut - 3, cut + 1))
    assert [(part.first, part.reason) for part in parts] == [
        (FIRST_S + (cut - 3) * PERIOD_S, GAP_DROPPED), (FIRST_S + cut * PERIOD_S, GAP_SENT)]


def test_damage_is_told_as_damage_by_number_and_by_time():
    world = delivered([reading(n) for n in range(1200)])
    segment = world.archive._segments[2]
    name, first = segment.name, segment.header.first_sequence
    flash, size = world.flash, segment.size
    whole = flash.read(name, 0, size)
    flash.replace(name, whole[:size // 2] + bytes(200) + whole[size // 2 + 200:])
    world.start()
    _, parts = ask(world, GapRange(INCARNATION, first, first + 80))
    assert GAP_DAMAGED in [part.reason for part in parts]
    damaged = [part for part in parts if part.reason == GAP_DAMAGED][0]
    assert (parts[0].first, parts[-1].last) == (first, first + 80)
    _, parts = ask(world, span(damaged.first - 1, damaged.first + 3))
    assert [part.reason for part in parts][0] == GAP_DAMAGED
    # Where nothing is damaged, nothing is told as damaged.
    _, parts = ask(world, span(5, 9))
    assert [part.reason for part in parts] == [GAP_SENT]


def test_by_time_every_interval_is_accounted_for():
    records = [reading(0), reading(1), reading(2, outcome=BAD_CHECK), reading(5), reading(6),
               reading(6, meter=1)]
    world = delivered(records)
    world.head_end.committed.clear()
    batches, parts = ask(world, span(-2, 6), span(4, 6, "M-1"))
    first_s = FIRST_S
    assert parts == (
        GapPart(0, first_s - 2 * PERIOD_S, first_s - 1, GAP_NOT_HERE, 0),
        GapPart(0, first_s, first_s + 2 * PERIOD_S - 1, GAP_SENT, 0),
        GapPart(0, first_s + 2 * PERIOD_S, first_s + 3 * PERIOD_S - 1, GAP_METER_SILENT,
                BAD_CHECK),
        GapPart(0, first_s + 3 * PERIOD_S, first_s + 5 * PERIOD_S - 1, GAP_NEVER_READ, 0),
        GapPart(0, first_s + 5 * PERIOD_S, first_s + 7 * PERIOD_S - 1, GAP_SENT, 0),
        GapPart(1, first_s + 4 * PERIOD_S, first_s + 6 * PERIOD_S - 1, GAP_NEVER_READ, 0),
        GapPart(1, first_s + 6 * PERIOD_S, first_s + 7 * PERIOD_S - 1, GAP_SENT, 0))
    assert sorted(world.head_end.committed) == [1, 2, 3, 4, 5, 6]


def test_a_meter_that_nobody_named_is_unknown():
    world = delivered([reading(0)])
    batches, parts = ask(world, span(0, 3, "M-99"))
    assert not batches
    assert parts == (GapPart(0, *tuple(span(0, 3))[1:], GAP_METER_UNKNOWN, 0),)


def test_a_meter_is_found_under_each_schema_that_named_it_and_by_its_own_place_there():
    world = World()
    world.stored = 0
    world.append([reading(n, meter=0) for n in range(4)])
    old = decode_schema(SCHEMA)
    other = encode_schema(type(old)(*(tuple(old)[:3] + (tuple(reversed(old.meters)),)
                                      + tuple(old)[4:])))
    world.archive.keep_schema(other)
    world.append([reading(n, meter=3) for n in range(4, 8)], schema_id(other))
    settle(world)
    world.head_end.committed.clear()
    _, parts = ask(world, span(0, 7, "M-0"))
    assert parts == (GapPart(0, *tuple(span(0, 7))[1:], GAP_SENT, 0),)
    assert sorted(world.head_end.committed) == list(range(1, 9))
    _, parts = ask(world, span(0, 7, "M-3"))
    assert [part.reason for part in parts] == [GAP_NEVER_READ]


def test_a_request_beside_another_or_right_after_it_is_not_taken():
    world = delivered(mixed(0, 9))
    first, second = [world.head_end.ask(GapRange(INCARNATION, n, n)) for n in (2, 7)]
    world.delivery.asked(first, world.now_ms)
    world.delivery.asked(second, world.now_ms + 60000)      # The first one is not answered yet.
    settle(world, ticks=3)
    assert [answer.parts[0].first for answer in world.head_end.answers()] == [2]
    world.delivery.asked(world.head_end.ask(GapRange(INCARNATION, 7, 7)), world.now_ms)
    settle(world, ticks=3)
    assert len(world.head_end.answers()) == 1               # It came too soon.
    assert len(ask(world, GapRange(INCARNATION, 7, 7))[0]) == 1


def test_what_is_forged_foreign_or_heard_before_is_not_worked_off():
    world = delivered(mixed(0, 9))
    wanted = GapRange(INCARNATION, 1, 3)
    for wrong in ({"key": OTHER_KEY}, {"stream": "ack"}, {"concentrator": b"stranger"}):
        assert ask(world, wanted, **wrong) == ([], None)
    world.delivery.asked(b"junk", world.now_ms)
    assert len([kind for kind, _ in world.delivery.events if kind == EVENT_ACK_REFUSED]) == 1
    assert world.delivery.progress().refused["not genuine"] == 3
    again = world.head_end.ask(wanted)
    for _ in range(2):
        world.now_ms += rules.REQUEST_SPACING_MS
        world.delivery.asked(again, world.now_ms)
        settle(world)
        assert len(world.head_end.answers()) == 1
    assert world.delivery.progress().refused["heard before"] == 1
    world.delivery.heard(world.head_end.ask(wanted), world.now_ms)
    assert world.delivery.progress().refused["not genuine"] == 4


def test_a_restart_forgets_the_request_and_the_next_one_is_answered():
    world = delivered(mixed(0, 9))
    world.delivery.asked(world.head_end.ask(GapRange(INCARNATION, 1, 3)), world.now_ms)
    world.start()
    settle(world)
    assert not world.head_end.answers()
    assert ask(world, GapRange(INCARNATION, 1, 3))[1][0].reason == GAP_SENT


def test_a_batch_that_nobody_acknowledges_is_given_up_and_the_answer_comes_all_the_same():
    world = delivered(mixed(0, 9))
    world.delivery.asked(world.head_end.ask(GapRange(INCARNATION, 1, 3)), world.now_ms)
    before = len(world.head_end.batches())
    for _ in range(100):
        world.wait(5000)
    assert len(world.head_end.batches()) == before + rules.ASKED_TRIES
    assert len(world.head_end.answers()) == 1
    assert world.archive.cursor == 9 and not world.delivery.progress().in_flight


def test_an_answer_that_the_broker_does_not_take_goes_out_later():
    world = delivered(mixed(0, 9))
    world.delivery.asked(world.head_end.ask(GapRange(OTHER_INCARNATION, 1, 3)), world.now_ms)
    world.head_end.takes = False
    settle(world, ticks=5)
    assert not world.head_end.answers()
    world.head_end.takes = True
    settle(world, ticks=2)
    assert len(world.head_end.answers()) == 1


def test_flash_that_fails_ends_the_request_and_nothing_else():
    world = delivered([reading(n) for n in range(50)])
    world.delivery.asked(world.head_end.ask(GapRange(INCARNATION, 1, 3)), world.now_ms)
    world.delivery.tick(world.now_ms)
    for ahead in range(1, 9):
        world.flash.fail[world.flash.operations + ahead] = 24    # Out of handles.
    settle(world, ticks=3)
    world.flash.fail.clear()
    assert ask(world, GapRange(INCARNATION, 1, 3))[1][0].reason in (GAP_SENT,)


def test_while_a_long_request_is_worked_off_new_records_go_out_as_ever():
    world = delivered([reading(n) for n in range(400)], limit_bytes=8 * LIMIT_BYTES)
    world.now_ms += rules.REQUEST_SPACING_MS
    world.delivery.asked(world.head_end.ask(
        *[span(n, n + 60) for n in range(0, 320, 5)]), world.now_ms)
    world.append([reading(500)])
    world.wait(rules.LINGER_MS)
    world.wait(rules.LINGER_MS)
    newest = [one for one in world.head_end.batches() if one.last == 401]
    assert len(newest) == 1 and not world.head_end.answers()
    world.hear(world.head_end.store(newest[0]))
    assert world.archive.cursor == 401


def test_numbers_that_are_near_go_together():
    assert joined([]) == []
    assert joined([5, 1, 2, 14, 24]) == [(1, 14), (24, 24)]


def test_where_any_register_set_lacks_something_that_is_what_is_told():
    """Energy every quarter of an hour, volts every hour: the head-end asks for what it lacks."""
    energy = [(0, 899, GAP_SENT, 0), (900, 1799, GAP_NEVER_READ, 0), (1800, 3599, GAP_SENT, 0)]
    volts = [(0, 3599, GAP_METER_SILENT, BAD_CHECK)]
    assert worst([energy]) == energy
    assert worst([energy, [(0, 3599, GAP_SENT, 0)]]) == energy
    assert worst([energy, volts]) == [
        (0, 899, GAP_METER_SILENT, BAD_CHECK), (900, 1799, GAP_NEVER_READ, 0),
        (1800, 3599, GAP_METER_SILENT, BAD_CHECK)]
