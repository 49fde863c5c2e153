-- Keys of meshes' networks that the head-end has made (docs/network-keys.md), for a mesh in one
-- network after the other. `ending_at`: since then stations are told that it is the only one.
-- `sealed_key` is gone once there is a newer one.
create table network_key (
    network_key_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    mesh text not null,
    network integer not null,
    epoch bigint not null,
    sealed_key bytea,
    begun_at timestamptz not null default now(),
    begun_by text not null,
    ending_at timestamptz,
    ended_by text,
    unique (tenant_id, mesh, epoch)
);
create unique index on network_key (tenant_id, mesh) where ending_at is null;

-- What each station was told by which order, when it is told next, and what it has said it holds.
create table network_key_station (
    network_key_id integer not null references network_key on delete cascade,
    concentrator_id integer not null references concentrator,
    due_at timestamptz,
    epoch integer,                                  -- Of its own keys, where not the newest.
    command_id bigint references command,
    is_told_only boolean not null default false,
    has_it_at timestamptz,
    is_only_at timestamptz,
    primary key (network_key_id, concentrator_id)
);
create index on network_key_station (command_id);
