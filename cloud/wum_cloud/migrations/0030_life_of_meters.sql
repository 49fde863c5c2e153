-- The life of meters: where each was installed and when, with the readings of its display then; and
-- who added, replaced, moved or archived it, when and why.

-- A meter at a delivery point. `began_at` null: since before anybody said; `ended_at` null: it is
-- there. A meter of which there is no row is where the registry has it, since ever: nothing is
-- written for a meter before somebody acts.
create table installation (
    installation_id bigint generated always as identity primary key,
    meter_id bigint not null references meter,
    delivery_point_id bigint not null references delivery_point,
    began_at timestamptz,
    ended_at timestamptz check (ended_at > began_at)
);
create index on installation (delivery_point_id);
create index on installation (meter_id);
create unique index on installation (meter_id) where ended_at is null;

-- What a person read off the display as a meter came or went: value x 10^scaler in unit.
create table installation_reading (
    installation_id bigint not null references installation,
    is_final boolean not null,                  -- Else the first.
    obis bytea not null check (length(obis) = 6),
    value bigint not null,
    scaler smallint not null,
    unit smallint not null,
    primary key (installation_id, is_final, obis)
);

-- The line of a meter's life. `at` is when it happened there, `said_at` when somebody said so.
create table meter_act (
    meter_act_id bigint generated always as identity primary key,
    meter_id bigint not null references meter,
    act text not null check (act in ('added', 'replaced', 'replaces', 'moved', 'archived')),
    at timestamptz not null,
    said_at timestamptz not null default now(),
    said_by text not null,
    reason text not null check (length(reason) between 5 and 200),
    detail jsonb not null                       -- Texts by name, in their order.
);
create index on meter_act (meter_id, meter_act_id);

-- Concentrators that a meter was moved away from: what they captured of it until then, and deliver
-- late, is this meter's still.
create table meter_stay (
    meter_id bigint not null references meter,
    concentrator_id integer not null references concentrator,
    until timestamptz not null,
    primary key (meter_id, concentrator_id)
);
create index on meter_stay (concentrator_id);

-- As in 0013, with when it was archived.
create or replace view meter_state as
select m.meter_id, m.tenant_id, m.serial, m.model, m.delivery_point_id, m.concentrator_id,
       m.period_s, m.offset_s, m.last_missed_at, m.last_outcome,
       greatest(m.last_captured_at, to_timestamp(nullif(
           c.at_s[(m.meter_id % 64)::integer + 1], 0))) as last_captured_at, m.archived_at
  from meter m left join newest_capture c on c.block = m.meter_id / 64;
