-- Failed sign-ins by the name that was tried as well, whether there is such an account or not: a
-- lock that only real accounts know would tell which names are real.
alter table sign_in_failure add column name text not null default '';
create index on sign_in_failure (name, failed_at);
alter table account drop column failed_sign_ins, drop column locked_until;
create index on session (account_id);
