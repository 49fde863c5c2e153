"""The questions about readings to the database: rows of a span, newest row, missed, revisions."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from psycopg.rows import class_row
from psycopg.sql import SQL, Composed, Identifier, Literal

from wum_cloud.database import Connection
from wum_cloud.readings.columns import ABSENT, Columns
from wum_cloud.registry.quantities import COLUMNS
from wum_shared.messages import Register
from wum_shared.obis import obis_from_text

_ROWS_AT_ONCE = 1_000  # Made into records before others have their turn: about 5 ms.


@dataclass(frozen=True, slots=True)
class Place:
    """Where one register of a register set stands.

    `at` counts from 0 within the set; `column` is a column of `reading`, and `extra` the place
    within it (from 1) where there is none.
    """

    at: int
    register: Register
    column: str
    extra: int | None


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of `reading`, with the columns that were asked for."""

    captured_at: datetime
    register_set_id: int
    time_quality: int
    statuses: list[int | None] | None
    values: dict[str, int | list[int | None] | None]

    def value(self, place: Place) -> int | None:
        """The scaled integer of the register at `place`; None where absent."""
        value = self.values[place.column]
        if place.extra is None:
            assert not isinstance(value, list)
            return value
        beyond = value if isinstance(value, list) else []
        return beyond[place.extra - 1] if place.extra <= len(beyond) else None

    def status(self, place: Place) -> int:
        """The status flags of the register at `place`."""
        statuses = self.statuses or []
        return (statuses[place.at] or 0) if place.at < len(statuses) else 0


@dataclass(frozen=True, slots=True)
class Revision:
    """Another value for a reading that was stored before; both stand."""

    captured_at: datetime
    value: int
    scaler: int
    unit: int
    status: int
    arrived_at: datetime


async def rows(
        connection: Connection, meter_id: int, profile: int, columns: set[str], start: datetime,
        end: datetime, limit: int,
) -> list[StoredRow]:
    """Rows captured in start..end (end left out), oldest first, at most `limit`."""
    return await _rows(
        connection, sorted(columns),
        SQL("captured_at >= %(start)s and captured_at < %(end)s order by captured_at"),
        {"meter": meter_id, "profile": profile, "start": start, "end": end, "limit": limit})


async def first_captured_at(connection: Connection, meter_id: int) -> datetime | None:
    """When the meter's oldest row was captured; None where it has none."""
    cursor = await connection.execute(
        "select captured_at from reading where meter_id = %s and profile = 0"
        " order by captured_at limit 1", [meter_id])
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def rows_at(
        connection: Connection, meter_id: int, profile: int, columns: set[str],
        moments: list[datetime],
) -> list[StoredRow]:
    """The rows captured at `moments`, oldest first."""
    return await _rows(
        connection, sorted(columns), SQL("captured_at = any(%(moments)s) order by captured_at"),
        {"meter": meter_id, "profile": profile, "moments": moments, "limit": len(moments)})


async def newest_rows(
        connection: Connection, meter_id: int, profile: int, limit: int) -> list[StoredRow]:
    """The newest rows with all columns, newest first. At most `limit`."""
    return await _rows(
        connection, [*COLUMNS, "extra"], SQL("true order by captured_at desc"),
        {"meter": meter_id, "profile": profile, "limit": limit})


async def rows_until(
        connection: Connection, meter_id: int, profile: int, at: datetime, limit: int,
) -> list[StoredRow]:
    """The newest rows captured at `at` or before, with all columns, newest first."""
    return await _rows(
        connection, [*COLUMNS, "extra"],
        SQL("captured_at <= %(at)s order by captured_at desc"),
        {"meter": meter_id, "profile": profile, "at": at, "limit": limit})


async def seldom_rows(
        connection: Connection, meter_id: int, profile: int, at: datetime, seen: set[int],
) -> list[StoredRow]:
    """The newest row, captured at `at` or before, of each register set that has a schedule of its
    own and none of `seen`: between two of them the other sets may have any number.
    """
    cursor = await connection.execute(
        "select array(select r.register_set_id from register_set r"
        "             where r.profile = s.profile and r.codes @> s.codes)"
        "  from meter_register_set m join register_set s using (register_set_id)"
        " where m.meter_id = %(meter)s and s.profile = %(profile)s and m.period_s > ("
        "   select min(o.period_s) from meter_register_set o where o.meter_id = %(meter)s)"
        " order by m.register_set_id", {"meter": meter_id, "profile": profile})
    found: list[StoredRow] = []
    for (holders,) in await cursor.fetchall():
        if not seen & {*holders}:
            found += await _rows(
                connection, [*COLUMNS, "extra"],
                SQL("register_set_id = any(%(holders)s) and captured_at <= %(at)s"
                    " and captured_at > %(at)s - interval '8 days' order by captured_at desc"),
                {"meter": meter_id, "profile": profile, "at": at, "holders": holders, "limit": 1})
    return found


async def _rows(
        connection: Connection, columns: list[str], which: SQL, values: dict[str, object],
) -> list[StoredRow]:
    query = SQL(
        "select captured_at, register_set_id, time_quality, statuses, {} from reading"
        " where meter_id = %(meter)s and profile = %(profile)s and {} limit %(limit)s"
    ).format(SQL(", ").join([Identifier(name) for name in columns]), which)
    found: list[StoredRow] = []
    async with connection.cursor() as cursor:
        await cursor.execute(query, values)
        while some := await cursor.fetchmany(_ROWS_AT_ONCE):
            found += [StoredRow(row[0], row[1], row[2], row[3],
                                dict(zip(columns, row[4:], strict=True))) for row in some]
            await asyncio.sleep(0)  # Others on this loop have their turn between the pieces.
    return found


async def columns(
        connection: Connection, meter_id: int, profile: int,
        places: Sequence[Mapping[int, Place]], start: datetime, end: datetime, limit: int,
) -> Columns:
    """At most `limit` rows captured in start..end (end left out), as columns by capture time.

    One column of values for each of `places`: where a register stands in each register set.
    Its values are in steps of the finest of its scalers, and held within +-2^62 there.
    """
    values = SQL(", ").join([
        SQL("{} as v{}").format(_value(register), SQL(str(n)))
        for n, register in enumerate(places)])
    packed = SQL(", ").join([
        SQL("string_agg(int8send(coalesce(v{}, {})), {})").format(
            SQL(str(n)), Literal(ABSENT), Literal(b""))
        for n in range(len(places))])
    query = SQL(
        "select string_agg(int8send(at), {}), {} from (select extract(epoch from captured_at)"
        "::bigint as at, {} from reading where meter_id = %(meter)s and profile = %(profile)s"
        " and captured_at >= %(start)s and captured_at < %(end)s limit %(limit)s) as rows"
    ).format(Literal(b""), packed, values)
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(query, {"meter": meter_id, "profile": profile, "start": start,
                                     "end": end, "limit": limit})
        row = await cursor.fetchone()
    assert row is not None
    captured, *registers = [
        np.frombuffer(column or b"", ">i8").astype(np.int64) for column in row]
    order = np.argsort(captured, kind="stable")
    return Columns(captured[order], [register[order] for register in registers])


def _value(places: Mapping[int, Place]) -> Composed:
    """A register's value in a row, by the row's register set; bigint."""
    finest = min(place.register.scaler for place in places.values())
    cases = [SQL(" when {} then {}").format(Literal(number), _steps(place, finest))
             for number, place in sorted(places.items())]
    return SQL("(case register_set_id{} end)::bigint").format(SQL("").join(cases))


def _steps(place: Place, finest: int) -> Composed | Identifier:
    column = Identifier(place.column) if place.extra is None else SQL("{}[{}]").format(
        Identifier(place.column), Literal(place.extra))
    factor = 10 ** (place.register.scaler - finest)
    if factor == 1:
        return column
    return SQL("greatest(least({}::numeric * {}, {}), {})").format(
        column, Literal(factor), Literal(2**62), Literal(-(2**62)))


async def places(
        connection: Connection, register_sets: set[int]) -> dict[int, dict[bytes, Place]]:
    """The registers of each register set, by OBIS code and in the set's order."""
    found: dict[int, dict[bytes, Place]] = {}
    async with connection.cursor() as cursor:
        await cursor.execute(
            "select register_set_id, registers from register_set where register_set_id = any(%s)",
            [list(register_sets)])
        async for number, registers in cursor:
            found[number] = {}
            for at, entry in enumerate(registers):
                register = Register(obis_from_text(entry["obis"]), entry["scaler"], entry["unit"])
                found[number][register.obis] = _place(at, register, entry["column"])
    return found


def _place(at: int, register: Register, column: str) -> Place:
    if column in COLUMNS:
        return Place(at, register, column, None)
    name, _, rest = column.partition("[")
    assert name == "extra", "register set names the unknown column %r" % column
    return Place(at, register, "extra", int(rest.rstrip("]")))


async def register_sets_of(connection: Connection, meter_id: int) -> set[int]:
    """The register sets that the schema in force gives the meter."""
    async with connection.cursor() as cursor:
        await cursor.execute(
            "select register_set_id from meter_register_set where meter_id = %s", [meter_id])
        return {row[0] async for row in cursor}


async def register_sets_between(
        connection: Connection, meter_id: int, profile: int, start: datetime, end: datetime,
) -> set[int]:
    """The register sets of the meter's rows captured in start..end (end left out)."""
    async with connection.cursor() as cursor:
        await cursor.execute(
            "select distinct register_set_id from reading"
            " where meter_id = %s and profile = %s and captured_at >= %s and captured_at < %s",
            [meter_id, profile, start, end])
        return {row[0] async for row in cursor}


async def missed(
        connection: Connection, meter_id: int, profile: int, start: datetime, end: datetime,
        sets: Collection[int],
) -> list[tuple[int, int]]:
    """(UTC seconds, outcome) of the missed captures of any of `sets` in start..end (end left out).
    """
    async with connection.cursor() as cursor:
        await cursor.execute(
            "select array_agg(extract(epoch from captured_at)::bigint), array_agg(outcome)"
            " from missed where meter_id = %s and profile = %s"
            " and captured_at >= %s and captured_at < %s"
            " and (register_sets is null or register_sets && %s::integer[])",
            [meter_id, profile, start, end, list(sets)])
        row = await cursor.fetchone()
    assert row is not None
    return list(zip(row[0] or [], row[1] or [], strict=True))


async def schedules(connection: Connection, meter_id: int) -> dict[bytes, tuple[int, int]]:
    """(period, offset) by which each register of a meter is read now; of several the shortest."""
    cursor = await connection.execute(
        "select code, min(array[m.period_s, m.offset_s]) from meter_register_set m"
        " join register_set s using (register_set_id)"
        " cross join jsonb_array_elements_text(s.codes) as code"
        " where m.meter_id = %s and m.period_s is not null group by 1", [meter_id])
    return {obis_from_text(code): (its[0], its[1]) for code, its in await cursor.fetchall()}


async def first_known(
        connection: Connection, meter_id: int, profile: int) -> datetime | None:
    """When the meter's oldest row or missed capture was; None when there is neither."""
    cursor = await connection.execute(
        "select least("
        " (select min(captured_at) from reading where meter_id = %(meter)s and profile = %(p)s),"
        " (select min(captured_at) from missed where meter_id = %(meter)s and profile = %(p)s))",
        {"meter": meter_id, "p": profile})
    row = await cursor.fetchone()
    assert row is not None
    known: datetime | None = row[0]
    return known


async def revisions(
        connection: Connection, meter_id: int, profile: int, obis: bytes, start: datetime,
        end: datetime, limit: int,
) -> list[Revision]:
    """Other values for one register's readings in start..end, by capture time, then arrival."""
    async with connection.cursor(row_factory=class_row(Revision)) as cursor:
        await cursor.execute(
            "select captured_at, value, scaler, unit, status, arrived_at from reading_revision"
            " where meter_id = %s and profile = %s and obis = %s"
            " and captured_at >= %s and captured_at < %s"
            " order by captured_at, arrived_at limit %s",
            [meter_id, profile, obis, start, end, limit])
        return await cursor.fetchall()
