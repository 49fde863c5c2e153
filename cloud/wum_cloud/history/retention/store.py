"""Dropping a week of readings with all that stands beside it, and what was dropped so far.

A week is a partition on plain PostgreSQL, detached and dropped, and a chunk on TimescaleDB. The row
in `reading_dropped` is written in the same transaction. Left out: when (history/keeper.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed, Identifier, Literal

from wum_cloud.database import Connection

_LOCK = 0x57554D04
_PREFIX = "reading_"
_STATEMENT_MAX_S = 3600     # Counting a week of a million meters takes longer than a page may.
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """A part of `reading`; `end_at` is left out of it."""

    schema: str
    table: str
    first_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class Dropped:
    """What went with a week: rows of `reading`, of `missed` and of revisions; bytes of disk."""

    first_at: datetime
    end_at: datetime
    readings: int
    missed: int
    revisions: int
    bytes: int
    dropped_at: datetime


async def weeks_before(connection: Connection, moment: datetime) -> list[Week]:
    """The weeks of `reading` that end at or before `moment`, oldest first."""
    found = await (_chunks if await _is_hypertable(connection) else _partitions)(connection)
    return sorted([week for week in found if week.end_at <= moment], key=lambda w: w.first_at)


async def drop_week(connection: Connection, week: Week, wait_s: int) -> Dropped | None:
    """Drop it inside the caller's transaction; None where somebody else did.

    Raises psycopg's LockNotAvailable when others hold the table for longer than `wait_s`: ingest
    waits as long for us, and no longer.
    """
    for name, seconds in (("lock_timeout", wait_s), ("statement_timeout", _STATEMENT_MAX_S)):
        await connection.execute(SQL("set local {} = '{}s'").format(SQL(name), SQL(str(seconds))))
    await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    there = await (await connection.execute(
        "select to_regclass(%s)", ["%s.%s" % (week.schema, week.table)])).fetchone()
    if there is None or there[0] is None:
        return None
    # Who writes into this week waits from here on, the others for a moment at the end.
    table = Identifier(week.schema, week.table)
    await connection.execute(SQL("lock table {} in share mode").format(table))
    is_hypertable = await _is_hypertable(connection)
    by_tenant = [await _count(connection, week), *[
        await _delete(connection, name, week) for name in ("missed", "reading_revision")]]
    rows, *beside = [sum(part.values()) for part in by_tenant]
    size = await _bytes(connection, week, is_hypertable)
    async with connection.cursor(row_factory=class_row(Dropped)) as cursor:
        await cursor.execute(
            "insert into reading_dropped (first_at, end_at, readings, missed, revisions, bytes)"
            " values (%s, %s, %s, %s, %s, %s) returning first_at, end_at, readings, missed,"
            "   revisions, bytes, dropped_at",
            [week.first_at, week.end_at, rows, *beside, size])
        dropped = await cursor.fetchone()
    await _note_whose(connection, by_tenant, size * 1000 // max(rows, 1))
    if is_hypertable:
        await connection.execute(
            "select drop_chunks('reading', newer_than => %s, older_than => %s)",
            [week.first_at, week.end_at])
    else:
        await connection.execute(SQL("alter table reading detach partition {}").format(table))
        await connection.execute(SQL("drop table {}").format(table))
    return dropped


async def dropped_until(connection: Connection) -> datetime | None:
    """The end of the newest week that was dropped; None: none ever was."""
    row = await (await connection.execute(
        "select max(end_at) from reading_dropped")).fetchone()
    assert row is not None
    return None if row[0] is None else row[0].astimezone(UTC)


async def dropped(connection: Connection, limit: int) -> list[Dropped]:
    """What was dropped last of all tenants, the newest first, at most `limit`."""
    async with connection.cursor(row_factory=class_row(Dropped)) as cursor:
        await cursor.execute(
            "select first_at, end_at, readings, missed, revisions, bytes, dropped_at"
            " from reading_dropped order by dropped_id desc limit %s", [limit])
        return await cursor.fetchall()


async def dropped_of(connection: Connection, tenant: int, limit: int) -> list[Dropped]:
    """What of a tenant was dropped last, the newest first, at most `limit`."""
    async with connection.cursor(row_factory=class_row(Dropped)) as cursor:
        await cursor.execute(
            "select d.first_at, d.end_at, t.readings, t.missed, t.revisions, t.bytes, d.dropped_at"
            "  from reading_dropped_tenant t join reading_dropped d using (dropped_id)"
            " where t.tenant_id = %s order by d.dropped_id desc limit %s", [tenant, limit])
        return await cursor.fetchall()


async def _is_hypertable(connection: Connection) -> bool:
    row = await (await connection.execute(
        "select relkind <> 'p' from pg_class where oid = 'reading'::regclass")).fetchone()
    assert row is not None
    return bool(row[0])


async def _partitions(connection: Connection) -> list[Week]:
    rows = await (await connection.execute(
        "select n.nspname, c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where i.inhparent = 'reading'::regclass")).fetchall()
    found = []
    for schema, name in rows:  # Named by ingest (ingest/rows/store.py) after its first day.
        if name.startswith(_PREFIX) and name[len(_PREFIX):].isdigit():
            first = datetime.strptime(name[len(_PREFIX):], "%Y%m%d").replace(tzinfo=UTC)
            found.append(Week(schema, name, first, first + _WEEK))
    return found


async def _chunks(connection: Connection) -> list[Week]:
    rows = await (await connection.execute(
        "select chunk_schema, chunk_name, range_start, range_end"
        " from timescaledb_information.chunks where hypertable_name = 'reading'")).fetchall()
    return [Week(schema, name, first.astimezone(UTC), end.astimezone(UTC))
            for schema, name, first, end in rows]


async def _bytes(connection: Connection, week: Week, is_hypertable: bool) -> int:
    """On disk, with indexes, and with what is compressed elsewhere."""
    if is_hypertable:
        return await _one(connection, SQL(
            "select coalesce(sum(total_bytes), 0)::bigint from chunks_detailed_size('reading')"
            " where chunk_schema = {} and chunk_name = {}").format(
                Literal(week.schema), Literal(week.table)))
    return await _one(connection, SQL("select pg_total_relation_size({}::regclass)").format(
        Literal("%s.%s" % (week.schema, week.table))))


async def _one(connection: Connection, query: Composed) -> int:
    row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


async def _note_whose(
        connection: Connection, by_tenant: list[dict[int, int]], mille_bytes: int) -> None:
    """Beside the newest row: what of it was whose. `mille_bytes`: of a thousand readings."""
    for tenant in sorted({tenant for part in by_tenant for tenant in part}):
        rows, missed, revisions = [part.get(tenant, 0) for part in by_tenant]
        await connection.execute(
            "insert into reading_dropped_tenant select max(dropped_id), %s, %s, %s, %s, %s"
            "  from reading_dropped", [tenant, rows, missed, revisions, rows * mille_bytes // 1000])


_BY_TENANT = " as r join meter m using (meter_id) group by m.tenant_id"


async def _count(connection: Connection, week: Week) -> dict[int, int]:
    """Readings of the week by tenant; meters are counted first, for they are few."""
    rows = await (await connection.execute(SQL(
        "select m.tenant_id, sum(r.n)::bigint from (select meter_id, count(*) as n from reading"
        " where captured_at >= {} and captured_at < {} group by meter_id)" + _BY_TENANT).format(
            Literal(week.first_at), Literal(week.end_at)))).fetchall()
    return dict(rows)


async def _delete(connection: Connection, table: str, week: Week) -> dict[int, int]:
    """Delete the week's; how many, by tenant."""
    rows = await (await connection.execute(SQL(
        "with gone as (delete from {} where captured_at >= %s and captured_at < %s"
        " returning meter_id) select m.tenant_id, count(*) from gone" + _BY_TENANT).format(
            Identifier(table)), [week.first_at, week.end_at])).fetchall()
    return dict(rows)
