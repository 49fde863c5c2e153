"""What ingest and schemas tell the ledger: in their own transactions, and nothing too much."""

from datetime import UTC, datetime, timedelta

from tests.cloud.concentrator import HOUR_S, Concentrator, schema_of
from wum_cloud.ledger.keeper import catch_up
from wum_cloud.ledger.reckoning import SETTLED_AFTER
from wum_shared.batch import Missed
from wum_shared.messages import Schedule
from wum_shared.status import SILENT

BEGIN = datetime.fromtimestamp(HOUR_S, UTC)
LATER = BEGIN + timedelta(hours=9) + SETTLED_AFTER      # Nine hours are over, of one UTC day.


def days(head_end) -> list[object]:
    return head_end.ask(
        "select m.serial, d.expected, d.received, d.silent from ledger_day d"
        " join meter m using (meter_id) order by 1")


async def test_a_batch_is_counted_with_what_it_says_of_missed_captures(head_end) -> None:
    cabinet = Concentrator()
    await head_end.welcome(cabinet)
    head_end.do("update meter_schedule set valid_from = %s", BEGIN)
    rows = [cabinet.row(0, hour) for hour in range(9)] + [cabinet.row(1, hour) for hour in (0, 1)]
    missed = Missed(cabinet.sequence, 1, 0, HOUR_S + 2 * 3600, 0, SILENT, "")
    cabinet.sequence += 1
    await head_end.take(cabinet.send_rows(*rows, missed))
    await catch_up(head_end.pool, LATER)
    assert days(head_end) == [("M-1", 9, 9, 0), ("M-2", 9, 2, 1)]
    assert head_end.ask("select count(*) from reading where arrived_at is null") == [0]


async def test_what_comes_late_out_of_the_archive_is_counted_again(head_end) -> None:
    cabinet = Concentrator(serials=["M-1"])
    await head_end.welcome(cabinet)
    head_end.do("update meter_schedule set valid_from = %s", BEGIN)
    await catch_up(head_end.pool, LATER)
    assert days(head_end) == [("M-1", 9, 0, 0)]
    await head_end.take(cabinet.send_rows(*[cabinet.row(0, hour) for hour in (3, 8, 5)]))
    await catch_up(head_end.pool, LATER)
    assert days(head_end) == [("M-1", 9, 3, 0)]


async def test_one_transaction_adds_one_mark_for_each_concentrator(head_end) -> None:
    one, other = Concentrator(), Concentrator(serials=["M-3"])
    await head_end.welcome(one, other)
    head_end.do("delete from ledger_mark")
    await head_end.take(
        one.send_rows(one.row(0, 0), one.row(1, 0)), one.send_rows(one.row(0, 1)),
        other.send_rows(other.row(0, 5)))
    first = HOUR_S // 3600
    assert sorted(head_end.ask("select hours from ledger_mark")) == [
        [first, first + 1], [first + 5]]


async def test_a_schema_that_changes_no_schedule_tells_nothing(head_end) -> None:
    cabinet = Concentrator()
    await head_end.welcome(cabinet)
    assert head_end.ask("select count(*) from meter_schedule") == [2]
    head_end.do("delete from ledger_mark")
    cabinet.use_schema(schema_of(
        cabinet.id, cabinet.serials, cabinet.sets, valid_from_s=HOUR_S + 3600, model="other"))
    await head_end.take(cabinet.send_schema())
    assert head_end.ask("select count(*) from meter_schedule") == [2]
    assert head_end.ask("select count(*) from ledger_mark") == [0]


async def test_a_schema_says_since_when_a_meter_is_read_otherwise_or_no_longer(head_end) -> None:
    cabinet = Concentrator()
    await head_end.welcome(cabinet)
    head_end.do("update meter_schedule set valid_from = %s", BEGIN)
    changed = schema_of(cabinet.id, ["M-1"], cabinet.sets, valid_from_s=HOUR_S + 3 * 3600)
    cabinet.use_schema(changed._replace(schedules=(Schedule(900, 0),)))
    await head_end.take(cabinet.send_schema())
    assert head_end.ask(
        "select m.serial, s.period_s from meter_schedule s join meter m using (meter_id)"
        " order by 1, s.valid_from") == [
            ("M-1", 3600), ("M-1", 900), ("M-2", 3600), ("M-2", None)]
    await catch_up(head_end.pool, LATER)
    assert days(head_end) == [("M-1", 3 + 24, 0, 0), ("M-2", 3, 0, 0)]


async def test_an_older_schema_that_comes_late_changes_only_what_was_before(head_end) -> None:
    cabinet = Concentrator(serials=["M-1"])
    await head_end.register(cabinet)
    old = schema_of(cabinet.id, ["M-1"], cabinet.sets)._replace(schedules=(Schedule(900, 0),))
    new = schema_of(cabinet.id, ["M-1"], cabinet.sets, valid_from_s=HOUR_S + 3600)
    late = cabinet.send(old)
    await head_end.take(cabinet.send(new))
    await head_end.take(late)
    assert head_end.ask("select period_s from meter_schedule order by valid_from") == [900, 3600]


async def test_a_clock_that_is_ahead_cannot_put_a_schedule_off(head_end) -> None:
    cabinet = Concentrator(serials=["M-1"])
    cabinet.use_schema(schema_of(cabinet.id, ["M-1"], cabinet.sets, valid_from_s=4_000_000_000))
    await head_end.welcome(cabinet)
    assert head_end.ask("select valid_from <= now() from meter_schedule") == [True]
