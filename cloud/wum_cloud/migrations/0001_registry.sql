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
    registered_at timestamptz not null default now(),
    last_contact_at timestamptz,                -- any genuine message
    backlog bigint,                             -- records behind, as the concentrator last said
    unique (tenant_id, name)
);

-- Keys of one epoch, sealed with the head-end's own key (registry/keys.py). The downlink counter
-- is moved in the transaction that uses it, so that no nonce is used twice by parallel workers.
create table concentrator_epoch (
    concentrator_id integer not null references concentrator,
    epoch integer not null check (epoch between 0 and 65535),
    sealed_keys bytea not null,
    downlink_counter bigint not null default 0,
    primary key (concentrator_id, epoch)
);

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
    last_captured_at timestamptz,
    last_missed_at timestamptz,
    last_outcome smallint,                      -- of the last missed row (wum_shared/status.py)
    unique (tenant_id, serial)
);
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

-- The registers of one row, in their order: [{"obis", "scaler", "unit", "column"}, ...] where
-- column names a column of `reading`, or "extra[n]" (from 1) for what has no column there.
create table register_set (
    register_set_id integer generated always as identity primary key,
    digest bytea not null unique,
    profile smallint not null,
    registers jsonb not null
);
