-- Failed sign-ins by the address they came from, so that no address can try passwords for ever,
-- whichever process of `wum-cloud web` it reaches.
create table sign_in_failure (
    address text not null,
    failed_at timestamptz not null default now()
);
create index on sign_in_failure (address, failed_at);
