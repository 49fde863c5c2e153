-- What the head-end lacks and asks concentrators for (docs/gap-requests.md).

-- How many numbers below the highest are neither received nor lost, and since when it is so many:
-- batches under way leave gaps that close by themselves, and only what stays is asked for.
alter table archive add column missing bigint not null default 0, add column missing_since timestamptz;

-- The last gap request to each concentrator: `asked` is the opened message, by whose ranges its
-- answer is understood. Not asked again before `due_at`; `tries` counts requests for the same.
-- `told` says how many parts were answered with which reason (wum_shared/status.py, GAPS).
create table gap_request (
    concentrator_id integer primary key references concentrator,
    number bigint not null,
    asked bytea not null,
    by_number integer not null,                 -- Ranges of record numbers in it,
    by_time integer not null,                   -- and of capture times of a meter.
    asked_at timestamptz not null,
    due_at timestamptz not null,
    tries integer not null,
    answered_at timestamptz,
    told jsonb not null default '{}'
) with (fillfactor = 70);

-- What concentrators answered of spans of time of a meter, from its first to its last second. What
-- has a reason is not asked for again; what was sent (reason 0) and did not stay is, a few times.
create table gap_reason (
    meter_id bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    reason smallint not null,
    outcome smallint not null,                  -- wum_shared/status.py, OUTCOMES; 0: none
    concentrator_id integer not null,
    times integer not null default 1,
    answered_at timestamptz not null default now(),
    primary key (meter_id, first_at, last_at)
);
create index on gap_reason (concentrator_id, answered_at desc);
