"""The audit trail's questions to the database. It adds and reads; nothing here changes an entry.

Every function works in the caller's transaction: an act that cannot be kept is not done.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from wum_cloud.audit.acts import REFUSED, Actor, Named, cut
from wum_cloud.audit.chain import START, Entry, Head, Word, hash_of
from wum_cloud.audit.words import PATTERN, is_pseudonym, new_word, pseudonyms_in, revealed
from wum_cloud.database import Connection

_COLUMNS = "chain, number, at, account, address, act, subject, detail, previous_hash, hash"
_LATELY = 1000  # Of so many entries at the end refusals are looked for.
_BATCH = 1000   # Entries that are in memory at once while all of them are read.


@dataclass(frozen=True, slots=True)
class Search:
    """Which entries: every field that is not None narrows. `text` is looked for in who, whom and
    what, whatever its case; `to` is left out."""

    text: str | None = None
    act: str | None = None
    since: datetime | None = None
    to: datetime | None = None


async def note(connection: Connection, actor: Actor, act: str, subject: str = "", **detail: str,
               ) -> None:
    """Add an entry to the actor's chain. Others wait until this transaction ends.

    The actor's person and whoever is Named stand in it under pseudonyms.
    """
    await lock_chain(connection, actor.chain)
    hidden = await _hidden(connection, actor, {cut(text) for text in (
        Named(actor.person), subject, *detail.values()) if text and isinstance(text, Named)})
    account, address = await _by(connection, actor, hidden)
    row = await (await connection.execute(
        "select number, hash, clock_timestamp() from audit_head where chain = %s for update",
        [actor.chain])).fetchone()
    assert row is not None
    entry = Entry(
        actor.chain, row[0] + 1, row[2], account, address, act,
        hidden.get(cut(subject), cut(subject)),
        {name: hidden.get(cut(text), cut(text)) for name, text in detail.items()},
        bytes(row[1]), b"")
    entry = replace(entry, hash=hash_of(entry))
    await connection.execute(
        ("insert into audit_entry (%s) values (%%s, %%s, %%s, %%s, %%s, %%s, %%s, %%s, %%s, %%s)"
         % _COLUMNS).encode(),
        [entry.chain, entry.number, entry.at, entry.account, entry.address, entry.act,
         entry.subject, Jsonb(entry.detail), entry.previous_hash, entry.hash])
    await connection.execute(
        "update audit_head set number = %s, hash = %s where chain = %s",
        [entry.number, entry.hash, entry.chain])


async def _hidden(connection: Connection, actor: Actor, names: set[str]) -> dict[str, str]:
    """Pseudonyms by name."""
    return {name: name if is_pseudonym(name) else await pseudonym(connection, actor.chain, name)
            for name in sorted(names)}


async def _by(connection: Connection, actor: Actor, hidden: dict[str, str]) -> tuple[str, str]:
    """Who acts and from where, as the entry holds it."""
    name, person, address = cut(actor.name), cut(actor.person), cut(actor.address)
    if not person:
        return name, address
    own = hidden[person]
    return own + name.removeprefix(person), address and await pseudonym(
        connection, actor.chain, address, own)


async def pseudonym(
        connection: Connection, chain: int, text: str, person: str | None = None) -> str:
    """What stands for a name on this chain, or for a word about `person`; made where it is new.

    The chain is locked.
    """
    found = await known_pseudonym(connection, chain, text, person)
    if found is not None:
        return found
    word = new_word(chain, text, person or "")
    await connection.execute(
        "insert into audit_word (chain, pseudonym, person, salt, text) values (%s, %s, %s, %s, %s)",
        [word.chain, word.pseudonym, word.person, word.salt, word.text])
    return word.pseudonym


async def known_pseudonym(
        connection: Connection, chain: int, text: str, person: str | None = None) -> str | None:
    """As `pseudonym`; None where there is none yet."""
    row = await (await connection.execute(
        "select pseudonym from audit_word where chain = %s and text = %s"
        " and person = coalesce(%s, pseudonym)", [chain, text, person])).fetchone()
    return None if row is None else str(row[0])


async def lock_chain(connection: Connection, chain: int) -> None:
    """Let everybody else who adds to this chain wait until this transaction ends."""
    await connection.execute(
        "insert into audit_head (chain, number, hash) values (%s, 0, %s) on conflict do nothing",
        [chain, START])
    await connection.execute(
        "select from audit_head where chain = %s for update", [chain])


async def refused_lately(connection: Connection, actor: Actor, minutes: int) -> list[str]:
    """What was refused to this actor in the last minutes, as far as it is on record."""
    name, person = cut(actor.name), cut(actor.person)
    if person:
        own = await known_pseudonym(connection, actor.chain, person)
        if own is None:
            return []
        name = own + name.removeprefix(person)
    rows = await (await connection.execute(
        "select subject from audit_entry where chain = %(chain)s and act = %(act)s"
        "   and account = %(name)s and at > clock_timestamp() - make_interval(mins => %(mins)s)"
        "   and number > (select max(number) - %(lately)s from audit_entry"
        "                  where chain = %(chain)s)",
        {"chain": actor.chain, "act": REFUSED, "name": name, "mins": minutes,
         "lately": _LATELY})).fetchall()
    return [row[0] for row in rows]


async def search(
        connection: Connection, chain: int, wanted: Search, before: int | None, limit: int,
) -> list[Entry]:
    """Up to `limit` entries of a chain, newest first, numbered below `before`; with the names that
    their pseudonyms stand for."""
    pattern = None
    if wanted.text:
        literal = wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = "%" + literal + "%"
    async with connection.cursor(row_factory=class_row(Entry)) as cursor:
        await cursor.execute(
            ("with meant as materialized (select pseudonym from audit_word"
             "   where chain = %(chain)s and text ilike %(text)s)"
             " select " + _COLUMNS + """ from audit_entry where chain = %(chain)s
                and (%(before)s::bigint is null or number < %(before)s)
                and (%(act)s::text is null or act = %(act)s)
                and (%(since)s::timestamptz is null or at >= %(since)s)
                and (%(to)s::timestamptz is null or at < %(to)s)
                and (%(text)s::text is null
                     or regexp_replace(concat_ws(E'\\n', account, subject, act, address, detail),
                                       %(hidden)s, '', 'g') ilike %(text)s
                     or split_part(account, ' ', 1) in (select pseudonym from meant)
                     or address in (select pseudonym from meant)
                     or subject in (select pseudonym from meant)
                     or exists (select from jsonb_each_text(detail) where value in (
                                select pseudonym from meant)))
              order by number desc limit %(limit)s""").encode(),
            {"chain": chain, "before": before, "act": wanted.act, "since": wanted.since,
             "to": wanted.to, "text": pattern, "limit": limit,
             # What a pseudonym happens to contain was meant by nobody, but for a whole one.
             "hidden": "$^" if is_pseudonym(wanted.text or "") else PATTERN})
        return await with_names(connection, chain, await cursor.fetchall())


async def with_names(connection: Connection, chain: int, found: list[Entry]) -> list[Entry]:
    """The entries with the names that their pseudonyms stand for."""
    wanted = {one for entry in found for one in pseudonyms_in(entry)}
    rows = await (await connection.execute(
        "select pseudonym, text from audit_word where chain = %s and pseudonym = any(%s)",
        [chain, sorted(wanted)])).fetchall() if wanted else []
    return [revealed(entry, dict(rows)) for entry in found]


async def entries(connection: Connection, chain: int | None = None, only: str | None = None,
                  ) -> AsyncIterator[Entry]:
    """Every entry of a chain, or of all of them, by chain and number; or `only` those that hold a
    pseudonym. As they are kept: with pseudonyms."""
    after = (-1, 0)
    while True:
        async with connection.cursor(row_factory=class_row(Entry)) as cursor:
            await cursor.execute(
                ("select " + _COLUMNS + """ from audit_entry
                  where (chain, number) > (%(chain)s, %(number)s)
                    and (%(only)s::smallint is null or chain = %(only)s)
                    and (%(whose)s::text is null
                         or split_part(account, ' ', 1) = %(whose)s or subject = %(whose)s
                         or exists (select from jsonb_each_text(detail) where value = %(whose)s))
                  order by chain, number limit %(batch)s""").encode(),
                {"chain": after[0], "number": after[1], "only": chain, "whose": only,
                 "batch": _BATCH})
            found = await cursor.fetchall()
        for entry in found:
            yield entry
        if len(found) < _BATCH:
            return
        after = (found[-1].chain, found[-1].number)


async def heads(connection: Connection, chain: int | None = None) -> list[Head]:
    """Where the chains end."""
    async with connection.cursor(row_factory=class_row(Head)) as cursor:
        await cursor.execute(
            "select chain, number, hash from audit_head"
            " where %(only)s::smallint is null or chain = %(only)s order by chain",
            {"only": chain})
        return await cursor.fetchall()


async def words(connection: Connection, chain: int | None = None) -> AsyncIterator[Word]:
    """What the pseudonyms of a chain stand for, or of all of them."""
    after = (-1, "")
    while True:
        async with connection.cursor(row_factory=class_row(Word)) as cursor:
            await cursor.execute(
                "select chain, pseudonym, person, salt, text from audit_word"
                " where (chain, pseudonym) > (%(chain)s, %(word)s)"
                "   and (%(only)s::smallint is null or chain = %(only)s)"
                " order by chain, pseudonym limit %(batch)s",
                {"chain": after[0], "word": after[1], "only": chain, "batch": _BATCH})
            found = await cursor.fetchall()
        for word in found:
            yield word
        if len(found) < _BATCH:
            return
        after = (found[-1].chain, found[-1].pseudonym)


async def words_about(connection: Connection, chain: int, person: str) -> dict[str, str]:
    """The words about one person, by their pseudonyms: the name, and where it came from."""
    return dict(await (await connection.execute(
        "select pseudonym, text from audit_word where chain = %s and person = %s",
        [chain, person])).fetchall())


async def forget_words(connection: Connection, chain: int, person: str) -> None:
    """From now on nobody can say who this was, nor from where it came."""
    await connection.execute(
        "delete from audit_word where chain = %s and person = %s", [chain, person])


async def freeze(connection: Connection) -> None:
    """See one state of the trail until the transaction ends, whatever is added meanwhile."""
    await connection.execute("set transaction isolation level repeatable read, read only")
