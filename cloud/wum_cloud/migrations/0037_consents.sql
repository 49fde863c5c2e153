-- Signatures of approvers under commands that go above a concentrator's cap (docs/commands.md), and
-- how many a command wants, by the trust document of when it was asked for.
alter table command add column consents smallint not null default 0 check (consents between 0 and 3);

create table command_consent (
    command_id bigint not null references command,
    approver bytea not null check (length(approver) = 32),   -- Whose key it is.
    signed bytea not null,
    given_by text not null,                          -- The account that handed it in.
    given_at timestamptz not null default now(),
    primary key (command_id, approver)
);

-- Nothing that wants consents is approved without them, whoever asks.
create function check_consents() returns trigger language plpgsql as $$
begin
    if (select count(*) from command_consent where command_id = new.command_id) < new.consents then
        raise exception 'command % wants % consents', new.command_id, new.consents
            using errcode = 'check_violation';
    end if;
    return null;
end $$;
create trigger check_consents after update of state on command
    for each row when (new.state = 'approved' and new.consents > 0)
    execute function check_consents();
