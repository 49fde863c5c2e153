-- The ledger: what should have come for each meter and local day, what did and when, and why the
-- rest did not. Summaries are made by ledger/store.py from `reading` and `missed`; they can always
-- be made again (docs/adr/0014-the-ledger-is-counted-again.md).

-- When a row was stored. Null for rows from before this migration: nobody knows.
alter table reading add column arrived_at timestamptz;
alter table reading alter column arrived_at set default now();

-- The schedules a meter ever had, as the schema messages of its concentrators say. In force from
-- `valid_from` until the next one. period_s null: no longer read by this concentrator.
create table meter_schedule (
    meter_id bigint not null,
    valid_from timestamptz not null,
    concentrator_id integer not null,
    period_s integer check (period_s > 0),
    offset_s integer not null,
    primary key (meter_id, valid_from)
);
insert into meter_schedule (meter_id, valid_from, concentrator_id, period_s, offset_s)
select m.meter_id, coalesce(least(
           (select min(captured_at) from reading r where r.meter_id = m.meter_id),
           (select min(captured_at) from missed i where i.meter_id = m.meter_id)), now()),
       m.concentrator_id, m.period_s, m.offset_s
  from meter m;

-- What a committed transaction changed and the summaries do not know yet: hours (UTC seconds / 3600)
-- of which something came, or everything since a moment, for a schedule that changed.
create table ledger_mark (
    mark_id bigint generated always as identity primary key,
    concentrator_id integer not null,
    hours integer[] not null default '{}',
    since timestamptz
);

-- Until when a concentrator's days are counted: time alone makes intervals due, too.
create table ledger_state (
    concentrator_id integer primary key,
    computed_until timestamptz not null,
    time_zone text not null
) with (fillfactor = 70);
create index on ledger_state (computed_until);

-- One meter and local day of its site. `by_six`: stored by 06:00 of the next day. The reasons add
-- up to `missing`; `missing_from` is where the first missing interval begins.
create table ledger_day (
    meter_id bigint not null,
    day date not null,
    tenant_id smallint not null,
    concentrator_id integer not null,
    expected integer not null,
    received integer not null,
    late integer not null,
    by_six integer not null,
    silent integer not null,
    damaged integer not null,
    exception integer not null,
    not_tried integer not null,
    unreachable integer not null,
    awaited integer not null,
    archive_gap integer not null,
    refused integer not null,
    unexplained integer not null,
    missing integer not null generated always as (expected - received) stored,
    missing_from timestamptz,
    primary key (meter_id, day)
) with (fillfactor = 80);
create index on ledger_day (concentrator_id, day);
create index on ledger_day (tenant_id, day, missing, meter_id) where missing > 0;

-- The same, added up by concentrator and by tenant.
create table ledger_concentrator_day (
    concentrator_id integer not null,
    day date not null,
    tenant_id smallint not null,
    meters integer not null,
    expected bigint not null,
    received bigint not null,
    late bigint not null,
    by_six bigint not null,
    silent bigint not null,
    damaged bigint not null,
    exception bigint not null,
    not_tried bigint not null,
    unreachable bigint not null,
    awaited bigint not null,
    archive_gap bigint not null,
    refused bigint not null,
    unexplained bigint not null,
    missing bigint not null generated always as (expected - received) stored,
    primary key (concentrator_id, day)
) with (fillfactor = 70);
create index on ledger_concentrator_day (tenant_id, day, missing, concentrator_id);

create table ledger_tenant_day (
    tenant_id smallint not null,
    day date not null,
    meters integer not null,
    expected bigint not null,
    received bigint not null,
    late bigint not null,
    by_six bigint not null,
    silent bigint not null,
    damaged bigint not null,
    exception bigint not null,
    not_tried bigint not null,
    unreachable bigint not null,
    awaited bigint not null,
    archive_gap bigint not null,
    refused bigint not null,
    unexplained bigint not null,
    missing bigint not null generated always as (expected - received) stored,
    primary key (tenant_id, day)
) with (fillfactor = 50);
create index on concentrator (site_id);
