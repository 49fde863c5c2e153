-- Who and what there is: tenants, sites, concentrators and their keys, delivery points, meters.

create table tenant (
    tenant_id smallint generated always as identity primary key,
    name text not null unique
);
insert into tenant (name) values ('default');

create table site (
    site_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    name text not null,
    address text not null default '',
    time_zone text not null default 'UTC',      -- IANA name; readings are stored in UTC
    unique (tenant_id, name)
);

create table concentrator (
    concentrator_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    device_id bytea not null unique check (length(device_id) = 8),
    identity_key bytea not null check (length(identity_key) = 32),
    name text not null,
    site_id integer references site,
    broker_password_hash text not null,         -- as mosquitto keeps it; the password is nowhere
    registered_at timestamptz not null default now(),
    last_contact_at timestamptz,                -- any genuine message
    newest_captured_at timestamptz,             -- newest row or missed row that it delivered
    -- The schema in force is the one of the newest message, not of the last one to arrive: an old
    -- message that is sent again changes nothing.
    schema_id bytea check (length(schema_id) = 8),
    schema_epoch integer,
    schema_counter bigint,
    unique (tenant_id, name)
) with (fillfactor = 70);                       -- Updated with every batch: room for it in place.

-- Keys of one epoch, sealed with the head-end's own key (registry/keys.py). The downlink counter
-- is moved in the transaction that uses it, so that no nonce is used twice by parallel workers.
create table concentrator_epoch (
    concentrator_id integer not null references concentrator,
    epoch integer not null check (epoch between 0 and 65535),
    sealed_keys bytea not null,
    downlink_counter bigint not null default 0,
    uplink_seen int8multirange not null default '{}', -- Message counters of the replay window.
    primary key (concentrator_id, epoch)
) with (fillfactor = 70);

create table delivery_point (
    delivery_point_id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    name text not null,
    site_id integer references site,
    unique (tenant_id, name)
);

create table meter (
    meter_id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    serial text not null,
    model text not null,
    delivery_point_id bigint not null references delivery_point,
    concentrator_id integer not null references concentrator,
    period_s integer not null,                  -- of the schedule in force
    offset_s integer not null,                  -- due when (UTC seconds - offset) mod period = 0
    last_captured_at timestamptz,
    last_missed_at timestamptz,
    last_outcome smallint,                      -- of the last missed row (wum_shared/status.py)
    unique (tenant_id, serial)
) with (fillfactor = 70);
create index on meter (concentrator_id);
create index on meter (delivery_point_id);

-- Every schema a concentrator ever sent, whole; what it names is resolved once into meters and
-- register sets.
create table schema_document (
    concentrator_id integer not null references concentrator,
    schema_id bytea not null check (length(schema_id) = 8),
    document bytea not null,
    valid_from timestamptz not null,
    arrived_at timestamptz not null default now(),
    primary key (concentrator_id, schema_id)
);

-- The registers of one row, in their order:
-- [{"obis": "1-0:1.8.0", "scaler": 0, "unit": 30, "column": "a_plus"}, ...]
-- where column names a column of `reading`, or "extra[n]" (from 1) for what has no column there.
-- Sets that were merged from several rows of one capture time stand here like any other.
create table register_set (
    register_set_id integer generated always as identity primary key,
    digest bytea not null unique,               -- SHA-256 of profile and registers
    profile smallint not null,
    registers jsonb not null
);

-- The register sets that the schema in force gives a meter.
create table meter_register_set (
    meter_id bigint not null references meter,
    register_set_id integer not null references register_set,
    primary key (meter_id, register_set_id)
);
