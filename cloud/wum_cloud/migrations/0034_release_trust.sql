-- Who signs releases, since the release-trust.json that WUM_RELEASE_TRUST names: documents that root
-- keys signed, each checked against the one before. One is never changed.
create table release_trust (
    tenant_id smallint not null references tenant,
    target text not null,
    number bigint not null check (number between 1 and 4294967295),
    document bytea not null,
    taken_by text not null,
    taken_at timestamptz not null default now(),
    primary key (tenant_id, target, number)
);

-- The number that each concentrator says it holds; 0: it says none that documents follow.
alter table update_standing add column trust bigint not null default 0;

-- Who was ordered to follow up to which number, so that nobody is ordered it every few seconds.
create table release_trust_told (
    concentrator_id integer not null references concentrator,
    target text not null,
    number bigint not null,
    told_at timestamptz not null,
    primary key (concentrator_id, target)
);
