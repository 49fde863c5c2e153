"""Summaries by UTC day in the database: which are dirty, making them again, and asking them.

`reading_day` is a continuous aggregate where TimescaleDB has such, else a table. Which days
are dirty is known from our own marks on both: what ingest marked in the transaction of the rows
comes here in the transaction that counts it in the ledger. A mark is taken away by its number, so
that what came meanwhile stays marked. Left out: when (keeper.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed, Identifier

from wum_cloud.database import Connection
from wum_cloud.registry.quantities import COLUMNS

_LOCK = 0x57554D03
_REFRESH_MAX_S = 3600       # A day of a million meters takes longer than a page may.


@dataclass(frozen=True, slots=True)
class Dirty:
    """A day (UTC) of a concentrator's meters that is to be summed up again."""

    day: date
    concentrator_id: int
    mark: int


@dataclass(frozen=True, slots=True)
class Day:
    """Of one register, the rows of a UTC day with one register set: least and greatest value.

    Values are scaled integers as the set says; None where no row had one.
    """

    day: datetime
    register_set_id: int
    readings: int
    first_at: datetime
    last_at: datetime
    least: int | None
    greatest: int | None


async def try_lock(connection: Connection) -> bool:
    """Whether this transaction is the one that sums up; ends with it."""
    row = await (await connection.execute(
        "select pg_try_advisory_xact_lock(%s)", [_LOCK])).fetchone()
    assert row is not None
    return bool(row[0])


async def try_session_lock(connection: Connection) -> bool:
    """The same lock, held by the connection until `session_unlock`, or its end."""
    row = await (await connection.execute("select pg_try_advisory_lock(%s)", [_LOCK])).fetchone()
    assert row is not None
    return bool(row[0])


async def session_unlock(connection: Connection) -> None:
    """Let others sum up. A connection that is broken has let go of it."""
    if not connection.broken:
        await connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


async def dirty(connection: Connection, before: date, limit: int) -> list[Dirty]:
    """The oldest dirty days before `before`, at most `limit`; nobody else takes them meanwhile."""
    async with connection.cursor(row_factory=class_row(Dirty)) as cursor:
        await cursor.execute(
            "select day, concentrator_id, mark from reading_dirty where day < %s"
            " order by day, concentrator_id limit %s for update", [before, limit])
        return await cursor.fetchall()


async def drop_marks(connection: Connection, done: Sequence[Dirty]) -> None:
    """These are summed up; what was marked again since stays."""
    await connection.execute(
        "delete from reading_dirty d using unnest(%s::date[], %s::integer[], %s::bigint[])"
        "   as x (day, concentrator_id, mark)"
        " where (d.day, d.concentrator_id, d.mark) = (x.day, x.concentrator_id, x.mark)",
        [[one.day for one in done], [one.concentrator_id for one in done],
         [one.mark for one in done]])


async def is_aggregate(connection: Connection) -> bool:
    """Whether the database keeps the summaries as a continuous aggregate."""
    row = await (await connection.execute(
        "select relkind = 'v' from pg_class where oid = 'reading_day'::regclass")).fetchone()
    assert row is not None
    return bool(row[0])


async def sum_up(connection: Connection, days: Sequence[Dirty]) -> None:
    """Make the table's rows of these days again, in the caller's transaction.

    A meter belongs to every concentrator it ever had: old rows of one that moved come from there.
    """
    values = {"days": [one.day for one in days], "numbers": [one.concentrator_id for one in days]}
    await connection.execute("set local jit = off")
    await connection.execute(
        "create temporary table if not exists summed (meter_id bigint, day timestamptz)"
        " on commit delete rows")
    await connection.execute(
        "insert into summed select distinct m.meter_id, x.day::timestamp at time zone 'UTC'"
        "  from unnest(%(days)s::date[], %(numbers)s::integer[]) as x (day, number)"
        " cross join lateral (select meter_id from meter where concentrator_id = x.number"
        "   union select meter_id from meter_schedule where concentrator_id = x.number) as m",
        values)
    await connection.execute("analyze summed")
    await connection.execute(
        "delete from reading_day d using summed s where (d.meter_id, d.day) = (s.meter_id, s.day)")
    await connection.execute(_summing_up())


async def refresh(connection: Connection, first: date, last: date) -> None:
    """Refresh the continuous aggregate for first..last, outside of any transaction."""
    assert connection.autocommit
    await connection.execute(SQL("set statement_timeout = '{}s'").format(SQL(str(_REFRESH_MAX_S))))
    try:
        await connection.execute(
            "call refresh_continuous_aggregate('reading_day', %s::timestamptz, %s::timestamptz)",
            [_midnight(first), _midnight(last + timedelta(days=1))])
    finally:
        if not connection.broken:
            await connection.execute("reset statement_timeout")


async def dirty_count(connection: Connection, before: date) -> tuple[int, date | None]:
    """(dirty days of concentrators before `before`, the oldest of them)."""
    row = await (await connection.execute(
        "select count(*), min(day) from reading_dirty where day < %s", [before])).fetchone()
    assert row is not None
    return row[0], row[1]


async def pending(
        connection: Connection, meter_id: int, first: date, last: date) -> list[date]:
    """Days of first..last (both included) of which the meter's summary may not know all."""
    cursor = await connection.execute(
        "select d.day from reading_dirty d join meter m using (concentrator_id)"
        " where m.meter_id = %s and d.day between %s and %s order by 1", [meter_id, first, last])
    return [row[0] for row in await cursor.fetchall()]


async def days(
        connection: Connection, meter_id: int, profile: int, column: str, start: datetime,
        end: datetime, limit: int,
) -> list[Day]:
    """Summaries of the UTC days that begin in start..end (end left out), at most `limit`."""
    assert column in COLUMNS
    async with connection.cursor(row_factory=class_row(Day)) as cursor:
        await cursor.execute(SQL(
            "select day, register_set_id, readings, first_at, last_at, {} as least,"
            " {} as greatest from reading_day where meter_id = %s and profile = %s"
            " and day >= %s and day < %s order by day, register_set_id limit %s").format(
                Identifier(column + "_least"), Identifier(column + "_greatest")),
            [meter_id, profile, start, end, limit])
        return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Kept:
    """What there are summaries of: from the first to the last day that begins, by these sets."""

    first: datetime
    last: datetime
    register_sets: list[int]


async def kept(connection: Connection, meter_id: int, profile: int) -> Kept | None:
    """What there is of a meter; None: nothing yet."""
    row = await (await connection.execute(
        "select min(day), max(day), array_agg(distinct register_set_id) from reading_day"
        " where meter_id = %s and profile = %s", [meter_id, profile])).fetchone()
    return None if row is None or row[0] is None else Kept(*row)


def _summing_up() -> Composed:
    names = [SQL("{}, {}").format(Identifier(c + "_least"), Identifier(c + "_greatest"))
             for c in COLUMNS]
    values = [SQL("min({c}), max({c})").format(c=Identifier("r", c)) for c in COLUMNS]
    return SQL(
        "insert into reading_day (meter_id, day, profile, register_set_id, readings, first_at,"
        "   last_at, {names})"
        " select s.meter_id, s.day, r.profile, r.register_set_id, count(*), min(r.captured_at),"
        "   max(r.captured_at), {values}"
        "  from summed s join reading r on r.meter_id = s.meter_id"
        "   and r.captured_at >= s.day and r.captured_at < s.day + interval '24 hours'"
        "   and r.captured_at >= (select min(day) from summed)"
        "   and r.captured_at < (select max(day) from summed) + interval '24 hours'"
        " group by 1, 2, 3, 4").format(
            names=SQL(", ").join(names), values=SQL(", ").join(values))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
