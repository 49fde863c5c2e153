"""The audit trail's questions to the database. It adds and reads; nothing here changes an entry.

Every function works in the caller's transaction: an act that cannot be kept is not done.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from wum_cloud.audit.acts import REFUSED, Actor, cut
from wum_cloud.audit.chain import START, Entry, Head, hash_of
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
    """Add an entry to the actor's chain. Others wait until this transaction ends."""
    await lock_chain(connection, actor.chain)
    row = await (await connection.execute(
        "select number, hash, clock_timestamp() from audit_head where chain = %s for update",
        [actor.chain])).fetchone()
    assert row is not None
    entry = Entry(
        actor.chain, row[0] + 1, row[2], cut(actor.name), cut(actor.address), act, cut(subject),
        {name: cut(text) for name, text in detail.items()}, bytes(row[1]), b"")
    entry = replace(entry, hash=hash_of(entry))
    await connection.execute(
        ("insert into audit_entry (%s) values (%%s, %%s, %%s, %%s, %%s, %%s, %%s, %%s, %%s, %%s)"
         % _COLUMNS).encode(),
        [entry.chain, entry.number, entry.at, entry.account, entry.address, entry.act,
         entry.subject, Jsonb(entry.detail), entry.previous_hash, entry.hash])
    await connection.execute(
        "update audit_head set number = %s, hash = %s where chain = %s",
        [entry.number, entry.hash, entry.chain])


async def lock_chain(connection: Connection, chain: int) -> None:
    """Let everybody else who adds to this chain wait until this transaction ends."""
    await connection.execute(
        "insert into audit_head (chain, number, hash) values (%s, 0, %s) on conflict do nothing",
        [chain, START])
    await connection.execute(
        "select from audit_head where chain = %s for update", [chain])


async def refused_lately(connection: Connection, actor: Actor, minutes: int) -> list[str]:
    """What was refused to this actor in the last minutes, as far as it is on record."""
    rows = await (await connection.execute(
        "select subject from audit_entry where chain = %(chain)s and act = %(act)s"
        "   and account = %(name)s and at > clock_timestamp() - make_interval(mins => %(mins)s)"
        "   and number > (select max(number) - %(lately)s from audit_entry"
        "                  where chain = %(chain)s)",
        {"chain": actor.chain, "act": REFUSED, "name": cut(actor.name), "mins": minutes,
         "lately": _LATELY})).fetchall()
    return [row[0] for row in rows]


async def search(
        connection: Connection, chain: int, wanted: Search, before: int | None, limit: int,
) -> list[Entry]:
    """Up to `limit` entries of a chain, newest first, numbered below `before`."""
    pattern = None
    if wanted.text:
        literal = wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = "%" + literal + "%"
    async with connection.cursor(row_factory=class_row(Entry)) as cursor:
        await cursor.execute(
            ("select " + _COLUMNS + """ from audit_entry where chain = %(chain)s
                and (%(before)s::bigint is null or number < %(before)s)
                and (%(act)s::text is null or act = %(act)s)
                and (%(since)s::timestamptz is null or at >= %(since)s)
                and (%(to)s::timestamptz is null or at < %(to)s)
                and (%(text)s::text is null or account ilike %(text)s or subject ilike %(text)s
                     or act ilike %(text)s or address ilike %(text)s
                     or detail::text ilike %(text)s)
              order by number desc limit %(limit)s""").encode(),
            {"chain": chain, "before": before, "act": wanted.act, "since": wanted.since,
             "to": wanted.to, "text": pattern, "limit": limit})
        return await cursor.fetchall()


async def entries(connection: Connection, chain: int | None = None) -> AsyncIterator[Entry]:
    """Every entry of a chain, or of all of them, by chain and number."""
    after = (-1, 0)
    while True:
        async with connection.cursor(row_factory=class_row(Entry)) as cursor:
            await cursor.execute(
                ("select " + _COLUMNS + """ from audit_entry
                  where (chain, number) > (%(chain)s, %(number)s)
                    and (%(only)s::smallint is null or chain = %(only)s)
                  order by chain, number limit %(batch)s""").encode(),
                {"chain": after[0], "number": after[1], "only": chain, "batch": _BATCH})
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


async def freeze(connection: Connection) -> None:
    """See one state of the trail until the transaction ends, whatever is added meanwhile."""
    await connection.execute("set transaction isolation level repeatable read, read only")
