"""Rows into `reading`, each key exactly once.

Where nothing is there yet, and that is nearly always, one binary COPY goes straight into the
table. The database's own unique key notices when that was wrong; then, and for a while after it,
rows go through a temporary table: one ordered INSERT takes what is new, and what it leaves out is
looked at. Equal rows are duplicates, late registers are filled in, and different values become
revisions. Both ways write in the order of the key: that is what keeps two workers that hold the
same rows from waiting for one another in a circle. TimescaleDB has no row locks in what it has
compressed: there one transaction at a time takes the second way.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from psycopg import errors

from wum_cloud.database import Connection, Pool
from wum_cloud.ingest.columns import Numbers
from wum_cloud.ingest.rows.merge import Content, Merged, Revision, merge
from wum_cloud.ingest.rows.staging import ROW_COLUMNS, STAGED_COLUMNS, copy_rows
from wum_cloud.ingest.rows.table import Table
from wum_cloud.registry.quantities import COLUMNS
from wum_cloud.registry.schemas.layout import Layout
from wum_cloud.registry.schemas.sets.store import layouts_by_id, register_set_ids

_DAY_S = 86400
_WEEK_S = 7 * _DAY_S
_MONDAY_S = 4 * 86400           # The first Monday after 1970-01-01.
_PARTITION_LOCK = 0x57554D01
_MERGE_LOCK = 0x57554D05
_COPY_PIECE = 256 * 1024
LAYOUTS_MAX = 4096              # Remembered; some 4 kB each. Meters of a model share one.
CAUTION = 16                    # Transactions that take the careful way after a conflict.

_VALUES = ("register_set_id", "time_quality", "statuses", *COLUMNS, "extra")
_ROW = ("meter_id", "captured_at", "profile", *_VALUES)

_CREATE_STAGED = """
    create temporary table if not exists staged (
        source smallint not null, sequence bigint not null, meter_id bigint not null,
        captured_at timestamptz not null, profile smallint not null,
        register_set_id integer not null, time_quality smallint not null, statuses integer[],
        %s, extra bigint[]
    ) on commit delete rows""" % ", ".join([column + " bigint" for column in COLUMNS])

_COPY_DIRECT = "copy reading (%s) from stdin (format binary)" % ", ".join(ROW_COLUMNS)
_COPY_STAGED = "copy staged (%s) from stdin (format binary)" % ", ".join(STAGED_COLUMNS)

_INSERT = """
    with stored as (
        insert into reading (%(row)s)
        select %(row)s from staged order by meter_id, captured_at, profile
        on conflict do nothing returning meter_id)
    select meter_id, count(*) from stored group by meter_id""" % {"row": ", ".join(_ROW)}

# What is in both and not equal. The range of time lets the planner leave partitions out.
_DIFFERENT = """
    select s.source, s.sequence, s.meter_id, s.captured_at, s.profile, %s, %s
    from staged s join reading r using (meter_id, captured_at, profile)
    where r.captured_at between %%s and %%s and (%s) is distinct from (%s)
    order by s.meter_id, s.captured_at, s.profile, s.source, s.sequence""" % (
        ", ".join(["s." + name for name in _VALUES]), ", ".join(["r." + name for name in _VALUES]),
        ", ".join(["s." + name for name in _VALUES if name != "time_quality"]),
        ", ".join(["r." + name for name in _VALUES if name != "time_quality"]))

_UPDATE = """
    update reading r set %s from merged m
    where (r.meter_id, r.captured_at, r.profile) = (m.meter_id, m.captured_at, m.profile)
    and r.captured_at between %%s and %%s""" % ", ".join(
        ["%s = m.%s" % (name, name) for name in _VALUES if name != "time_quality"])


_WITHOUT_CHUNK = """
    select distinct on (to_timestamp(s)) to_timestamp(s) from unnest(%s::bigint[]) s
    where not exists (
        select from timescaledb_information.chunks where hypertable_name = 'reading'
        and range_start <= to_timestamp(s) and to_timestamp(s) < range_end)
    order by 1"""
_FIRST_ROW = ("insert into reading (meter_id, captured_at, profile, register_set_id, time_quality)"
              " values (0, %s, 0, 0, 0)")
_NO_ROW = "delete from reading where meter_id = 0 and captured_at = %s"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a batch of one transaction comes from; rows name it by its place."""

    concentrator_id: int
    incarnation: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the rows: stored rows by meter, and by concentrator what came late.

    Where all were new nothing else is said.
    """

    rows_by_meter: Counter[int] = field(default_factory=Counter)
    is_all_new: bool = False
    filled: Counter[int] = field(default_factory=Counter)       # Registers filled in.
    revised: Counter[int] = field(default_factory=Counter)      # Values kept as revisions.
    merged_rows: Counter[int] = field(default_factory=Counter)  # Rows that brought either.


@dataclass(frozen=True, slots=True)
class _Key:
    meter_id: int
    captured_at: datetime
    profile: int


@dataclass(frozen=True, slots=True)
class _Different:
    """A staged row that met another one with its key."""

    source: int
    sequence: int
    staged: Content
    stored: Content


_Origin = tuple[int, bytes, int]    # Concentrator, incarnation, sequence.


class Rows:
    """Writes rows; remembers layouts and partitions, which never change once they are there."""

    def __init__(self, pool: Pool, caution: int = CAUTION) -> None:
        self._pool = pool
        self._caution = caution
        self._careful = 0       # Transactions left that take the careful way.
        self._layouts: dict[int, Layout] = {}
        self._weeks: set[int] = set()
        self._days: set[int] = set()    # Of hypertables, whose chunks begin on any day.
        self._is_partitioned: bool | None = None

    async def make_partitions(self, tables: list[Table]) -> None:
        """Partitions for these rows, each made in a transaction of its own."""
        missing = sorted({week for table in tables for week in _weeks(table)} - self._weeks)
        if not missing and self._is_partitioned is not False:
            return
        async with self._pool.connection() as connection:
            if not await self._has_row_locks(connection):
                await self._make_chunks(connection, tables)
                return
            for week in missing:
                async with connection.transaction():
                    await _make_partition(connection, week)
        self._weeks.update(missing)

    async def _make_chunks(self, connection: Connection, tables: list[Table]) -> None:
        """TimescaleDB makes a chunk for its first row and lets nobody else into `reading` until
        that transaction ends: so for a row that is taken away again, before thousands are copied.
        """
        days = {day: day * _DAY_S for table in tables
                for day in np.unique(table.captured_at_s // _DAY_S).tolist()
                if day not in self._days}
        if not days:
            return
        lacking = await (await connection.execute(_WITHOUT_CHUNK, [list(days.values())])).fetchall()
        await connection.commit()
        for captured_at, in lacking:
            async with connection.transaction():
                await connection.execute(_FIRST_ROW, [captured_at])
                await connection.execute(_NO_ROW, [captured_at])
        self._days.update(days)

    def forget_partitions(self) -> None:
        """After an error: somebody may have dropped one."""
        self._weeks.clear()
        self._days.clear()

    async def write(
            self, connection: Connection, tables: list[Table], sources: list[Provenance],
    ) -> Written:
        """Write the rows of `tables` inside the caller's transaction."""
        if self._careful:
            self._careful -= 1
        elif await self._write_directly(connection, tables):
            return Written(is_all_new=True)
        else:
            self._careful = self._caution
        return await self._write_carefully(connection, tables, sources)

    async def _write_directly(self, connection: Connection, tables: list[Table]) -> bool:
        """Whether every row was new; if not, nothing was written."""
        data, has_duplicates = copy_rows(tables, with_origin=False)
        if has_duplicates:
            return False
        try:
            async with connection.transaction():
                await _copy(connection, _COPY_DIRECT, data)
        except errors.UniqueViolation:
            return False
        return True

    async def _write_carefully(
            self, connection: Connection, tables: list[Table], sources: list[Provenance],
    ) -> Written:
        if not await self._has_row_locks(connection):
            # Before the first row: who waited for it with rows of its own would wait in a circle.
            await connection.execute("select pg_advisory_xact_lock(%s)", [_MERGE_LOCK])
        await connection.execute(_CREATE_STAGED.encode())
        await _copy(connection, _COPY_STAGED, copy_rows(tables, with_origin=True)[0])
        stored = await (await connection.execute(_INSERT.encode())).fetchall()
        written = Written(Counter(dict(stored)))
        if written.rows_by_meter.total() < sum([len(table) for table in tables]):
            await self._merge(connection, _span(tables), sources, written)
        return written

    async def _merge(
            self, connection: Connection, span: tuple[datetime, datetime],
            sources: list[Provenance], written: Written,
    ) -> None:
        merged: dict[_Key, Content] = {}
        results: list[tuple[_Key, _Different, Merged]] = []
        for key, different in await self._different(connection, span):
            before = merged.get(key, different.stored)
            result = merge(before, different.staged)
            if result.content != before:
                merged[key] = result.content
            results.append((key, different, result))
        if merged:
            await self._update(connection, span, merged)
        _count(written, sources, results, await _insert_revisions(connection, sources, [
            (key, different, revision) for key, different, result in results
            for revision in result.revisions]))

    async def _different(
            self, connection: Connection, span: tuple[datetime, datetime],
    ) -> list[tuple[_Key, _Different]]:
        # The planner knows nothing of a temporary table and might read all of `reading`.
        await connection.execute("set local enable_hashjoin = off")
        await connection.execute("set local enable_mergejoin = off")
        locking = " for update of r" if await self._has_row_locks(connection) else ""
        rows = await (await connection.execute(
            (_DIFFERENT + locking).encode(), span, binary=True)).fetchall()
        width = len(_VALUES)
        await self._learn_layouts(connection, {row[5] for row in rows} | {
            row[5 + width] for row in rows})
        return [
            (_Key(*row[2:5]), _Different(
                row[0], row[1], self._content(row[5:5 + width]), self._content(row[5 + width:])))
            for row in rows]

    async def _has_row_locks(self, connection: Connection) -> bool:
        """Whether `reading` is PostgreSQL's own: partitions that we make. Else a hypertable."""
        if self._is_partitioned is None:
            self._is_partitioned = await _is_partitioned(connection)
        return self._is_partitioned

    async def _learn_layouts(self, connection: Connection, wanted: set[int]) -> None:
        missing = sorted(wanted - set(self._layouts))
        if len(self._layouts) + len(missing) > LAYOUTS_MAX:
            self._layouts.clear()
            missing = sorted(wanted)
        if missing:
            self._layouts.update(await layouts_by_id(connection, missing))

    def _content(self, row: tuple[object, ...]) -> Content:
        """A row's values in the order of its register set."""
        by_name = dict(zip(_VALUES, row, strict=True))
        layout = self._layouts[by_name["register_set_id"]]  # type: ignore[index]
        extra = by_name["extra"] or []
        statuses = by_name["statuses"] or [0] * len(layout.registers)
        assert isinstance(extra, list) and isinstance(statuses, list)
        extras = iter(extra)
        values = [by_name[column] if column in by_name else next(extras)
                  for column in layout.columns]
        return Content(layout, tuple(values), tuple(statuses))  # type: ignore[arg-type]

    async def _update(
            self, connection: Connection, span: tuple[datetime, datetime],
            merged: dict[_Key, Content],
    ) -> None:
        layouts = list({content.layout.digest: content.layout for content in merged.values()
                        }.values())
        # New sets are committed at once, apart from the readings: no lock on them is held.
        async with self._pool.connection() as apart:
            numbers = await register_set_ids(apart, layouts)
        numbered = {x.digest: n for x, n in zip(layouts, numbers, strict=True)}
        await connection.execute(
            b"create temporary table if not exists merged (like staged) on commit delete rows")
        names = ("source", "sequence", *_ROW)
        async with connection.cursor() as cursor, cursor.copy(
                ("copy merged (%s) from stdin" % ", ".join(names)).encode()) as copy:
            for key, content in merged.items():
                await copy.write_row([
                    0, 0, key.meter_id, key.captured_at, key.profile,
                    numbered[content.layout.digest], 0, *_columns(content)])
        await connection.execute(_UPDATE.encode(), span)


def week_of(captured_at_s: Numbers) -> Numbers:
    """Numbers of the weeks (Monday to Sunday, UTC) whose partitions hold these times."""
    return (captured_at_s - _MONDAY_S) // _WEEK_S


async def _copy(connection: Connection, statement: str, data: bytes) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for start in range(0, len(data), _COPY_PIECE):
            await copy.write(data[start:start + _COPY_PIECE])


def _weeks(table: Table) -> list[int]:
    weeks: list[int] = np.unique(week_of(table.captured_at_s)).tolist()
    return weeks


def _span(tables: list[Table]) -> tuple[datetime, datetime]:
    """First and last capture time."""
    first = min([int(table.captured_at_s.min()) for table in tables])
    last = max([int(table.captured_at_s.max()) for table in tables])
    return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)


def _columns(content: Content) -> list[object]:
    """Statuses, then the columns of the registers, then `extra`."""
    by_column = dict(zip(content.layout.columns, content.values, strict=True))
    extra = [value for column, value in by_column.items() if column not in COLUMNS]
    statuses = list(content.statuses) if any(content.statuses) else None
    return [statuses, *[by_column.get(column) for column in COLUMNS], extra or None]


def _count(
        written: Written, sources: list[Provenance],
        results: list[tuple[_Key, _Different, Merged]], kept: Counter[_Origin]) -> None:
    """What came late, and the revisions that were `kept`: the others were there before."""
    for _, different, result in results:
        source = sources[different.source]
        number = source.concentrator_id
        revisions = kept.pop((number, source.incarnation, different.sequence), 0)
        written.filled[number] += result.filled
        written.revised[number] += revisions
        written.merged_rows[number] += bool(result.filled or revisions)


async def _insert_revisions(
        connection: Connection, sources: list[Provenance],
        revisions: list[tuple[_Key, _Different, Revision]],
) -> Counter[_Origin]:
    """How many are new, by where they come from."""
    if not revisions:
        return Counter()
    rows = [
        (key.meter_id, key.captured_at, key.profile, revision.register.obis, revision.value,
         revision.register.scaler, revision.register.unit, revision.status,
         sources[different.source].concentrator_id, sources[different.source].incarnation,
         different.sequence) for key, different, revision in revisions]
    kept = await (await connection.execute(
        "insert into reading_revision (meter_id, captured_at, profile, obis, value, scaler, unit,"
        "   status, concentrator_id, incarnation, sequence)"
        " select * from unnest(%b::bigint[], %b::timestamptz[], %b::bigint[], %b::bytea[],"
        "   %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bytea[],"
        "   %b::bigint[])"
        " on conflict do nothing returning concentrator_id, incarnation, sequence",
        [list(column) for column in zip(*rows, strict=True)])).fetchall()
    return Counter([(number, incarnation, sequence) for number, incarnation, sequence in kept])


async def _is_partitioned(connection: Connection) -> bool:
    row = await (await connection.execute(
        "select relkind = 'p' from pg_class where oid = 'reading'::regclass")).fetchone()
    assert row is not None
    return bool(row[0])


async def _make_partition(connection: Connection, week: int) -> None:
    """Made apart and then attached: that lets others go on writing into their partitions."""
    first = datetime.fromtimestamp(week * _WEEK_S + _MONDAY_S, UTC)
    end = datetime.fromtimestamp((week + 1) * _WEEK_S + _MONDAY_S, UTC)
    name = "reading_%s" % first.strftime("%Y%m%d")
    await connection.execute("select pg_advisory_xact_lock(%s)", [_PARTITION_LOCK])
    there = await (await connection.execute("select to_regclass(%s)", [name])).fetchone()
    assert there is not None
    if there[0] is None:
        await connection.execute(
            ("create table %s (like reading including defaults including constraints);"
             " alter table reading attach partition %s for values from ('%s') to ('%s')"
             % (name, name, first.isoformat(), end.isoformat())).encode())
