-- Groups of meters that are ordered about together (docs/commands.md). An order to a group is one act
-- and one signed order of many commands: one for each meter.

create table command_group (
    group_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    name text not null check (length(name) between 1 and 64),
    address bytea not null unique check (length(address) = 8),  -- Whom orders to it are for.
    mesh text,                                      -- By which it is flooded, and
    number smallint check (number between 0 and 255),           -- what stations call it there.
    version integer not null default 1 check (version between 1 and 65535),
    sealed_key bytea,                               -- Of this version; null: none was made yet.
    changed_at timestamptz not null default now(),
    unique (tenant_id, name),
    check (number is null or mesh is not null)
);
create unique index on command_group (tenant_id, mesh, number);

create table command_group_meter (
    group_id integer not null references command_group on delete cascade,
    meter_id bigint not null references meter on delete cascade,
    primary key (group_id, meter_id)
);
create index on command_group_meter (meter_id);

-- What a concentrator is to be told of its groups: `command_id` is the order that tells the newest.
create table command_group_notice (
    concentrator_id integer primary key references concentrator,
    due_at timestamptz,                             -- Null: it is told.
    command_id bigint references command
);
create index on command_group_notice (due_at) where due_at is not null;

-- Which version each concentrator has; `is_confirmed` under its signature.
create table command_group_member (
    group_id integer not null references command_group on delete cascade,
    concentrator_id integer not null references concentrator,
    version integer not null,
    command_id bigint not null references command,
    is_confirmed boolean not null default false,
    primary key (group_id, concentrator_id, command_id)
);
create index on command_group_member (command_id);

-- The id of an act is the number of its first order, so it is given when it is first sent.
alter table command
    add column is_numbered boolean not null default true,
    add column group_id integer references command_group on delete set null,
    add column to_group bytea check (length(to_group) = 10),    -- Sent to the group, in this version.
    drop constraint command_order_id_key;
create index on command (order_id, concentrator_id);
alter table command alter column is_numbered set default false;
create index on command (due_at) where state = 'approved' and not is_numbered;
alter table command_order
    drop constraint command_order_pkey,
    drop constraint command_order_sequence_key,
    add column to_group boolean not null default false,
    add primary key (command_id, digest);
create index on command_order (digest);

-- A meter that goes behind another concentrator: both are to be told, in a version of its own.
create function tell_command_groups() returns trigger language plpgsql as $$
begin
    update command_group g set version = version + 1, sealed_key = null, changed_at = now()
      from command_group_meter x where x.group_id = g.group_id and x.meter_id = new.meter_id;
    insert into command_group_notice (concentrator_id, due_at)
        select distinct m.concentrator_id, now()
          from command_group_meter x join command_group_meter y using (group_id)
          join meter m on m.meter_id = y.meter_id
         where x.meter_id = new.meter_id and m.concentrator_id is not null
        union
        select old.concentrator_id, now() from command_group_meter x
         where x.meter_id = new.meter_id and old.concentrator_id is not null
        on conflict (concentrator_id) do update set due_at = now();
    return null;
end $$;
create trigger tell_command_groups after update of concentrator_id on meter
    for each row when (old.concentrator_id is distinct from new.concentrator_id)
    execute function tell_command_groups();

-- Sessions with meters: every piece that went either way, as it was signed.
create table session_piece (
    command_id bigint not null references command,
    direction text not null check (direction in ('up', 'down')),
    number integer not null check (number > 0),
    at timestamptz not null default now(),
    data bytea not null,
    signed bytea not null,
    primary key (command_id, direction, number)
);
