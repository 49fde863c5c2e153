-- Names on the audit trail. An entry holds a pseudonym for whoever acts and from where, whose name
-- stands here: taken away here, the person is forgotten, and no entry has to be touched. Entries
-- that were written before this table hold the names themselves.
create table audit_word (
    chain smallint not null,
    pseudonym text not null,            -- Of salt and text (audit/words.py): no other text fits it.
    person text not null,               -- The pseudonym of the account that this is about.
    salt bytea not null check (length(salt) = 16),
    text text not null,                 -- The account's name, or an address that it came from.
    primary key (chain, pseudonym),
    unique (chain, person, text)
);
create unique index on audit_word (chain, text) where person = pseudonym;
