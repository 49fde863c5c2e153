-- How often somebody was refused for want of a permission, by hours. The audit trail keeps one entry
-- of many, so that nobody fills it; an alarm needs the number.
create table refusal_hour (
    account_id integer not null references account on delete cascade,
    hour timestamptz not null,
    n integer not null,
    last_at timestamptz not null,
    primary key (account_id, hour)
);
