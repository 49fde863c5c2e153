-- What people ask of concentrators, the orders that were signed for it, and the receipts.

create table command (
    command_id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    concentrator_id integer not null references concentrator,
    meter_id bigint references meter,
    request_id bigint not null,                     -- The same for all that were asked for at once.
    order_id bytea not null unique check (length(order_id) = 8),
    kind smallint not null,
    arguments bytea not null,
    shown text not null,                            -- The arguments, for a person.
    reason text not null check (length(reason) between 5 and 200),
    state text not null check (state in ('requested', 'approved', 'sent', 'received', 'done',
        'failed', 'expired', 'unknown', 'withdrawn')),
    requested_by text not null,
    requested_at timestamptz not null default now(),
    needs_approval boolean not null,
    approved_by text,
    approved_at timestamptz,
    begins_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > begins_at),
    due_at timestamptz not null,                    -- When it is looked at next.
    sent smallint not null default 0,               -- How often,
    signed smallint not null default 0,             -- and under how many numbers.
    is_again boolean not null default false,        -- Its newest order was not taken: sign anew.
    told text not null default '',                  -- What the concentrator said last, in words.
    content bytea,                                  -- What it gave back.
    ended_at timestamptz,
    check (approved_by is null or approved_by <> requested_by),
    check (not needs_approval or approved_by is not null
           or state in ('requested', 'expired', 'withdrawn'))
) with (fillfactor = 70);
create index on command (due_at) where state in ('requested', 'approved', 'sent', 'received', 'unknown');
create index on command (tenant_id, command_id);
create index on command (request_id);
create sequence command_request;

-- Every order as it was signed: a command that had to be given again has several, one act.
create table command_order (
    digest bytea primary key check (length(digest) = 16),
    command_id bigint not null references command,
    sequence bigint not null unique,
    signed bytea not null,
    made_at timestamptz not null default now()
);
create index on command_order (command_id);

-- What the concentrator signed about it.
create table command_receipt (
    command_id bigint not null references command,
    number smallint not null,
    state smallint not null,
    signed bytea not null,
    received_at timestamptz not null default now(),
    primary key (command_id, number)
);

-- The numbers of orders rise, also where a backup was put back: they are never behind the time.
create table order_count (last bigint not null);
insert into order_count values (0);
create function next_order_sequence() returns bigint language sql volatile as $$
    update order_count set last = greatest(
        last + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint) returning last $$;

-- What makes an order good whatever a concentrator's clock shows, for some minutes.
create table order_challenge (
    concentrator_id integer primary key references concentrator,
    challenge bytea not null check (length(challenge) = 8),
    given_at timestamptz not null default now()
);
