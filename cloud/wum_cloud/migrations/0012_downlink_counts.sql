-- Message counters of the head-end that a restored backup cannot repeat (ingest/downlink.py): the
-- database keeps the lower half, which counts; the upper half is chance of the process that sends.
-- `downlink_counter` was all of it before, below 2^52, and is used no more.
alter table concentrator_epoch add column downlink_count bigint not null default 0;

-- The count after `messages` more: at least the seconds since 2026, so that it goes on rising after
-- a backup was restored. A clock that is far ahead must not use a key up: not beyond 2^31.
create function next_downlink_count(before bigint, messages bigint) returns bigint
    language sql volatile
    as $$ select greatest($1 + $2, least(
        extract(epoch from clock_timestamp())::bigint - 1767225600, 2147483648)) $$;
