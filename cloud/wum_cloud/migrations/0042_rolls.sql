-- One assignment for many stations of a mesh (docs/campaigns.md): flooded about, and gathered by its
-- digest. Each station's command has the one signed order, as the members of a group have;
-- what it says to whom is proven by the roll, which is kept with it.

create table update_roll (
    tenant_id smallint not null references tenant,
    digest bytea not null check (length(digest) = 32),
    network integer not null,
    sequence bigint not null,                       -- Of the order that names it.
    members integer not null,
    body bytea not null,
    made_at timestamptz not null default now(),
    primary key (tenant_id, digest)
);
