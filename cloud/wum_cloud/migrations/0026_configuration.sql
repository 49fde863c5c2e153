-- What concentrators are configured to be: settings of many, of one, of a meter; and every version
-- that was ever sent. What became of a version its command says (0024_commands).

-- Settings lie over one another: group, concentrator, meter. Names are a group's, a concentrator's
-- id in hexadecimal, a meter's serial.
create table configuration_setting (
    tenant_id smallint not null references tenant,
    scope text not null check (scope in ('group', 'concentrator', 'meter')),
    name text not null,
    settings jsonb not null,                    -- What is not said there is as it is elsewhere.
    version integer not null default 1,
    changed_by text not null,
    changed_at timestamptz not null default now(),
    primary key (tenant_id, scope, name)
);

-- Those of one group share its settings.
alter table concentrator add column configuration_group text;
create index on concentrator (tenant_id, configuration_group)
    where configuration_group is not null;

create table configuration_version (
    concentrator_id integer not null references concentrator,
    number integer not null check (number > 0),
    parts jsonb not null,                       -- As it was sent; it holds no secret.
    digest bytea not null check (length(digest) = 16),
    made_by text not null,
    made_at timestamptz not null default now(),
    reason text not null,
    command_id bigint not null references command,
    primary key (concentrator_id, number)
);
