"""Counting in the database: what is marked, what became due, and the sums that follow.

Left out: which days (reckoning.py), when (keeper.py). A meter's day is always counted anew from
`reading`, `missed` and the schedules; sums move by the difference to what was counted before, in
the same transaction, so that they can never drift apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed

from wum_cloud.database import Connection
from wum_cloud.ledger.reckoning import LATE_PERIODS, REASONS, Day, Interval

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

    `open_days` are those whose reasons may still change without any reading: something is awaited
    or its concentrator cannot be reached. `known_zone` is the zone they were counted in.
    """

    concentrator_id: int
    time_zone: str
    known_zone: str | None
    computed_until: datetime | None
    longest_period_s: int
    first_valid_from: datetime | None
    open_days: list[date]


# From asked (meter_id, day, start_at, end_at, deadline) to one row for each interval that is due.
# A schedule's first interval begins when it is in force already, its last one ends before the
# next schedule. Division of positive integers rounds down.
_INTERVALS = """
    segment as (
        select a.meter_id, a.day, a.start_at, a.end_at, a.deadline,
               s.concentrator_id, s.period_s, s.offset_s, s.valid_from,
               lead(s.valid_from) over (partition by a.meter_id, a.day order by s.valid_from)
                   as until
          from asked a join meter_schedule s using (meter_id)),
    bounded as (
        select *, (ceil(extract(epoch from greatest(valid_from, start_at)))::bigint
                   - offset_s + period_s - 1) / period_s as first_n,
               least((extract(epoch from end_at)::bigint - 1 - offset_s) / period_s,
                     (floor(extract(epoch from least(until, %(settled)s::timestamptz)))::bigint
                      - offset_s) / period_s - 1) as last_n
          from segment
         where period_s is not null and valid_from < end_at
           and (until is null or until > start_at)),
    slot as (
        select b.meter_id, b.day, b.deadline, b.concentrator_id, b.valid_from, b.period_s, n,
               to_timestamp(b.offset_s + n * b.period_s) as start_at,
               to_timestamp(b.offset_s + (n + 1) * b.period_s) as end_at
          from bounded b cross join lateral generate_series(b.first_n, b.last_n) as n),
    got as (
        select b.meter_id, b.day, b.valid_from, r.n, r.arrived_at
          from bounded b cross join lateral (
               select (extract(epoch from captured_at)::bigint - b.offset_s) / b.period_s as n,
                      min(arrived_at) as arrived_at
                 from reading
                where meter_id = b.meter_id and profile = 0
                  and captured_at >= to_timestamp(b.offset_s + b.first_n * b.period_s)
                  and captured_at < to_timestamp(b.offset_s + (b.last_n + 1) * b.period_s)
                group by 1) as r),
    failed as (
        select b.meter_id, b.day, b.valid_from, i.n, i.outcome
          from bounded b cross join lateral (
               select (extract(epoch from captured_at)::bigint - b.offset_s) / b.period_s as n,
                      (array_agg(outcome order by captured_at desc))[1] as outcome
                 from missed
                where meter_id = b.meter_id and profile = 0
                  and captured_at >= to_timestamp(b.offset_s + b.first_n * b.period_s)
                  and captured_at < to_timestamp(b.offset_s + (b.last_n + 1) * b.period_s)
                group by 1) as i),
    fact as (
        select c.concentrator_id, c.name, c.last_contact_at, c.newest_captured_at,
               (select max(l.arrived_at) from archive_loss l
                 where l.concentrator_id = c.concentrator_id) as lost_at,
               (select max(a.first_seen_at) from archive a
                 where a.concentrator_id = c.concentrator_id) as archive_at,
               (select bool_or(not isempty(int8multirange(int8range(1, upper(whole))) - whole))
                  from (select a.received + a.lost as whole from archive a
                         where a.concentrator_id = c.concentrator_id
                         order by a.first_seen_at desc limit 1) as newest) as awaits,
               (select count(*) > 1 from archive a
                 where a.concentrator_id = c.concentrator_id) as was_replaced,
               (select range_agg(tstzrange(q.arrived_at, q.arrived_at, '[]')) from quarantine q
                 where q.concentrator_id = c.concentrator_id
                   and q.form in ('batch', 'readings', 'missed')) as refused_at
          from concentrator c
         where c.concentrator_id in (select concentrator_id from bounded)),
    told as (
        select s.meter_id, s.day, s.deadline, s.concentrator_id, fact.name as concentrator,
               s.start_at, s.end_at, g.arrived_at,
               case
               when g.n is not null then case
                   when g.arrived_at > s.end_at + make_interval(secs => %(late)s * s.period_s)
                   then 'late' else 'received' end
               when f.outcome = 1 then 'silent'
               when f.outcome in (2, 4) then 'damaged'
               when f.outcome = 3 then 'exception'
               when f.outcome = 5 then 'not_tried'
               when fact.refused_at && tstzrange(s.start_at,
                   s.end_at + make_interval(secs => %(late)s * s.period_s)) then 'refused'
               when s.start_at > coalesce(fact.newest_captured_at, '-infinity') then case
                   when coalesce(fact.last_contact_at, '-infinity') < %(now)s::timestamptz
                        - make_interval(secs => %(late)s * s.period_s) then 'unreachable'
                   else 'awaited' end
               when fact.lost_at >= s.end_at then 'archive_gap'
               when fact.was_replaced and s.end_at <= fact.archive_at then 'archive_gap'
               when fact.awaits then 'awaited'
               else 'unexplained' end as state
          from slot s
          left join got g using (meter_id, day, valid_from, n)
          left join failed f using (meter_id, day, valid_from, n)
          left join fact on fact.concentrator_id = s.concentrator_id)"""

_ASKED = """
    asked as (
        select m.meter_id, m.tenant_id, d.day, d.start_at, d.end_at, d.deadline,
               m.concentrator_id as present_concentrator_id
          from unnest(%(concentrators)s::integer[], %(days)s::date[], %(starts)s::timestamptz[],
                      %(ends)s::timestamptz[], %(deadlines)s::timestamptz[])
               as d (concentrator_id, day, start_at, end_at, deadline)
          join meter m using (concentrator_id))"""

_CREATE_COUNTED = """
    create temporary table if not exists counted (
        meter_id bigint, day date, tenant_id smallint, concentrator_id integer, {},
        missing_from timestamptz
    ) on commit delete rows"""

_COUNT = """
    insert into counted (meter_id, day, tenant_id, concentrator_id, {}, missing_from)
    with """ + _ASKED + "," + _INTERVALS + """
    select a.meter_id, a.day, a.tenant_id,
           coalesce((array_agg(t.concentrator_id order by t.start_at desc))[1],
                    a.present_concentrator_id),
           count(t.state), count(*) filter (where t.state in ('received', 'late')),
           count(*) filter (where t.state = 'late'),
           count(*) filter (where t.arrived_at <= a.deadline), {},
           min(t.start_at) filter (where t.state not in ('received', 'late'))
      from asked a left join told t using (meter_id, day)
     group by a.meter_id, a.day, a.tenant_id, a.present_concentrator_id"""

_ADD_UP = """
    insert into {table} as t ({keys}, {meters}{names})
    select {keys}, sum(meters), {sums} from (
        select concentrator_id, tenant_id, day, 1 as meters, {names}
          from counted where expected > 0
        union all
        select d.concentrator_id, d.tenant_id, d.day, -1, {negated}
          from ledger_day d join counted using (meter_id, day)) as change
     group by {keys} having sum(meters) <> 0{changed}
    on conflict ({conflict}) do update set meters = t.meters + excluded.meters, {added}"""


async def try_lock(connection: Connection) -> bool:
    """Whether this transaction is the one that counts; ends with it."""
    row = await (await connection.execute(
        "select pg_try_advisory_xact_lock(%s)", [_LOCK])).fetchone()
    assert row is not None
    return bool(row[0])


async def marks(connection: Connection, limit: int) -> list[Mark]:
    """The oldest marks, at most `limit`."""
    async with connection.cursor(row_factory=class_row(Mark)) as cursor:
        await cursor.execute(
            "select mark_id, concentrator_id, hours, since from ledger_mark"
            " order by mark_id limit %s", [limit])
        return await cursor.fetchall()


async def drop_marks(connection: Connection, done: Sequence[Mark]) -> None:
    """Forget these marks: their days are counted."""
    await connection.execute(
        "delete from ledger_mark where mark_id = any(%s)", [[mark.mark_id for mark in done]])


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
                   array(select day from ledger_concentrator_day d
                          where d.concentrator_id = c.concentrator_id
                            and d.awaited + d.unreachable + d.unexplained > 0) as open_days
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
    await connection.execute("delete from counted")  # Of an earlier piece of this transaction.
    await connection.execute(_counting(), {
        "concentrators": [number for number, _ in days], "days": [d.day for _, d in days],
        "starts": [d.start for _, d in days], "ends": [d.end for _, d in days],
        "deadlines": [d.deadline for _, d in days], "settled": settled, "now": now,
        "late": LATE_PERIODS})
    for table, keys in (("ledger_concentrator_day", ("concentrator_id", "day", "tenant_id")),
                        ("ledger_tenant_day", ("tenant_id", "day"))):
        await connection.execute(_adding_up(table, keys))
    await connection.execute(_replacing())
    await connection.execute(
        "delete from ledger_day d using counted c"
        " where (d.meter_id, d.day) = (c.meter_id, c.day) and c.expected = 0")


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
    await connection.execute(
        "delete from ledger_day where concentrator_id = any(%s) and day < %s", [numbers, oldest])
    await connection.execute(
        "delete from ledger_concentrator_day where concentrator_id = any(%s) and day < %s",
        [numbers, oldest])
    await connection.execute("delete from ledger_tenant_day where day < %s", [oldest])


async def intervals(
        connection: Connection, meter_id: int, day: Day, settled: datetime, now: datetime,
) -> list[Interval]:
    """The intervals of one meter's day that are due, oldest first: what the sums are made of."""
    async with connection.cursor(row_factory=class_row(Interval)) as cursor:
        await cursor.execute(_TELLING, {
            "meter": meter_id, "day": day.day, "start": day.start, "end": day.end,
            "deadline": day.deadline, "settled": settled, "now": now, "late": LATE_PERIODS})
        return await cursor.fetchall()


_TELLING = ("""
    with asked as (
        select %(meter)s::bigint as meter_id, %(day)s::date as day,
               %(start)s::timestamptz as start_at, %(end)s::timestamptz as end_at,
               %(deadline)s::timestamptz as deadline),""" + _INTERVALS + """
    select start_at as start, end_at as "end", state, arrived_at,
           coalesce(concentrator, '') as concentrator
      from told order by start_at""").encode()


def _names(form: str, joiner: str = ", ") -> SQL:
    return SQL(joiner.join([form.replace("$", name) for name in COUNTS]))


def _create_counted() -> Composed:
    return SQL(_CREATE_COUNTED).format(_names("$ integer"))


def _counting() -> Composed:
    reasons = ["count(*) filter (where t.state = '%s')" % reason for reason in REASONS]
    return SQL(_COUNT).format(_names("$"), SQL(", ".join(reasons)))


def _adding_up(table: str, keys: tuple[str, ...]) -> Composed:
    return SQL(_ADD_UP).format(
        table=SQL(table), keys=SQL(", ".join(keys)),
        meters=SQL("meters, "), names=_names("$"), sums=_names("sum($)"),
        negated=_names("-d.$"), changed=_names(" or sum($) <> 0", ""),
        conflict=SQL(", ".join(keys[:2])),
        added=_names("$ = t.$ + excluded.$"))


def _replacing() -> Composed:
    return SQL(
        "insert into ledger_day as t (meter_id, day, tenant_id, concentrator_id, {names},"
        "   missing_from)"
        " select meter_id, day, tenant_id, concentrator_id, {names}, missing_from"
        " from counted where expected > 0 order by meter_id, day"
        " on conflict (meter_id, day) do update set concentrator_id = excluded.concentrator_id,"
        "   {set}, missing_from = excluded.missing_from"
        " where (t.concentrator_id, {old}, t.missing_from)"
        "   is distinct from (excluded.concentrator_id, {new}, excluded.missing_from)").format(
        names=_names("$"), set=_names("$ = excluded.$"), old=_names("t.$"),
        new=_names("excluded.$"))
