-- Readings as wide rows of scaled integers, on any PostgreSQL: partitions of seven days, made by
-- ingest before it needs them. Scalers and units stand in register_set. One identity of a row:
-- (meter, capture time, profile). meter_id stands in every key, so that the table can be spread
-- over machines one day. Column by OBIS code: registry/quantities.py.
create table reading (
    meter_id bigint not null,
    captured_at timestamptz not null,
    profile smallint not null,
    register_set_id integer not null,
    time_quality smallint not null,
    statuses integer[],                         -- by place in the register set; null: all 0
    a_plus bigint, a_minus bigint, r_plus bigint, r_minus bigint,
    u_l1 bigint, u_l2 bigint, u_l3 bigint,
    i_l1 bigint, i_l2 bigint, i_l3 bigint,
    p bigint, q bigint, pf bigint, f bigint,
    p_l1 bigint, p_l2 bigint, p_l3 bigint,
    extra bigint[],
    primary key (meter_id, captured_at, profile)
) partition by range (captured_at);
