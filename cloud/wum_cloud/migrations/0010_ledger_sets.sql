-- The ledger by register set, and its reasons by sequence number. Summaries are made again from the
-- readings (docs/adr/0014-the-ledger-is-counted-again.md), so the tables are laid anew and empty.

-- Which codes a set has: a row holds a set when it has all of them.
alter table register_set add column codes jsonb not null
    generated always as (jsonb_path_query_array(registers, '$[*].obis')) stored;

-- The sets that are due by the schedule, those of profile 0: other profiles are what a meter kept
-- by its own clock, and no schedule speaks of them.
alter table meter_schedule add column register_sets integer[] not null default '{}';
update meter_schedule x set register_sets = array(
    select r.register_set_id from meter_register_set r join register_set s using (register_set_id)
     where r.meter_id = x.meter_id and s.profile = 0 order by 1)
 where period_s is not null;

-- Whose meters were another concentrator's before.
create index on meter_schedule (concentrator_id);

-- Batches that came: between which capture times a range of sequence numbers lies stands in the
-- batches around it. Capture times are those of the first and last row or missed row of profile 0,
-- by sequence; null where it held none. Kept for 60 days: no archive on a concentrator is longer.
create table batch_arrival (
    concentrator_id integer not null,
    incarnation bytea not null,
    first_sequence bigint not null,
    last_sequence bigint not null,
    first_captured_at timestamptz,
    last_captured_at timestamptz,
    arrived_at timestamptz not null default now(),
    primary key (concentrator_id, incarnation, last_sequence, first_sequence)
);

-- Why intervals are missing, as somebody said it: the one place for all who know a reason (losses
-- of an archive stand in archive_loss, and are read with it). Of `meter_ids`, null: of all meters
-- of the concentrator. Captured between `after_at` and `before_at`; where one is null, the batches
-- around the sequence numbers tell. `reason` is a name of reasons/names.py.
create table reason_told (
    reason_id bigint generated always as identity primary key,
    concentrator_id integer not null,
    meter_ids bigint[],
    incarnation bytea,
    first_sequence bigint,
    last_sequence bigint,
    after_at timestamptz,
    before_at timestamptz,
    reason text not null,
    note text not null default '',
    digest bytea not null unique,               -- Of all the above: what is said again is kept once.
    told_at timestamptz not null default now(),
    check (after_at is not null and before_at is not null
           or incarnation is not null and first_sequence <= last_sequence)
);
create index on reason_told (concentrator_id, told_at);

drop table ledger_day, ledger_concentrator_day, ledger_tenant_day;
delete from ledger_state;

-- Intervals of a local day: expected, what became of them, and why the others are missing.
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
    never_read bigint not null,
    unreachable bigint not null,
    awaited bigint not null,
    archive_gap bigint not null,
    dropped bigint not null,
    refused bigint not null,
    unexplained bigint not null,
    missing bigint not null generated always as (expected - received) stored,
    primary key (tenant_id, day)
) with (fillfactor = 50);

-- The same by register set, by concentrator, and by both. An interval of a meter with two sets is
-- two: one for each.
create table ledger_tenant_set_day (
    register_set_id integer not null,
    like ledger_tenant_day including generated,
    primary key (tenant_id, register_set_id, day)
) with (fillfactor = 50);
create table ledger_concentrator_day (
    concentrator_id integer not null,
    like ledger_tenant_day including generated,
    primary key (concentrator_id, day)
) with (fillfactor = 70);
create index on ledger_concentrator_day (tenant_id, day, missing, concentrator_id);
create table ledger_concentrator_set_day (
    concentrator_id integer not null,
    register_set_id integer not null,
    like ledger_tenant_day including generated,
    primary key (concentrator_id, day, register_set_id)
) with (fillfactor = 70);
create index on ledger_concentrator_set_day
    (tenant_id, register_set_id, day, missing, concentrator_id);

-- One meter, register set and local day of its site. `by_six`: stored by 06:00 of the next day. The
-- reasons add up to `missing`; `missing_from` is where the first missing interval begins.
create table ledger_day (
    meter_id bigint not null,
    day date not null,
    register_set_id integer not null,
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
    never_read integer not null,
    unreachable integer not null,
    awaited integer not null,
    archive_gap integer not null,
    dropped integer not null,
    refused integer not null,
    unexplained integer not null,
    missing integer not null generated always as (expected - received) stored,
    missing_from timestamptz,
    primary key (meter_id, day, register_set_id)
) with (fillfactor = 80);
create index on ledger_day (concentrator_id, day);
create index on ledger_day (tenant_id, day, missing, meter_id, register_set_id)
    where missing > 0;
create index on ledger_day (tenant_id, register_set_id, day, missing, meter_id)
    where missing > 0;
