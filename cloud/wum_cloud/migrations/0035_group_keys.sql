-- Whom its groups were told with keys that it had forgotten: the epoch that it has instead.
alter table command_group_notice add column epoch integer;
