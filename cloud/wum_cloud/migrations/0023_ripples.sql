-- Orders to groups of a mesh (docs/mesh-ports.md): flooded by a gateway, whichever is there.

alter table mesh_station add column groups smallint[] not null default '{}';

-- `ripple_id` is the order's number on the air. `expected`: addresses of the stations that reported to
-- be of the group when it was ordered.
create table ripple (
    ripple_id integer generated always as identity primary key,
    tenant_id integer not null references tenant,
    network integer not null,
    group_number smallint,                      -- Null: everybody.
    execute_at timestamptz,                     -- Null: each when it comes.
    until timestamptz not null,                 -- Not flooded any more from then on.
    payload bytea not null,
    expected integer[] not null,
    ordered_at timestamptz not null default now(),
    ordered_by text not null
);
create index on ripple (tenant_id, ripple_id);
create index on ripple (until);

-- Each gateway that was asked to flood it, or that heard of it; what it says of it, and who has it.
create table ripple_gateway (
    ripple_id integer not null references ripple on delete cascade,
    concentrator_id integer not null references concentrator,
    asked_at timestamptz,
    outcome smallint,                           -- wum_shared/ripple.py; null: nothing was heard.
    told_at timestamptz,
    members integer[] not null default '{}',
    primary key (ripple_id, concentrator_id)
);
