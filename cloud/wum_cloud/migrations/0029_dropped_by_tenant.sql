-- What of a week that was dropped because of its age was whose: nobody reads of others' meters.
create table reading_dropped_tenant (
    dropped_id integer not null references reading_dropped,
    tenant_id smallint not null references tenant,
    readings bigint not null,
    missed bigint not null,
    revisions bigint not null,
    bytes bigint not null,                      -- its share by readings
    primary key (dropped_id, tenant_id)
);
create index on reading_dropped_tenant (tenant_id, dropped_id);
-- What was dropped before is a tenant's where there is but one; of several nobody knows it any more.
insert into reading_dropped_tenant
select dropped_id, (select tenant_id from tenant), readings, missed, revisions, bytes
  from reading_dropped where (select count(*) from tenant) = 1;
