-- What processes tell of themselves, for whoever watches the head-end; and when it was backed up.

-- Worth nothing after a crash, so it costs no write-ahead log. See figures/store.py.
create unlogged table process_figure (
    kind text not null,
    place smallint not null,
    owner bytea not null,
    told_at timestamptz not null default now(),
    figures text not null default '[]',
    primary key (kind, place)
) with (fillfactor = 50);

create table backup_made (
    made_at timestamptz primary key default now(),
    size_bytes bigint not null
);

-- How old a concentrator's keys are. Of those that were opened before, only that they are older.
alter table concentrator_epoch add column opened_at timestamptz not null default now();
