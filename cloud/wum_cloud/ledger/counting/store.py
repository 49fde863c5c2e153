"""Counting in the database: what is marked, what became due, and the sums that follow.

Left out: which days (reckoning.py), when (keeper.py), what single intervals became
(../slots/store.py), how days are counted without looking at them (../plain/store.py). A meter's day
is always counted anew from `reading`, `missed` and the schedules; sums move by the difference to
what was counted before, in the same transaction, so that they can never drift apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed

from wum_cloud.database import Connection
from wum_cloud.ledger.plain.store import PLAIN
from wum_cloud.ledger.reckoning import LATE_PERIODS, Day
from wum_cloud.ledger.slots.store import DUE, SLOTS
from wum_cloud.reasons.names import REASONS

_LOCK = 0x57554D02
COUNTS = ("expected", "received", "late", "by_six", *REASONS)


@dataclass(frozen=True, slots=True)
class Mark:
    """What one transaction changed; see ledger_mark."""

    mark_id: int
    concentrator_id: int
    hours: list[int]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a concentrator's days are counted. `computed_until` None: never.

    `waiting_days`: those whose reasons change with time alone, because something is awaited or the
    concentrator cannot be reached. `open_days`: all those whose reasons may change with what is
    told; `is_told`: whether anything was, or numbers are outstanding. `known_zone` is the zone they
    were counted in. `heirs`: concentrators that have meters now which this one had: what changes
    here may change their days.
    """

    concentrator_id: int
    time_zone: str
    known_zone: str | None
    computed_until: datetime | None
    longest_period_s: int
    first_valid_from: datetime | None
    is_told: bool
    waiting_days: list[date]
    open_days: list[date]
    heirs: list[int]


# A table of its own, so that the database knows how many meters are asked: guessed from what share
# of all meters has a schedule, a street's were taken for three, and joined row by row for minutes.
_CREATE_ASKED = """
    create temporary table if not exists asked (
        meter_id bigint, tenant_id smallint, day date, start_at timestamptz, end_at timestamptz,
        deadline timestamptz
    ) on commit delete rows"""
_ASK = """
    insert into asked
    select m.meter_id, m.tenant_id, d.day, d.start_at, d.end_at, d.deadline
      from unnest(%(concentrators)s::integer[], %(days)s::date[], %(starts)s::timestamptz[],
                  %(ends)s::timestamptz[], %(deadlines)s::timestamptz[])
           as d (concentrator_id, day, start_at, end_at, deadline)
      join meter m using (concentrator_id)"""

_CREATE_COUNTED = """
    create temporary table if not exists counted (
        meter_id bigint, day date, register_set_id integer, tenant_id smallint,
        concentrator_id integer, {}, missing_from timestamptz
    ) on commit delete rows"""

# A meter that moved during the day belongs to where it was last.
_COUNT = """
    insert into counted (meter_id, day, register_set_id, tenant_id, concentrator_id, {},
                         missing_from)
    with """ + DUE + "," + PLAIN + """,
    chosen as (select b.* from bounded b join told_day using (meter_id, day)),""" + SLOTS + """,
    place as (
        select meter_id, day, (array_agg(concentrator_id order by start_at desc))[1]
               as concentrator_id
          from told group by 1, 2)
    select t.meter_id, t.day, t.register_set_id, m.tenant_id, p.concentrator_id,
           count(*), count(*) filter (where t.state in ('received', 'late')),
           count(*) filter (where t.state = 'late'),
           count(*) filter (where t.arrived_at <= t.deadline), {},
           min(t.start_at) filter (where t.state not in ('received', 'late'))
      from told t join place p using (meter_id, day) join meter m using (meter_id)
     group by t.meter_id, t.day, t.register_set_id, m.tenant_id, p.concentrator_id
    union all
    select p.meter_id, p.day, p.register_set_id, m.tenant_id, p.concentrator_id, {}, missing_from
      from plain_day p join meter m using (meter_id)"""

# What stood there of these meters and days, whichever sets they had then. Of meters that another
# concentrator has now, the days before are its.
_CREATE_STOOD = """
    create temporary table if not exists stood on commit delete rows as
    select *, false as is_first from ledger_day with no data"""
_REMEMBER = """
    insert into stood
    select d.*, row_number() over (partition by d.meter_id, d.day order by d.register_set_id) = 1
      from unnest(%(concentrators)s::integer[], %(days)s::date[]) as a (concentrator_id, day)
      join meter m on m.concentrator_id = a.concentrator_id
      join ledger_day d on d.meter_id = m.meter_id and d.day = a.day"""

# A meter is counted once, with the first of its sets.
_ADD_UP = """
    insert into {table} as t ({keys}, meters, {names})
    select {keys}, sum(meters), {sums} from (
        select concentrator_id, register_set_id, tenant_id, day, {meters} as meters, {names}
          from (select *, row_number() over (
                       partition by meter_id, day order by register_set_id) = 1 as is_first
                  from counted) as c
        union all
        select concentrator_id, register_set_id, tenant_id, day, -{meters}, {negated}
          from stood as d) as change
     group by {keys} having sum(meters) <> 0{changed}
    on conflict ({conflict}) do update set meters = t.meters + excluded.meters, {added}"""


_SUMS = (
    ("ledger_concentrator_day", ("concentrator_id", "day", "tenant_id")),
    ("ledger_concentrator_set_day", ("concentrator_id", "day", "register_set_id", "tenant_id")),
    ("ledger_tenant_day", ("tenant_id", "day")),
    ("ledger_tenant_set_day", ("tenant_id", "register_set_id", "day")),
)


async def try_lock(connection: Connection) -> bool:
    """Whether this transaction is the one that counts; ends with it."""
    row = await (await connection.execute(
        "select pg_try_advisory_xact_lock(%s)", [_LOCK])).fetchone()
    assert row is not None
    return bool(row[0])


async def marks(connection: Connection, concentrators: int, limit: int) -> list[Mark]:
    """The marks, at most `limit`, of those concentrators that have the oldest marks."""
    async with connection.cursor(row_factory=class_row(Mark)) as cursor:
        await cursor.execute(
            "select mark_id, concentrator_id, hours, since from ledger_mark"
            " where concentrator_id in (select concentrator_id from ("
            "   select concentrator_id from ledger_mark order by mark_id limit %s) as oldest)"
            " order by mark_id limit %s", [concentrators, limit])
        return await cursor.fetchall()


async def drop_marks(connection: Connection, done: Sequence[Mark]) -> None:
    """Forget these marks: their days are counted.

    The summaries by UTC day do not know of them yet: history/ finds those in `reading_dirty`.
    """
    await connection.execute(
        "with gone as (delete from ledger_mark where mark_id = any(%s)"
        "   returning concentrator_id, hours)"
        " insert into reading_dirty (day, concentrator_id)"
        " select distinct date '1970-01-01' + hour / 24, concentrator_id"
        "   from gone cross join unnest(hours) as hour order by 1, 2"
        " on conflict (day, concentrator_id) do update set mark = default",
        [[mark.mark_id for mark in done]])


async def stale(connection: Connection, before: datetime, limit: int) -> list[int]:
    """Concentrators that were counted before `before`, in another zone, or never; at most `limit`.
    """
    rows = await (await connection.execute(
        "(select concentrator_id from ledger_state where computed_until < %(before)s"
        "   order by computed_until limit %(limit)s)"
        " union (select c.concentrator_id from concentrator c"
        "   left join ledger_state l using (concentrator_id) left join site s using (site_id)"
        "   where l.time_zone is distinct from coalesce(s.time_zone, 'UTC') limit %(limit)s)"
        " limit %(limit)s", {"before": before, "limit": limit})).fetchall()
    return [row[0] for row in rows]


async def standings(connection: Connection, wanted: Sequence[int]) -> list[Standing]:
    """How far these concentrators are counted."""
    async with connection.cursor(row_factory=class_row(Standing)) as cursor:
        await cursor.execute(
            """
            select c.concentrator_id, coalesce(s.time_zone, 'UTC') as time_zone,
                   l.time_zone as known_zone, l.computed_until,
                   coalesce(its.longest, 3600) as longest_period_s,
                   its.first_valid_from,
                   array(select distinct m.concentrator_id
                           from meter_schedule x join meter m using (meter_id)
                          where x.concentrator_id = c.concentrator_id
                            and m.concentrator_id <> c.concentrator_id) as heirs,
                   coalesce(greatest(
                       (select max(arrived_at) from archive_loss x
                         where x.concentrator_id = c.concentrator_id),
                       (select max(told_at) from reason_told x
                         where x.concentrator_id = c.concentrator_id),
                       (select max(first_seen_at) from archive x
                         where x.concentrator_id = c.concentrator_id))
                       > l.computed_until - interval '10 minutes', false)
                   or exists (select from archive x where x.concentrator_id = c.concentrator_id
                       and not isempty(int8multirange(int8range(
                           1, coalesce(upper(x.received + x.lost), 1))) - x.received - x.lost))
                       as is_told,
                   array(select day from ledger_concentrator_day d
                          where d.concentrator_id = c.concentrator_id
                            and d.awaited + d.unreachable > 0) as waiting_days,
                   array(select day from ledger_concentrator_day d
                          where d.concentrator_id = c.concentrator_id
                            and d.awaited + d.unreachable + d.unexplained + d.archive_gap
                                + d.dropped + d.refused + d.never_read > 0) as open_days
              from concentrator c left join site s using (site_id)
              left join ledger_state l using (concentrator_id)
              cross join lateral (
                   select max(x.period_s) as longest, min(x.valid_from) as first_valid_from
                     from meter m join meter_schedule x using (meter_id)
                    where m.concentrator_id = c.concentrator_id) as its
             where c.concentrator_id = any(%s)
            """, [list(wanted)])
        return await cursor.fetchall()


async def count(
        connection: Connection, days: Sequence[tuple[int, Day]], settled: datetime,
        now: datetime) -> None:
    """Count these days (concentrator, day) of all meters that the concentrators have now."""
    await connection.execute("set local jit = off")
    await connection.execute(_create_counted())
    await connection.execute(_CREATE_STOOD)
    await connection.execute(_CREATE_ASKED)
    # Of an earlier piece of this transaction.
    await connection.execute("truncate counted, stood, asked")
    asked = {"concentrators": [number for number, _ in days], "days": [d.day for _, d in days]}
    await connection.execute(_REMEMBER, asked)
    await connection.execute(_ASK, {
        **asked, "starts": [d.start for _, d in days], "ends": [d.end for _, d in days],
        "deadlines": [d.deadline for _, d in days]})
    await connection.execute("analyze asked")
    await connection.execute(_counting(), {
        "settled": settled, "now": now, "late": LATE_PERIODS,
        "first": min([d.start for _, d in days])})
    for table, keys in _SUMS:
        await connection.execute(_adding_up(table, keys))
    await connection.execute(
        "delete from ledger_day d using stood s"
        " where (d.meter_id, d.day, d.register_set_id) = (s.meter_id, s.day, s.register_set_id)"
        " and not exists (select from counted c where"
        "   (c.meter_id, c.day, c.register_set_id) = (s.meter_id, s.day, s.register_set_id))")
    await connection.execute(_replacing())


async def note_counted(
        connection: Connection, done: Sequence[Standing], now: datetime, oldest: date) -> None:
    """These concentrators are counted until `now`; what is older than `oldest` is dropped."""
    numbers = [one.concentrator_id for one in done]
    await connection.execute(
        "insert into ledger_state (concentrator_id, computed_until, time_zone)"
        " select n, %s, z from unnest(%s::integer[], %s::text[]) as x (n, z)"
        " on conflict (concentrator_id) do update"
        "   set computed_until = excluded.computed_until, time_zone = excluded.time_zone",
        [now, numbers, [one.time_zone for one in done]])
    for table in ("ledger_day", "ledger_concentrator_day", "ledger_concentrator_set_day"):
        await connection.execute(SQL(
            "delete from {} where concentrator_id = any(%s) and day < %s").format(SQL(table)),
            [numbers, oldest])
    for table in ("ledger_tenant_day", "ledger_tenant_set_day"):
        await connection.execute(SQL("delete from {} where day < %s").format(SQL(table)), [oldest])


def _names(form: str, joiner: str = ", ") -> SQL:
    return SQL(joiner.join([form.replace("$", name) for name in COUNTS]))


def _create_counted() -> Composed:
    return SQL(_CREATE_COUNTED).format(_names("$ integer"))


def _counting() -> Composed:
    reasons = ["count(*) filter (where t.state = '%s')" % reason for reason in REASONS]
    return SQL(_COUNT).format(_names("$"), SQL(", ".join(reasons)), _names("$"))


def _adding_up(table: str, keys: tuple[str, ...]) -> Composed:
    by_set = "register_set_id" in keys
    primary = tuple([key for key in keys if key != "tenant_id" or "concentrator_id" not in keys])
    return SQL(_ADD_UP).format(
        table=SQL(table), keys=SQL(", ".join(keys)),
        meters=SQL("1" if by_set else "is_first::integer"),
        names=_names("$"), sums=_names("sum($)"),
        negated=_names("-d.$"), changed=_names(" or sum($) <> 0", ""),
        conflict=SQL(", ".join(primary)),
        added=_names("$ = t.$ + excluded.$"))


def _replacing() -> Composed:
    return SQL(
        "insert into ledger_day as t (meter_id, day, register_set_id, tenant_id, concentrator_id,"
        "   {names}, missing_from)"
        " select meter_id, day, register_set_id, tenant_id, concentrator_id, {names}, missing_from"
        " from counted order by meter_id, day, register_set_id"
        " on conflict (meter_id, day, register_set_id) do update"
        "   set concentrator_id = excluded.concentrator_id, {set},"
        "   missing_from = excluded.missing_from"
        " where (t.concentrator_id, {old}, t.missing_from)"
        "   is distinct from (excluded.concentrator_id, {new}, excluded.missing_from)").format(
        names=_names("$"), set=_names("$ = excluded.$"), old=_names("t.$"),
        new=_names("excluded.$"))
