-- Readings as wide rows of scaled integers; scalers and units stand in register_set.
-- One identity of a row: (meter, capture time, profile). meter_id stands in every key, so that
-- the table can be spread over machines one day. The table itself is made by
-- readings_plain.sql or readings_timescale.sql, which `wum-cloud migrate` chooses.

create table reading_revision (
    meter_id bigint not null,
    captured_at timestamptz not null,
    profile smallint not null,
    obis bytea not null check (length(obis) = 6),
    value bigint,
    scaler smallint not null,
    unit smallint not null,
    status integer not null,
    concentrator_id integer not null,
    incarnation bytea not null,
    sequence bigint not null,
    arrived_at timestamptz not null default now(),
    primary key (meter_id, captured_at, profile, obis, incarnation, sequence)
);

-- A capture that a meter did not give, and why.
create table missed (
    meter_id bigint not null,
    captured_at timestamptz not null,
    profile smallint not null,
    outcome smallint not null,
    note text not null,
    concentrator_id integer not null,
    arrived_at timestamptz not null default now(),
    primary key (meter_id, captured_at, profile)
);

create table event (
    concentrator_id integer not null references concentrator,
    incarnation bytea not null,
    sequence bigint not null,
    at timestamptz not null,
    time_quality smallint not null,
    kind smallint not null,
    meter_id bigint,
    note text not null,
    arrived_at timestamptz not null default now(),
    primary key (concentrator_id, incarnation, sequence)
);
create index on event (arrived_at desc);

-- One row per archive a concentrator ever had. `received` is what was committed, `lost` what the
-- concentrator said is gone; what is below the highest and in neither is a gap.
create table archive (
    concentrator_id integer not null references concentrator,
    incarnation bytea not null check (length(incarnation) = 8),
    received int8multirange not null default '{}',
    lost int8multirange not null default '{}',
    first_seen_at timestamptz not null default now(),
    last_batch_at timestamptz,
    primary key (concentrator_id, incarnation)
);

-- What ingest refused, with its bytes and the reason. Bounded: see ingest/quarantine.
create table quarantine (
    quarantine_id bigint generated always as identity primary key,
    arrived_at timestamptz not null default now(),
    concentrator_id integer,
    topic text not null,
    reason text not null,
    detail text not null,
    content bytea not null,
    size_bytes integer not null
);
create index on quarantine (arrived_at);

-- Counters of ingest by day: stored rows, duplicates, late registers, revisions, replays, and
-- refusals by reason. concentrator_id 0 stands for unknown senders.
create table ingest_count (
    day date not null,
    concentrator_id integer not null,
    what text not null,
    n bigint not null default 0,
    primary key (day, concentrator_id, what)
);
