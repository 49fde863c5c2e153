-- What deltas build on: the last values that recent batches left behind, deflated, by the digest of
-- the batch. A few rows for each concentrator; whoever finds none asks for a full batch, so the table
-- may be emptied at any time and needs no backup.
create table batch_base (
    concentrator_id integer not null,
    digest bytea not null,
    incarnation bytea not null,
    schema_id bytea not null,
    last_sequence bigint not null,
    made bigint generated always as identity,
    heads bytea not null,
    primary key (concentrator_id, digest)
) with (fillfactor = 70);
-- Deflated already.
alter table batch_base alter column heads set storage external;
