-- Roles of permissions, branches of the site tree, second factors; and the audit trail.

-- A site may lie within another: a district in a region, a street in a district.
alter table site add column parent_site_id integer references site;
create index on site (parent_site_id);

-- What a role may do stands in people/permissions.py. A viewer read everything: so does an analyst.
alter table account drop constraint account_role_check;
update account set role = 'analyst' where role = 'viewer';
alter table account add constraint account_role_check check (role in (
    'installer', 'operator', 'dispatcher', 'analyst', 'auditor', 'administrator'));
alter table account
    add column site_id integer references site,     -- The branch it is confined to; null: none.
    add column is_disabled boolean not null default false,
    add column totp_sealed bytea,                   -- Sealed with WUM_KEY_FILE (people/factor.py).
    add column totp_is_confirmed boolean not null default false,
    add column totp_last_step bigint not null default 0;  -- A code is taken once.

-- A token may do what its own role allows, and never more than its account. Those that were made
-- before read through the API: that is what an integrator does.
alter table api_token
    add column role text not null default 'integrator' check (role in (
        'integrator', 'installer', 'operator', 'dispatcher', 'analyst', 'auditor',
        'administrator')),
    add column expires_at timestamptz;

-- Every act of a person, chained: each entry's hash covers the hash before it, so that a row that
-- was changed or taken out shows (audit/chain.py). A chain for each tenant, which can be handed out
-- whole; chain 0 is of acts that are of no tenant, such as tries to sign in as nobody.
create table audit_entry (
    chain smallint not null,
    number bigint not null check (number > 0),
    at timestamptz not null,
    account text not null,                          -- Who did it, as it was called then.
    address text not null,                          -- From where; empty: on the machine itself.
    act text not null,
    subject text not null,
    detail jsonb not null,                          -- Texts by name.
    previous_hash bytea not null check (length(previous_hash) = 32),
    hash bytea not null check (length(hash) = 32),
    primary key (chain, number)
);

-- The end of each chain, so that entries taken off its end show too.
create table audit_head (
    chain smallint primary key,
    number bigint not null,
    hash bytea not null
);

create function audit_is_kept() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is only ever added to';
end $$;
create trigger audit_is_kept before update or delete or truncate on audit_entry
    for each statement execute function audit_is_kept();
