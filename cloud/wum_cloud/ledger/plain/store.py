"""Meters' days of which nothing was told, counted by subtraction: no row for each interval.

That is nearly every day of nearly every meter, so it is what counting costs. What came and what
failed is looked up; of the others those behind the concentrator's newest capture are unexplained,
and those ahead of it awaited. Left out: days of which something was told, interval by interval
(../slots/store.py), which must say the same where both could speak.
"""

# From bounded, told_span and holder (../slots/store.py) to told_day, meters' days that somebody
# told something of; plain, the others by schedule; and plain_day, their counts by register set.
# `seen_n` is the interval of the concentrator's newest capture. `unbroken` intervals came without a
# gap from the first on: behind them is the first one missing.
PLAIN = """
    told_day as materialized (
        select distinct b.meter_id, b.day
          from told_span t join bounded b on b.concentrator_id = t.concentrator_id
         where (t.meter_ids is null or b.meter_id = any(t.meter_ids))
           and t.during && tstzrange(
               to_timestamp(b.offset_s + b.first_n * b.period_s), to_timestamp(
               b.offset_s + (greatest(b.first_n, b.last_n) + 1) * b.period_s))),
    plain as materialized (
        select b.*, b.last_n - b.first_n + 1 as expected,
               coalesce(floor((extract(epoch from c.newest_captured_at) - b.offset_s)
                              / b.period_s), -1)::bigint as seen_n,
               coalesce(c.last_contact_at, '-infinity') < %(now)s::timestamptz
                   - make_interval(secs => %(late)s * b.period_s) as is_unheard
          from bounded b join concentrator c using (concentrator_id)
         where b.first_n <= b.last_n and cardinality(b.register_sets) > 0
           and (b.meter_id, b.day) not in (select meter_id, day from told_day)),
    plain_got as (
        select p.*, h.register_set_id, g.*
          from plain p cross join lateral unnest(p.register_sets) as u (register_set_id)
          join holder h on h.register_set_id = u.register_set_id
          cross join lateral (
               select count(*) as got,
                      count(*) filter (where date_part('epoch', arrived_at)
                          > p.offset_s + (n + 1 + %(late)s) * p.period_s) as late,
                      count(*) filter (where arrived_at <= p.deadline) as by_six,
                      count(*) filter (where n = p.first_n + place) as unbroken,
                      count(*) filter (where n > p.seen_n) as got_ahead,
                      coalesce(array_agg(n), array[]::bigint[]) as ns
                 from (select n, min(arrived_at) as arrived_at,
                              row_number() over (order by n) - 1 as place
                         from (select (date_part('epoch', captured_at)::bigint - p.offset_s)
                                      / p.period_s as n, arrived_at
                                 from reading
                                where meter_id = p.meter_id and profile = 0
                                  and register_set_id = any(h.holders)
                                  and captured_at >= to_timestamp(
                                      p.offset_s + p.first_n * p.period_s)
                                  and captured_at < to_timestamp(
                                      p.offset_s + (p.last_n + 1) * p.period_s)
                                  and captured_at >= %(first)s and captured_at < %(settled)s
                              ) as r group by n) as s) as g),
    plain_judged as (
        select p.*, f.*,
               greatest(0, p.last_n - greatest(p.seen_n, p.first_n - 1)) - p.got_ahead
                   - f.failed_ahead as ahead
          from plain_got p cross join lateral (
               select count(*) as failed,
                      count(*) filter (where n > p.seen_n) as failed_ahead,
                      count(*) filter (where outcome = 1) as silent,
                      count(*) filter (where outcome in (2, 4, 35)) as damaged,
                      count(*) filter (where outcome = 5) as not_tried
                 from (select (extract(epoch from captured_at)::bigint - p.offset_s)
                              / p.period_s as n,
                              (array_agg(outcome order by captured_at desc))[1] as outcome
                         from missed
                        where p.got < p.expected and meter_id = p.meter_id and profile = 0
                          and (register_sets is null or p.register_set_id = any(register_sets))
                          and captured_at >= to_timestamp(p.offset_s + p.first_n * p.period_s)
                          and captured_at < to_timestamp(
                              p.offset_s + (p.last_n + 1) * p.period_s)
                        group by 1) as i
                where n <> all(p.ns)) as f),
    plain_place as (
        select meter_id, day, (array_agg(concentrator_id order by valid_from desc))[1]
               as concentrator_id
          from plain group by 1, 2),
    plain_day as (
        select j.meter_id, j.day, j.register_set_id, a.concentrator_id,
               sum(expected) as expected, sum(got) as received, sum(late) as late,
               sum(by_six) as by_six, sum(silent) as silent, sum(damaged) as damaged,
               sum(failed - silent - damaged - not_tried) as exception,
               sum(not_tried) as not_tried, 0 as never_read,
               sum(case when is_unheard then ahead else 0 end) as unreachable,
               sum(case when is_unheard then 0 else ahead end) as awaited,
               0 as archive_gap, 0 as dropped, 0 as refused,
               sum(expected - got - failed - ahead) as unexplained,
               min(case when got < expected
                   then to_timestamp(offset_s + (first_n + unbroken) * period_s) end)
                   as missing_from
          from plain_judged j join plain_place a using (meter_id, day)
         group by j.meter_id, j.day, j.register_set_id, a.concentrator_id)"""
