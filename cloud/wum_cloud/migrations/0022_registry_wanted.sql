-- What people say about meters, beside what concentrators report of them: lines, addresses and
-- schedules, as the registry's file has them (registry/bulk).

-- A line of a concentrator, to which meters are wired (wum_edge/config.py has the same).
create table bus (
    bus_id integer generated always as identity primary key,
    concentrator_id integer not null references concentrator,
    name text not null,
    port text not null,
    baud integer not null default 9600,
    parity text not null default 'N' check (parity in ('N', 'E', 'O')),
    stop_bits smallint not null default 1 check (stop_bits in (1, 2)),
    data_bits smallint not null default 8 check (data_bits in (7, 8)),
    unique (concentrator_id, name)
);

-- How often meters are read; due when (UTC seconds - offset) mod period = 0.
create table schedule (
    schedule_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    name text not null,
    period_s integer not null check (period_s between 1 and 86400),
    offset_s integer not null check (offset_s >= 0 and offset_s < period_s),
    unique (tenant_id, name)
);

-- An address is a number or a text, as the meter's protocol has it. What is null nobody has said.
alter table meter
    add column bus_id integer references bus,
    add column address text,
    add column schedule_id integer references schedule,
    add column archived_at timestamptz;
create index on meter (bus_id) where bus_id is not null;
create index on meter (schedule_id) where schedule_id is not null;

-- A registry file that somebody uploaded, from its dry run to the end of its import. Kept for a week.
create table registry_import (
    registry_import_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    name text not null,
    content bytea not null,                     -- zlib
    uploaded_by text not null,
    uploaded_at timestamptz not null default now(),
    state text not null check (state in ('checked', 'importing', 'imported', 'refused')),
    stage text not null default '',
    done integer not null default 0,            -- Rows, of `total`.
    total integer not null default 0,
    touched_at timestamptz not null default now(),
    report jsonb not null
) with (fillfactor = 70);
create index on registry_import (tenant_id, registry_import_id);
