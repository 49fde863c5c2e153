-- Meshes: which concentrators carry for which (docs/mesh-ports.md), and where each says it stands.

-- Concentrators of one tenant with the same `mesh` may be carried by those of them that `carries`.
alter table concentrator add column mesh text, add column carries boolean not null default false;

-- The newest report of each concentrator. `counter` is its message counter: what comes late or twice
-- changes nothing. Addresses are those of its network; 0: none.
create table mesh_station (
    concentrator_id integer primary key references concentrator,
    network integer not null,
    address integer not null,
    epoch integer not null,
    counter numeric(20) not null,
    reported_at timestamptz not null,           -- By the concentrator's clock,
    arrived_at timestamptz not null,            -- and by ours.
    is_gateway boolean not null,
    gateway integer not null,
    rank integer not null,
    parent integer not null,
    held integer not null,
    used_permille smallint not null,
    every_s integer not null                    -- It reports so often, if all goes well.
) with (fillfactor = 70);
create index on mesh_station (network, address);

-- Its neighbours as of that report (wum_shared/mesh.py): medium 0 radio, 1 wire.
create table mesh_link (
    concentrator_id integer not null references mesh_station on delete cascade,
    address integer not null,
    medium smallint not null,
    quality smallint not null,
    margin_q4 smallint not null,
    heard_at timestamptz not null,
    primary key (concentrator_id, address)
);
