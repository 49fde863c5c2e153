-- What happened within the last day is looked for again and again: health/alarms.
create index on audit_entry (at);
create index on quarantine (last_arrived_at);
