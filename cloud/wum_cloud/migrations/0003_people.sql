-- Operators, their sessions, and tokens of other systems. No default account is ever made here:
-- the first start of `wum-cloud web` makes one with a random password and prints it once.

create table account (
    account_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    name text not null unique,
    password_hash text not null,                -- Argon2id
    role text not null check (role in ('administrator', 'operator', 'viewer')),
    created_at timestamptz not null default now(),
    failed_sign_ins smallint not null default 0,
    locked_until timestamptz
);

create table session (
    token_hash bytea primary key,               -- SHA-256: the token itself is only in the cookie
    account_id integer not null references account,
    csrf_token text not null,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now()
);

create table api_token (
    token_hash bytea primary key,
    account_id integer not null references account,
    name text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
);
