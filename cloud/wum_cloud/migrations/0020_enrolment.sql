-- How concentrators are let in: trust documents, claims, and who was sent away again.

-- What the root signed. The newest is the one in force; keys that were opened under an older one go
-- on. The head-end's half is sealed with WUM_KEY_FILE, and the root's own key stands in no database.
create table trust_document (
    number integer primary key check (number > 0),
    signed bytea not null,
    digest bytea not null unique,                   -- SHA-256 of `signed`
    root_key bytea not null check (length(root_key) = 32),
    uplink_secret_sealed bytea not null,
    made_at timestamptz not null default now()
);

-- A claim code that an operator typed in, as the secrets that follow from it, never as the code.
-- They are forgotten when it is burned.
create table claim (
    claim_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    name bytea not null unique check (length(name) = 8),  -- The user at the broker until then.
    secrets_sealed bytea,
    broker_hash text,
    concentrator_name text not null,
    site_id integer references site,
    made_by text not null,
    made_at timestamptz not null default now(),
    ends_at timestamptz not null,
    grants smallint not null default 0,
    identity_key bytea check (length(identity_key) = 32),  -- Who used it first; nobody else may.
    password_sealed bytea,
    burned_at timestamptz
);
create index on claim (tenant_id, claim_id);

-- A concentrator that was sent away: neither the broker nor ingest takes anything of it.
alter table concentrator add column revoked_at timestamptz;
