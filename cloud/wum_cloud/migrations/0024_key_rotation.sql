-- Keys that change without a visit, and are forgotten when they have done their work.

-- Who signs the documents after this one. Secret halves of keys that are good no more are gone.
alter table trust_document add column next_root_key bytea check (length(next_root_key) = 32);
update trust_document set next_root_key = root_key;
alter table trust_document alter column next_root_key set not null,
    alter column uplink_secret_sealed drop not null;

-- A password at the broker that was given with the answer to an opening. It takes the place of the
-- one before as soon as keys of that epoch, or of a later one, are used: then it has arrived.
alter table concentrator add column broker_password_at timestamptz not null default now(),
    add column next_broker_password_hash text,
    add column next_broker_password_sealed bytea,
    add column next_broker_password_epoch integer;
