-- Readings as wide rows of scaled integers, as a hypertable of seven-day chunks: the same columns
-- and the same key as in 0004_reading.plain.sql.
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
);
select create_hypertable('reading', by_range('captured_at', interval '7 days'));

-- Compressed only after the 45 days for which a concentrator may still deliver: late rows into
-- compressed chunks are slow and bloat them. The Apache edition has no columnstore, and the
-- schema works without it, less compactly.
do $$
begin
    alter table reading set (
        timescaledb.compress, timescaledb.compress_segmentby = 'meter_id',
        timescaledb.compress_orderby = 'captured_at, profile');
    perform add_compression_policy('reading', interval '52 days');
exception
    when feature_not_supported then
        raise notice 'this edition of TimescaleDB does not compress; readings stay as they are';
end
$$;
