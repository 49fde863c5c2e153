"""Summaries by day say what the readings say, whatever comes late, twice or while they are made."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.cloud.concentrator import HOUR_S, Concentrator
from tests.cloud.conftest import HeadEnd
from wum_cloud.history import keeper, store
from wum_cloud.history.keeper import catch_up, step
from wum_cloud.ledger import keeper as ledger
from wum_cloud.registry.quantities import COLUMNS

BEGIN = datetime.fromtimestamp(HOUR_S, UTC)     # Two o'clock in the afternoon.
OVER = datetime(2026, 9, 24, 1, tzinfo=UTC)
_NAMES = [name + end for name in COLUMNS for end in ("_least", "_greatest")]


async def settle(head_end: HeadEnd, now: datetime = OVER) -> None:
    """What runs beside ingest, until it has nothing to do."""
    await ledger.catch_up(head_end.pool, now)
    await catch_up(head_end.pool, now)


def summaries(head_end: HeadEnd) -> dict[object, object]:
    return {row[:4]: row[4:] for row in head_end.ask(
        "select meter_id, day, profile, register_set_id, readings, first_at, last_at, "
        + ", ".join(_NAMES) + " from reading_day")}


def expected(head_end: HeadEnd, before: datetime = OVER) -> dict[object, object]:
    """The same, of the rows one by one."""
    today = before.replace(hour=0, minute=0)
    found = defaultdict(list)
    for meter, at, profile, number, *values in head_end.ask(
            "select meter_id, captured_at, profile, register_set_id, " + ", ".join(COLUMNS)
            + " from reading where captured_at < %s", today):
        day = at.astimezone(UTC).replace(hour=0, minute=0, second=0)
        found[meter, day, profile, number].append((at, values))
    result: dict[object, object] = {}
    for key, rows in found.items():
        times = [at for at, _ in rows]
        ends: list[int | None] = []
        for column in zip(*[values for _, values in rows], strict=True):
            there = [value for value in column if value is not None]
            ends += [min(there), max(there)] if there else [None, None]
        result[key] = (len(rows), min(times), max(times), *ends)
    return result


async def test_a_day_that_is_over_is_summed_up_and_one_that_goes_on_is_not(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    await head_end.take(one.send_rows(*[one.row(m, h) for h in range(40) for m in (0, 1)]))
    noon = BEGIN + timedelta(hours=22)
    await settle(head_end, noon)
    assert len(summaries(head_end)) == 2 and summaries(head_end) == expected(head_end, noon)
    assert [row.date() for row in head_end.ask("select distinct day from reading_day")] == [
        BEGIN.date()]
    await settle(head_end)
    assert len(summaries(head_end)) == 6 and summaries(head_end) == expected(head_end)
    assert head_end.ask("select count(*) from reading_dirty") == [0]


async def test_what_comes_late_or_again_changes_the_days_it_touches_and_no_other(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    first = one.batch(*[one.row(0, h, [5 + h] + [None] * 11) for h in range(30)])
    await head_end.take(one.send(first))
    await settle(head_end)
    before = summaries(head_end)
    late = one.batch(one.row(0, 3, [9999] * 12), one.row(0, -3, [1] * 12), one.row(1, 20))
    for again in (late, late, first):   # Registers that fill a row, an older row, another meter.
        await head_end.take(one.send(again))
        await settle(head_end)
        assert summaries(head_end) == expected(head_end)
    assert len(summaries(head_end)) > len(before)
    assert head_end.ask("select count(*) from reading_revision") == [1]


async def test_readings_of_a_meter_that_moved_are_summed_up_wherever_they_come_from(
        head_end: HeadEnd) -> None:
    old, new = Concentrator(serials=["M-1"]), Concentrator(serials=["M-9"])
    await head_end.welcome(old, new)
    await head_end.take(old.send_rows(old.row(0, 0)))
    await settle(head_end)
    head_end.do("update meter set concentrator_id = (select concentrator_id from meter"
                " where serial = 'M-9') where serial = 'M-1'")
    head_end.do("insert into reading (meter_id, captured_at, profile, register_set_id,"
                " time_quality, a_plus) select meter_id, captured_at + interval '1 hour', 0,"
                " register_set_id, 0, 77 from reading")
    head_end.do("insert into ledger_mark (concentrator_id, hours) select concentrator_id, %s"
                " from concentrator where device_id = %s", [HOUR_S // 3600], old.id)
    await settle(head_end)
    assert summaries(head_end) == expected(head_end)
    assert head_end.ask("select readings from reading_day") == [2]


async def test_what_is_marked_while_a_day_is_summed_up_stays_marked(
        head_end: HeadEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row(0, 0)))
    await ledger.catch_up(head_end.pool, OVER)
    async with head_end.pool.connection() as connection:
        seen = await store.dirty(connection, OVER.date(), 10)
    await head_end.take(one.send_rows(one.row(0, 1, [5000] * 12)))
    await ledger.catch_up(head_end.pool, OVER)
    async with head_end.pool.connection() as connection:
        await store.drop_marks(connection, seen)
    assert head_end.ask("select day from reading_dirty") == [BEGIN.date()]
    await settle(head_end)
    assert summaries(head_end) == expected(head_end)


async def test_who_ends_before_the_marks_are_taken_away_begins_with_them_again(
        head_end: HeadEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    await head_end.take(one.send_rows(*[one.row(0, h) for h in range(30)]))
    await ledger.catch_up(head_end.pool, OVER)
    with monkeypatch.context() as patch:
        patch.setattr(store, "drop_marks", _killed)
        with pytest.raises(KeyboardInterrupt):
            await step(head_end.pool, OVER)
    assert head_end.ask("select count(*) from reading_dirty") == [2]
    await settle(head_end)
    assert summaries(head_end) == expected(head_end)
    assert head_end.ask("select count(*) from reading_dirty") == [0]


async def _killed(*_: object) -> None:
    raise KeyboardInterrupt


async def test_steps_are_small_and_one_process_does_them(
        head_end: HeadEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Concentrator(serials=["M-1"])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(*[one.row(0, -24 * day) for day in range(20)]))
    await ledger.catch_up(head_end.pool, OVER)
    monkeypatch.setattr(keeper, "MARKS_PER_STEP", 5)
    head_end.ask("select pg_advisory_lock(%s)", 0x57554D03)
    assert await step(head_end.pool, OVER) == 0
    head_end.ask("select pg_advisory_unlock(%s)", 0x57554D03)
    assert 0 < await step(head_end.pool, OVER) <= max(5, keeper.DAYS_PER_REFRESH)
    await settle(head_end)
    assert len(summaries(head_end)) == 20 and summaries(head_end) == expected(head_end)


async def test_days_far_apart_are_refreshed_one_by_one() -> None:
    days = [date(2026, 1, n) for n in (1, 1, 2, 3, 7, 8)]
    marks = [store.Dirty(day, n, n) for n, day in enumerate(days)]
    assert keeper._first_run(marks) == marks[:4]
    assert keeper._first_run(marks[4:]) == marks[4:]
    month = [store.Dirty(date(2026, 1, n), 1, n) for n in range(1, 31)]
    assert keeper._first_run(month) == month[:keeper.DAYS_PER_REFRESH]
    assert keeper._first_run([]) == []
