-- The long run: summaries by day, made from `reading` again wherever something came, and a line for
-- everything that was dropped by age. The same tables as in 0015_history.timescale.sql.

-- Days (UTC) of a concentrator's meters of which something came and the summary does not know yet.
-- `mark` is another one whenever something comes again: who has summed up takes away what it saw.
create table reading_dirty (
    day date not null,
    concentrator_id integer not null,
    mark bigint not null generated always as identity,
    primary key (day, concentrator_id)
) with (fillfactor = 70);
insert into reading_dirty (day, concentrator_id)
select distinct d.day + n, d.concentrator_id
  from ledger_concentrator_day d cross join generate_series(-1, 1) as n;

-- What was dropped because of its age, week by week: readings, and what stood beside them.
create table reading_dropped (
    dropped_id integer generated always as identity primary key,
    first_at timestamptz not null,
    end_at timestamptz not null,                -- left out of the span
    readings bigint not null,                   -- rows of `reading`
    missed bigint not null,
    revisions bigint not null,
    bytes bigint not null,
    dropped_at timestamptz not null default now()
);

-- One meter, UTC day, profile and register set: rows, and the least and greatest of each column.
create table reading_day (
    meter_id bigint not null,
    day timestamptz not null,
    profile smallint not null,
    register_set_id integer not null,
    readings bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    a_plus_least bigint, a_plus_greatest bigint, a_minus_least bigint, a_minus_greatest bigint,
    r_plus_least bigint, r_plus_greatest bigint, r_minus_least bigint, r_minus_greatest bigint,
    u_l1_least bigint, u_l1_greatest bigint, u_l2_least bigint, u_l2_greatest bigint,
    u_l3_least bigint, u_l3_greatest bigint, i_l1_least bigint, i_l1_greatest bigint,
    i_l2_least bigint, i_l2_greatest bigint, i_l3_least bigint, i_l3_greatest bigint,
    p_least bigint, p_greatest bigint, q_least bigint, q_greatest bigint,
    pf_least bigint, pf_greatest bigint, f_least bigint, f_greatest bigint,
    p_l1_least bigint, p_l1_greatest bigint, p_l2_least bigint, p_l2_greatest bigint,
    p_l3_least bigint, p_l3_greatest bigint,
    primary key (meter_id, day, profile, register_set_id)
);
