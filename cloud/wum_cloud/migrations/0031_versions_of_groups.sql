-- Which version of which group's settings a configuration was made of.
alter table configuration_version
    add column group_name text,
    add column group_version integer;
