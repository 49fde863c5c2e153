-- What concentrators deliver beside the readings themselves, and what ingest knows about it.
-- The table `reading` is made by 0004_reading.plain.sql or 0004_reading.timescale.sql.

-- A value that differs from the one in `reading` for the same row: kept, never written over it.
create table reading_revision (
    meter_id bigint not null,
    captured_at timestamptz not null,
    profile smallint not null,
    obis bytea not null check (length(obis) = 6),
    value bigint not null,
    scaler smallint not null,
    unit smallint not null,
    status integer not null,
    concentrator_id integer not null,
    incarnation bytea not null,
    sequence bigint not null,
    arrived_at timestamptz not null default now(),
    primary key (meter_id, captured_at, profile, obis, concentrator_id, incarnation, sequence)
);

-- A capture that a meter did not give, and why. A row in `reading` with the same key came later
-- and is what counts.
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
    at timestamptz not null,                    -- by the concentrator's clock, see time_quality
    time_quality smallint not null,
    kind smallint not null,
    meter_id bigint,
    note text not null,
    arrived_at timestamptz not null default now(),
    primary key (concentrator_id, incarnation, sequence)
);
create index on event (arrived_at desc);

-- One row per archive a concentrator ever had. `received` is what was committed (in quarantine
-- included), `lost` what the concentrator said is gone; a sequence number below the highest that
-- is in neither is still to come.
create table archive (
    concentrator_id integer not null references concentrator,
    incarnation bytea not null check (length(incarnation) = 8),
    received int8multirange not null default '{}',
    lost int8multirange not null default '{}',
    first_seen_at timestamptz not null default now(),
    last_batch_at timestamptz,
    primary key (concentrator_id, incarnation)
) with (fillfactor = 70);

-- Why sequence numbers are gone, as the concentrator said it (wum_shared/status.py, LOST).
create table archive_loss (
    concentrator_id integer not null references concentrator,
    incarnation bytea not null,
    first_sequence bigint not null,
    last_sequence bigint not null,
    reason smallint not null,
    note text not null,
    arrived_at timestamptz not null default now(),
    primary key (concentrator_id, incarnation, first_sequence)
);

-- What ingest refused, with its bytes and the reason. Bounded: see ingest/quarantine/entries.py.
-- The same content that comes again is counted, not kept again.
create table quarantine (
    quarantine_id bigint generated always as identity primary key,
    arrived_at timestamptz not null default now(),
    last_arrived_at timestamptz not null default now(),
    times bigint not null default 1,
    concentrator_id integer references concentrator, -- null: nobody's, for it was not genuine
    topic text not null,
    reason text not null,                       -- a short word, ingest/quarantine/entries.py
    detail text not null,                       -- a sentence for a person
    form text not null check (form in ('message', 'batch', 'schema', 'readings', 'missed')),
    content bytea not null,                     -- what form says, see there
    size_bytes integer not null,                -- of what came; content is shorter when it was cut
    digest bytea not null unique                -- of sender, reason and what came
);
create index on quarantine (concentrator_id, quarantine_id);
create index on quarantine (arrived_at);

-- Counters of ingest by day (UTC): stored rows, duplicates, late registers, revisions, replays,
-- and refusals by reason. concentrator_id 0 stands for unknown senders.
create table ingest_count (
    day date not null,
    concentrator_id integer not null,
    what text not null,
    n bigint not null default 0,
    primary key (day, concentrator_id, what)
) with (fillfactor = 70);
