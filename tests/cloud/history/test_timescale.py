"""What only TimescaleDB does: chunks, columnstore, and late rows into what is compressed already.

Run wherever `WUM_TEST_DATABASE_URL` names a server that has the extension in its template1; all
other tests of this room run there just the same. The last ones are of the Apache edition, which a
server runs with `timescaledb.license = 'apache'`; the others need the community edition.
"""

from datetime import timedelta

import pytest

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd
from tests.cloud.history.test_retention import KEEP, NOW, _three_weeks
from tests.cloud.history.test_summaries import expected, settle, summaries
from wum_cloud import doctor
from wum_cloud.database import connect
from wum_cloud.history import store
from wum_cloud.history.keeper import drop_old
from wum_cloud.migrations import store as migrations
from wum_shared.status import STORED

_WEEK = 168     # Hours.


def _edition(head_end: HeadEnd) -> str:
    if not head_end.ask("select 1 from pg_extension where extname = 'timescaledb'"):
        pytest.skip("no TimescaleDB can be reached: WUM_TEST_DATABASE_URL names none")
    return str(head_end.ask("select current_setting('timescaledb.license')")[0])


@pytest.fixture
def _community(head_end: HeadEnd) -> None:
    if _edition(head_end) != "timescale":
        pytest.skip("the TimescaleDB of WUM_TEST_DATABASE_URL is the Apache edition")


@pytest.fixture
def _apache(head_end: HeadEnd) -> None:
    if _edition(head_end) != "apache":
        pytest.skip("the TimescaleDB of WUM_TEST_DATABASE_URL is the community edition")


def _compress(head_end: HeadEnd) -> None:
    head_end.do("select compress_chunk(chunk) from show_chunks('reading') chunk")


async def _doctor_says(head_end: HeadEnd) -> list[str]:
    async with await connect(head_end.url, autocommit=True) as connection:
        return [said.sentence async for said in doctor.compressed(connection)]


@pytest.mark.usefixtures("_community")
async def test_readings_lie_in_chunks_of_a_week_that_are_compressed_after_the_archive_window(
        head_end: HeadEnd) -> None:
    assert head_end.ask(
        "select extract(epoch from time_interval)::int / 86400 from"
        " timescaledb_information.dimensions where hypertable_name = 'reading'") == [7]
    assert head_end.ask(
        "select config ->> 'compress_after' from timescaledb_information.jobs"
        " where hypertable_name = 'reading'") == ["52 days"]


@pytest.mark.usefixtures("_community")
async def test_the_job_compresses_what_is_old_enough_and_the_doctor_says_what_it_did(
        head_end: HeadEnd) -> None:
    one = Concentrator(serials=["M-1"])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row()))   # Resolves the register set.
    head_end.do(
        "insert into reading (meter_id, captured_at, profile, register_set_id, time_quality,"
        " a_plus) select meter_id, date_trunc('hour', now()) - (h + 1199.5) * interval '1 hour', 0,"
        " register_set_id, 0, h from reading, generate_series(0, %s) h", 3 * _WEEK - 1)
    [overdue] = [said for said in await _doctor_says(head_end) if "should be" in said]
    assert "background workers" in overdue
    [job] = head_end.ask("select job_id from timescaledb_information.jobs"
                         " where hypertable_name = 'reading'")
    head_end.do("call run_job(%s)" % job)
    states = head_end.ask(
        "select range_end < now() - interval '52 days', is_compressed"
        " from timescaledb_information.chunks where hypertable_name = 'reading'"
        "   and exists (select from reading where captured_at >= range_start"
        "     and captured_at < range_end)")
    assert len(states) >= 4 and {is_old for is_old, _ in states} == {True, False}
    assert all(is_old == compressed for is_old, compressed in states)
    said = await _doctor_says(head_end)
    assert not [one for one in said if "should be" in one]
    assert " weeks of readings are compressed" in said[0] and not said[0].startswith("0 ")
    assert head_end.ask("select count(*) from reading") == [3 * _WEEK + 1]


@pytest.mark.usefixtures("_community")
async def test_rows_registers_and_values_that_come_after_the_compression_are_kept_once(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    early = one.batch(one.row(0, 0, [1, 2, 3] + [None] * 9), one.row(1, 0))
    await head_end.take(one.send(early))
    await settle(head_end)
    _compress(head_end)
    late = one.batch(one.row(0, 0, [9, 2, 3, 4] + [None] * 8), one.row(0, 1))
    for _ in range(2):
        [answer] = await head_end.take(one.send(late))
        assert one.opened(answer).answer == STORED
        [answer] = await head_end.take(one.send(early))
        assert one.opened(answer).answer == STORED
        _compress(head_end)
    assert head_end.rows() == [("M-1", 0, 1), ("M-1", 1, 2000), ("M-2", 0, 1100)]
    assert head_end.ask("select r_minus from reading join meter using (meter_id)"
                        " where serial = 'M-1' order by captured_at") == [4, 2003]
    assert head_end.ask("select value from reading_revision") == [9]
    assert head_end.quarantined() == []
    await settle(head_end)
    assert summaries(head_end) == expected(head_end)


@pytest.mark.usefixtures("_community")
async def test_a_street_that_comes_late_into_compressed_weeks_is_not_too_much_for_one_transaction(
        head_end: HeadEnd) -> None:
    """TimescaleDB refuses to take more than 100,000 rows out of the columnstore at once, unless it
    is told otherwise: 700 meters have more than that in a week."""
    one = Concentrator(serials=["M-%d" % n for n in range(700)])
    await head_end.welcome(one)
    [register_set] = head_end.ask("select register_set_id from register_set")
    head_end.do(
        "insert into reading (meter_id, captured_at, profile, register_set_id, time_quality,"
        "   a_plus) select meter_id, '2026-09-17'::timestamptz + h * interval '1 hour', 0, %s, 0, h"
        " from meter, generate_series(0, 167) h", register_set)
    _compress(head_end)
    late = [one.row(m, 0, [110, m] + [None] * 10) for m in range(700)]
    [answer] = await head_end.take(one.send_rows(*late))
    assert one.opened(answer).answer == STORED
    assert head_end.ask("select count(*), count(a_minus) from reading") == [(700 * 168, 700)]


@pytest.mark.usefixtures("_community")
async def test_the_summaries_are_a_continuous_aggregate_without_a_policy_of_its_own(
        head_end: HeadEnd) -> None:
    assert head_end.ask(
        "select materialized_only from timescaledb_information.continuous_aggregates"
        " where view_name = 'reading_day'") == [True]
    assert head_end.ask("select proc_name from timescaledb_information.jobs where proc_name"
                        " like '%%continuous%%'") == []
    async with head_end.pool.connection() as connection:
        assert await store.is_aggregate(connection)


@pytest.mark.usefixtures("_community")
async def test_compressed_weeks_are_dropped_and_told_like_any_other(head_end: HeadEnd) -> None:
    await _three_weeks(head_end)
    before = summaries(head_end)
    _compress(head_end)
    dropped = await drop_old(head_end.pool, NOW + timedelta(days=30), KEEP)
    assert sum(one.readings for one in dropped) == 21 and all(one.bytes for one in dropped)
    assert head_end.ask("select count(*) from reading") == [0]
    assert summaries(head_end) == before


@pytest.mark.usefixtures("_community")
async def test_who_writes_into_a_new_week_keeps_nobody_else_out_until_the_commit(
        head_end: HeadEnd) -> None:
    """TimescaleDB makes a chunk under a lock that it holds to the end of the transaction."""
    one, store = Concentrator(), head_end.worker._store
    await head_end.welcome(one)
    waiting: list[object] = []

    async def written(*arguments: object) -> None:
        head_end.do("set statement_timeout = '5s'")
        head_end.do("insert into reading (meter_id, captured_at, profile, register_set_id,"
                    " time_quality) values (0, '2026-09-14 12:00:00+00', 0, 0, 0)")
        waiting.append("not")

    write = store._rows.write  # type: ignore[attr-defined]
    chunks = "select count(*) from timescaledb_information.chunks where hypertable_name = 'reading'"
    assert head_end.ask(chunks) == [0]
    store._rows.write = lambda *arguments: _both(write, written, arguments)  # type: ignore[attr-defined]
    await head_end.take(one.send_rows(one.row(0, 0), one.row(0, -_WEEK)))
    assert waiting == ["not"] and head_end.ask(chunks)[0] >= 2
    assert head_end.ask("select count(*) from reading where meter_id <> 0") == [2]


async def _both(first, second, arguments):  # type: ignore[no-untyped-def]
    result = await first(*arguments)
    await second()
    return result


@pytest.mark.usefixtures("_apache")
async def test_the_apache_edition_keeps_readings_as_they_are_and_sums_them_up_in_a_table(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    early = one.batch(one.row(0, 0, [1, 2, 3] + [None] * 9), one.row(1, 0))
    late = one.batch(one.row(0, 0, [9, 2, 3, 4] + [None] * 8), one.row(0, 1))
    for batch in (early, late, early):
        [answer] = await head_end.take(one.send(batch))
        assert one.opened(answer).answer == STORED
    assert head_end.rows() == [("M-1", 0, 1), ("M-1", 1, 2000), ("M-2", 0, 1100)]
    assert head_end.ask("select hypertable_name, compression_enabled"
                        " from timescaledb_information.hypertables") == [("reading", False)]
    await settle(head_end)
    assert summaries(head_end) == expected(head_end)
    [said] = await _doctor_says(head_end)
    assert "has no columnstore" in said and "community edition compresses them" in said


@pytest.mark.usefixtures("_apache")
async def test_the_apache_edition_refuses_a_database_of_the_community_edition_in_a_sentence(
        head_end: HeadEnd) -> None:
    async with await connect(head_end.url, autocommit=True) as connection:
        await migrations.check_migrated(connection)
        head_end.do("alter table reading_day rename to elsewhere")  # An aggregate is a view.
        head_end.do("create view reading_day as select * from elsewhere")
        with pytest.raises(migrations.MigrationError, match="timescaledb.license = 'timescale'"):
            await migrations.check_migrated(connection)
