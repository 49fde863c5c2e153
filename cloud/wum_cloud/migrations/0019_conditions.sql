-- How the flash and the clock of each concentrator are, as it says itself (wum_shared/condition.py).

-- The newest of each. `counter` is its message counter: what comes late or twice changes nothing.
create table concentrator_condition (
    concentrator_id integer primary key references concentrator,
    epoch integer not null,
    counter numeric(20) not null,
    told_at timestamptz not null,               -- By the concentrator's clock,
    arrived_at timestamptz not null,            -- and by ours.
    time_quality smallint not null,
    flash smallint not null,                    -- 0 takes records, 1 full, 2 read-only, 3 failing,
    flash_since timestamptz,                    -- by our clock.
    waiting bigint not null,
    given_up bigint not null,
    behind_s bigint not null                    -- The clock, behind its own newest record.
) with (fillfactor = 70);
