"""What became of each interval of each register set: the one query behind sums and drill-down.

Left out: adding up (../counting/store.py), and how told reasons get their spans (reasons/store.py).
"""

from dataclasses import replace
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.ledger.asked.store import came_when_asked
from wum_cloud.ledger.reckoning import LATE_PERIODS, Day, Interval
from wum_cloud.reasons.store import SPANS

# From asked (meter_id, day, start_at, end_at, deadline) to bounded: which intervals are due by each
# schedule, numbered from 1970; and told_span, what somebody told of them. Those of one moment, for
# register sets of their own, are in force together. A schedule's first interval begins when it is
# in force already, its last one ends before the next of another moment. Division of positive
# integers rounds down. A row of readings holds a set (`holders`) when it has all its
# codes: rows of several sets are merged where they were captured together.
DUE = """
    segment as (
        select a.meter_id, a.day, a.start_at, a.end_at, a.deadline,
               s.concentrator_id, s.period_s, s.offset_s, s.valid_from, s.register_sets,
               min(s.valid_from) over (partition by a.meter_id, a.day order by s.valid_from
                   groups between 1 following and 1 following) as until
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
    asked_of as materialized (
        select concentrator_id, tstzrange(min(start_at), max(end_at)) as during
          from bounded group by 1),""" + SPANS + """,
    holder as materialized (
        select w.register_set_id, array(
               select r.register_set_id from register_set r
                where r.profile = s.profile and r.codes @> s.codes) as holders
          from (select distinct unnest(register_sets) as register_set_id from bounded) as w
          join register_set s using (register_set_id))"""

# From chosen, of bounded, to told: a row for each interval of each set.
SLOTS = """
    own as (
        select b.*, h.register_set_id, h.holders
          from chosen b cross join lateral unnest(b.register_sets) as u (register_set_id)
          join holder h on h.register_set_id = u.register_set_id),
    slot as (
        select o.meter_id, o.day, o.deadline, o.concentrator_id, o.valid_from, o.period_s, n,
               o.register_set_id, to_timestamp(o.offset_s + n * o.period_s) as start_at,
               to_timestamp(o.offset_s + (n + 1) * o.period_s) as end_at
          from own o cross join lateral generate_series(o.first_n, o.last_n) as n),
    got as (
        select o.meter_id, o.day, o.valid_from, o.register_set_id, r.n, r.arrived_at
          from own o cross join lateral (
               select (extract(epoch from captured_at)::bigint - o.offset_s) / o.period_s as n,
                      min(arrived_at) as arrived_at
                 from reading
                where meter_id = o.meter_id and profile = 0
                  and register_set_id = any(o.holders)
                  and captured_at >= to_timestamp(o.offset_s + o.first_n * o.period_s)
                  and captured_at < to_timestamp(o.offset_s + (o.last_n + 1) * o.period_s)
                group by 1) as r),
    failed as (
        select b.meter_id, b.day, b.valid_from, b.register_set_id, i.n, i.outcome
          from own b cross join lateral (
               select (extract(epoch from captured_at)::bigint - b.offset_s) / b.period_s as n,
                      (array_agg(outcome order by captured_at desc))[1] as outcome
                 from missed
                where meter_id = b.meter_id and profile = 0
                  and (register_sets is null or b.register_set_id = any(register_sets))
                  and captured_at >= to_timestamp(b.offset_s + b.first_n * b.period_s)
                  and captured_at < to_timestamp(b.offset_s + (b.last_n + 1) * b.period_s)
                group by 1) as i),
    judged as (
        select s.*, g.arrived_at, c.name as concentrator, c.last_contact_at,
               case
               when g.n is not null then case
                   when g.arrived_at > s.end_at + make_interval(secs => %(late)s * s.period_s)
                   then 'late' else 'received' end
               when f.outcome = 1 then 'silent'
               when f.outcome in (2, 4, 35) then 'damaged'
               when f.outcome = 5 then 'not_tried'
               when f.outcome is not null then 'exception'
               else coalesce((
                   select t.reason from told_span t
                    where t.concentrator_id = s.concentrator_id
                      and (t.meter_ids is null or s.meter_id = any(t.meter_ids))
                      and t.during && tstzrange(s.start_at, s.end_at)
                    order by t.place limit 1),
                   case when s.start_at > coalesce(c.newest_captured_at, '-infinity')
                   then 'awaited' else 'unexplained' end) end as found,
               coalesce(c.last_contact_at, '-infinity') < %(now)s::timestamptz
                   - make_interval(secs => %(late)s * s.period_s) as is_unheard
          from slot s join concentrator c using (concentrator_id)
          left join got g using (meter_id, day, valid_from, register_set_id, n)
          left join failed f using (meter_id, day, valid_from, register_set_id, n)),
    told as (
        select meter_id, day, deadline, concentrator_id, concentrator, register_set_id, start_at,
               end_at, arrived_at, last_contact_at,
               case when found = 'awaited' and is_unheard then 'unreachable' else found end
                   as state
          from judged)"""


async def intervals(
        connection: Connection, meter_id: int, day: Day, settled: datetime, now: datetime,
) -> list[Interval]:
    """The intervals of a meter's day that are due, by set, oldest first: what sums are made of."""
    await connection.execute("set local jit = off")
    async with connection.cursor(row_factory=class_row(Interval)) as cursor:
        await cursor.execute(_TELLING, {
            "meter": meter_id, "day": day.day, "start": day.start, "end": day.end,
            "deadline": day.deadline, "settled": settled, "now": now, "late": LATE_PERIODS})
        found = await cursor.fetchall()
    asked = await came_when_asked(connection, meter_id, [
        (one.start, one.end, one.arrived_at) for one in found if one.arrived_at is not None])
    return [replace(one, was_asked=True) if (one.start, one.arrived_at) in asked else one
            for one in found]


_TELLING = ("""
    with asked as (
        select %(meter)s::bigint as meter_id, %(day)s::date as day,
               %(start)s::timestamptz as start_at, %(end)s::timestamptz as end_at,
               %(deadline)s::timestamptz as deadline),""" + DUE + """,
    chosen as (select * from bounded),""" + SLOTS + """
    select register_set_id as register_set, start_at as start, end_at as "end", state, arrived_at,
           concentrator, case
           when state = 'unreachable' then last_contact_at
           when state in ('silent', 'damaged', 'exception', 'not_tried') then (
               select captured_at from reading r
                where r.meter_id = told.meter_id and r.profile = 0
                  and r.captured_at < told.start_at order by captured_at desc limit 1) end as since
      from told order by register_set_id, start_at""").encode()
