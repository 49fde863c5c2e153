-- Releases that were taken in, what concentrators say they run, and campaigns.

create table release (
    release_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    sequence bigint not null check (sequence between 1 and 4294967295),
    digest bytea not null check (length(digest) = 32),          -- SHA-256 of the content.
    target text not null,
    version text not null,
    commit_id text not null,
    envelope bytea not null,
    content bytea not null,
    chunk_index bytea not null,                     -- Hashes of its pieces.
    bill text not null,                             -- CycloneDX, as it was made with it.
    signers text[] not null,
    threshold smallint not null,
    taken_by text not null,
    taken_at timestamptz not null default now(),
    unique (tenant_id, digest),
    unique (tenant_id, target, sequence)
);
alter table release alter column content set storage external;    -- Compressed, it is sliced slowly.

-- The newest standing of each concentrator: the only truth about what runs. Older ones that come
-- again change nothing: `epoch` and `counter` are those of its message.
create table update_standing (
    concentrator_id integer primary key references concentrator,
    epoch integer not null,
    counter numeric(20) not null,
    assignment bigint not null,
    state smallint not null,
    sequence bigint not null,
    digest bytea not null,
    have integer not null,
    of integer not null,
    nonce bytea not null,
    note text not null,
    told_at timestamptz not null,                   -- By the concentrator's clock,
    arrived_at timestamptz not null,                -- and by ours.
    signed bytea not null
) with (fillfactor = 70);

create table campaign (
    campaign_id integer generated always as identity primary key,
    tenant_id smallint not null references tenant,
    release_id integer not null references release,
    name text not null check (length(name) between 1 and 80),
    reason text not null check (length(reason) between 5 and 200),
    plan jsonb not null,
    state text not null check (state in ('requested', 'running', 'paused', 'done', 'stopped',
        'aborted', 'withdrawn')),
    wave smallint not null default 0,
    waves smallint not null,
    why text not null default '',                   -- What stopped it.
    requested_by text not null,
    requested_at timestamptz not null default now(),
    approved_by text,
    approved_at timestamptz,
    paused_at timestamptz,
    ended_at timestamptz,
    check (approved_by is null or approved_by <> requested_by),
    check (approved_by is not null or state in ('requested', 'withdrawn'))
);
create index on campaign (tenant_id, campaign_id);

-- A snapshot, taken as the campaign was asked for: who comes later is in none of its waves.
create table campaign_member (
    campaign_id integer not null references campaign,
    concentrator_id integer not null references concentrator,
    wave smallint not null,
    place integer not null,
    state text not null default 'waiting' check (state in ('waiting', 'ordered', 'fetching',
        'staged', 'trial', 'confirmed', 'good', 'already there', 'failed', 'going back', 'back',
        'left out')),
    fault text not null default '',
    words text not null default '',
    tries smallint not null default 0,
    due_at timestamptz,
    begins_at timestamptz,
    ends_at timestamptz,
    deadline_at timestamptz,
    ordered_at timestamptz,
    confirmed_at timestamptz,
    judged_at timestamptz,
    home bigint not null default 0,
    home_digest bytea not null default '',
    answered bytea not null default '',
    answered_at timestamptz,
    expected_before integer,
    received_before integer,
    expected_after integer,
    received_after integer,
    command_id bigint references command,           -- The assignment that was given last.
    primary key (campaign_id, concentrator_id)
) with (fillfactor = 70);
create index on campaign_member (concentrator_id);

create table campaign_log (
    campaign_id integer not null references campaign,
    number bigint generated always as identity,
    at timestamptz not null,
    concentrator_id integer references concentrator,
    what text not null,
    words text not null,
    primary key (campaign_id, number)
);
