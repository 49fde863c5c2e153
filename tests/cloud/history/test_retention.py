"""What is too old is dropped week by week, and nothing goes without a word."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.cloud.concentrator import HOUR_S, Concentrator
from tests.cloud.conftest import HeadEnd
from tests.cloud.history.test_summaries import expected, settle, summaries
from wum_cloud import doctor
from wum_cloud.database import connect
from wum_cloud.history import keeper
from wum_cloud.history.keeper import drop_old, keeping
from wum_cloud.history.retention import store as retention
from wum_cloud.ledger import keeper as ledger
from wum_shared.batch import Missed
from wum_shared.status import SILENT, STORED

KEEP = 450
NOW = datetime.fromtimestamp(HOUR_S, UTC) + timedelta(days=KEEP + 20)
DAY = 24    # Hours.


async def _three_weeks(head_end: HeadEnd) -> Concentrator:
    """A row a day for three weeks, a revision and a missed row in the first of them."""
    one = Concentrator(serials=["M-1"])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(
        *[one.row(0, -DAY * day) for day in range(21)],
        Missed(one.sequence, 0, 0, HOUR_S - 20 * DAY * 3600 + 60, 0, SILENT, "")))
    one.sequence += 1
    await head_end.take(one.send_rows(one.row(0, -DAY * 20, [77] * 12)))
    await settle(head_end, NOW)
    return one


async def test_weeks_that_are_too_old_go_with_what_stood_beside_them_and_are_told(
        head_end: HeadEnd, caplog: pytest.LogCaptureFixture) -> None:
    await _three_weeks(head_end)
    before = summaries(head_end)
    with caplog.at_level(logging.WARNING):
        dropped = await drop_old(head_end.pool, NOW - timedelta(days=28), KEEP)
    cutoff = NOW - timedelta(days=28 + KEEP)
    assert dropped and all(one.end_at <= cutoff for one in dropped)
    gone = sum(one.readings for one in dropped)
    assert 0 < gone < 21
    assert head_end.ask("select count(*) from reading") == [21 - gone]
    assert head_end.ask("select min(captured_at) from reading")[0] >= dropped[-1].end_at
    assert (sum(one.missed for one in dropped), head_end.ask("select count(*) from missed")) == (
        1, [0])
    assert sum(one.revisions for one in dropped) == 12
    assert head_end.ask("select count(*) from reading_revision") == [0]
    assert all(one.bytes > 0 for one in dropped)
    assert head_end.ask("select first_at, end_at, readings from reading_dropped"
                        " order by first_at") == [
        (one.first_at, one.end_at, one.readings) for one in dropped]
    assert caplog.text.count("WUM_KEEP_DAYS=450") == len(dropped)
    assert "dropped %d rows of readings from %s" % (
        dropped[0].readings, dropped[0].first_at.date()) in caplog.text
    assert summaries(head_end) == before    # They outlive the readings.
    assert await drop_old(head_end.pool, NOW - timedelta(days=28), KEEP) == []


async def test_what_went_is_told_to_each_tenant_of_its_own_meters(head_end: HeadEnd) -> None:
    await _three_weeks(head_end)
    two = Concentrator(serials=["M-2"])
    await head_end.welcome(two)
    await head_end.take(two.send_rows(*[two.row(0, -DAY * day) for day in (18, 19, 20)]))
    await settle(head_end, NOW)
    head_end.do("insert into tenant (name) values ('other')")
    head_end.do("update meter set tenant_id = (select max(tenant_id) from tenant)"
                " where serial = 'M-2'")
    dropped = await drop_old(head_end.pool, NOW, KEEP - 440)
    async with head_end.pool.connection() as connection:
        [own, theirs] = [await retention.dropped_of(connection, tenant, 10)
                         for tenant in sorted(head_end.ask("select tenant_id from tenant"))]
    assert sum(one.readings for one in dropped) == sum(
        one.readings for one in [*own, *theirs]) > sum(one.readings for one in theirs) == 3
    assert [sum(one.missed for one in part) for part in (own, theirs)] == [1, 0]
    assert [sum(one.revisions for one in part) for part in (own, theirs)] == [12, 0]
    assert 0 < sum(one.bytes for one in theirs) < sum(one.bytes for one in own)


async def test_what_is_not_older_is_never_dropped(head_end: HeadEnd) -> None:
    await _three_weeks(head_end)
    assert await drop_old(head_end.pool, NOW - timedelta(days=41), KEEP) == []
    assert head_end.ask("select count(*) from reading") == [21]


async def test_a_row_for_a_week_that_was_dropped_is_stored_and_dropped_again(
        head_end: HeadEnd) -> None:
    one = await _three_weeks(head_end)
    before = summaries(head_end)
    await drop_old(head_end.pool, NOW, KEEP)
    left = head_end.ask("select count(*) from reading")[0]
    answers: list[tuple[str, bytes]] = []
    await head_end.worker.settle(   # Ingest remembers a week that is no more, and looks again.
        [one.send_rows(one.row(0, -DAY * 20, [5] * 12))], lambda *answer: answers.append(answer),
        lambda _: None)
    assert one.opened(answers[0]).answer == STORED
    assert head_end.ask("select count(*) from reading")[0] == left + 1
    await settle(head_end, NOW)
    assert summaries(head_end) == before    # It is not made again of the one row that is left.
    assert [d.readings for d in await drop_old(head_end.pool, NOW, KEEP)] == [1]
    assert head_end.ask("select count(*) from reading")[0] == left


async def test_nothing_is_dropped_before_it_is_summed_up(
        head_end: HeadEnd, caplog: pytest.LogCaptureFixture) -> None:
    one = await _three_weeks(head_end)
    await head_end.take(one.send_rows(one.row(0, -DAY * 20 + 1)))
    await ledger.catch_up(head_end.pool, NOW)
    with caplog.at_level(logging.INFO):
        assert await drop_old(head_end.pool, NOW, KEEP) == []
    assert "still to be summed up" in caplog.text
    assert head_end.ask("select count(*) from reading") == [22]
    await settle(head_end, NOW)
    assert summaries(head_end) == expected(head_end, NOW)
    assert await drop_old(head_end.pool, NOW, KEEP)


async def test_ingest_that_holds_the_table_is_not_waited_for_for_ever(
        head_end: HeadEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    await _three_weeks(head_end)
    monkeypatch.setattr(keeper, "_TRIES_FOR_LOCK_S", 1)
    with psycopg.connect(head_end.url) as other:
        other.execute("update reading set time_quality = 0")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await drop_old(head_end.pool, NOW, KEEP)
        other.rollback()
    assert head_end.ask("select count(*) from reading") == [21]
    assert head_end.ask("select count(*) from reading_dropped") == [0]
    assert await drop_old(head_end.pool, NOW, KEEP)


async def test_the_doctor_says_how_long_readings_are_kept_and_what_went(head_end: HeadEnd) -> None:
    async with await connect(head_end.url, autocommit=True) as connection:
        said = [(await doctor.kept(connection, days)).sentence for days in (0, 500)]
        assert said == ["Readings are kept for ever; none were ever dropped.",
                        "Readings are kept for 500 days; none were ever dropped."]
        await _three_weeks(head_end)
        dropped = await drop_old(head_end.pool, NOW, KEEP)
        assert "%d rows from %s up to" % (dropped[-1].readings, dropped[-1].first_at.date()) in (
            await doctor.kept(connection, KEEP)).sentence


@pytest.mark.parametrize(("keep_days", "is_kept"), [(0, True), (KEEP, False)])
async def test_what_runs_beside_ingest_drops_only_where_it_was_told_to(
        head_end: HeadEnd, monkeypatch: pytest.MonkeyPatch, *, keep_days: int, is_kept: bool,
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return NOW

    await _three_weeks(head_end)
    monkeypatch.setattr(keeper, "datetime", Clock)
    task = asyncio.create_task(keeping(keep_days)(head_end.pool))
    async with asyncio.timeout(30):
        await (asyncio.sleep(1.0) if is_kept else _dropped(head_end))
    task.cancel()
    assert (head_end.ask("select count(*) from reading") == [21]) == is_kept


async def _dropped(head_end: HeadEnd) -> None:
    while head_end.ask("select count(*) from reading_dropped") == [0]:
        await asyncio.sleep(0.05)
