-- What concentrators were asked for and what they answered, for people and for the ledger, which says
-- of a reading that it came because it was asked for. `asked` and `answer` are the opened messages;
-- without an answer: nobody heard it, or it was forgotten in a restart. The newest of each
-- concentrator are kept (ingest/gaps/store.py).
create table gap_history (
    concentrator_id integer not null references concentrator,
    number bigint not null,
    asked bytea not null,
    tries integer not null,
    asked_at timestamptz not null,
    answer bytea,
    answered_at timestamptz,
    primary key (concentrator_id, asked_at, number)
);
insert into gap_history (concentrator_id, number, asked, tries, asked_at)
select concentrator_id, number, asked, tries, asked_at from gap_request;

-- What happened on one concentrator, for its page.
create index on event (concentrator_id, arrived_at desc);
