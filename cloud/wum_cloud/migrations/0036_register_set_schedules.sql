-- Register sets of one meter may each have a schedule of their own: energies every 15 minutes,
-- voltages every hour.

-- A meter's schedules that are in force since the same moment, one for each `part`, with the sets
-- that are due by it. Together they hold until the next moment.
alter table meter_schedule add column part smallint not null default 0,
    drop constraint meter_schedule_pkey,
    add primary key (meter_id, valid_from, part);

-- By which schedule a set of a meter is read now; null: by none, a meter kept it by its own clock.
alter table meter_register_set add column period_s integer, add column offset_s integer;
update meter_register_set x set period_s = m.period_s, offset_s = m.offset_s
  from meter m, register_set s
 where m.meter_id = x.meter_id and s.register_set_id = x.register_set_id and s.profile = 0;

-- Which sets of the meter gave nothing; null: all that were due.
alter table missed add column register_sets integer[];

-- In the registry a schedule may say of which registers it is, as codes like 32.7.0 or *.8.*, and
-- one may have others as its parts: those registers are read by them, the rest by itself.
alter table schedule add column registers text not null default '';
create table schedule_part (
    schedule_id integer not null references schedule on delete cascade,
    part_id integer not null references schedule,
    place smallint not null,                    -- A register that two have is the first one's.
    primary key (schedule_id, part_id)
);
create index on schedule_part (part_id);
