-- The newest capture time of each meter, 64 meters to a row: where every row of `meter` was updated
-- every hour, a batch of 64 meters now changes one or two short rows and no index.

-- Of meters 64 * block .. 64 * block + 63: UTC seconds, 0: none since this migration. Only ever
-- raised, in the transaction that stores the rows.
create table newest_capture (
    block bigint primary key,
    at_s bigint[] not null check (cardinality(at_s) = 64)
) with (fillfactor = 45);

-- What is asked of meters. The column says what was known before, and what a worker of the release
-- before this one writes while it still runs.
create view meter_state as
select m.meter_id, m.tenant_id, m.serial, m.model, m.delivery_point_id, m.concentrator_id,
       m.period_s, m.offset_s, m.last_missed_at, m.last_outcome,
       greatest(m.last_captured_at, to_timestamp(nullif(
           c.at_s[(m.meter_id % 64)::integer + 1], 0))) as last_captured_at
  from meter m left join newest_capture c on c.block = m.meter_id / 64;
