"""What is kept about an account: given out whole, and forgotten (GDPR, articles 15 and 17).

An account that is forgotten leaves its pseudonym wherever its name stood: what was done, when and
whose second consent it had stays true, and the audit trail stays whole. Left out: consumers, of
whom there are none yet, texts that people typed, backups and logs (docs/people.md).
"""

import json
from collections.abc import AsyncIterator
from datetime import datetime

from wum_cloud.audit import acts
from wum_cloud.audit import store as audit
from wum_cloud.audit.acts import Actor, Named
from wum_cloud.audit.chain import Entry
from wum_cloud.audit.words import revealed
from wum_cloud.database import Connection
from wum_cloud.people.accounts import PeopleRefused
from wum_cloud.people.members import store as members
from wum_cloud.people.personal import store


async def note_export(connection: Connection, tenant: int, actor: Actor, name: str) -> None:
    """Put on record that somebody is given what is kept about `name`. Raises PeopleRefused."""
    await _known(connection, tenant, name)
    await audit.note(connection, actor, acts.DATA_EXPORTED, Named(name))


async def lines_about(connection: Connection, tenant: int, name: str) -> AsyncIterator[str]:
    """All that is kept about the account, a line of JSON each: the account first, without its
    secrets, and every act by it or on it. Others stand in it by their pseudonyms.

    One state of the database, whatever happens meanwhile. Raises PeopleRefused.
    """
    await audit.freeze(connection)
    found = await _known(connection, tenant, name)
    yield _line("account", name=found.name, role=found.role, branch=found.branch,
                is_disabled=found.is_disabled, has_second_factor=found.has_second_factor,
                created_at=found.created_at)
    for kind, row in await store.belongings(connection, found.account_id, name):
        yield _line(kind, **row)
    for place, count in await store.places(connection, name):
        yield _line("name stands in", place=place, times=count)
    own = await audit.known_pseudonym(connection, tenant, name)
    if own is None:
        return
    words = await audit.words_about(connection, tenant, own)
    async for entry in audit.entries(connection, tenant, only=own):
        yield _act(revealed(entry, words))


def _act(entry: Entry) -> str:
    return _line("act", number=entry.number, at=entry.at, account=entry.account,
                 address=entry.address, act=entry.act, subject=entry.subject, detail=entry.detail)


def _line(kind: str, **fields: object) -> str:
    said = {name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in fields.items()}
    return json.dumps({"what": kind, **said}, ensure_ascii=False) + "\n"


async def forget(
        connection: Connection, tenant: int, actor: Actor, name: str, own_id: int | None = None,
) -> str:
    """Take away the account and its name, for ever; returns the pseudonym that stays.

    Raises PeopleRefused: for one's own account (`own_id`), and for one that is not disabled.
    """
    found = await _known(connection, tenant, name)
    if found.account_id == own_id:
        raise PeopleRefused("Nobody forgets the own account: ask another one.")
    if not found.is_disabled:
        raise PeopleRefused("Disable %s first: what is forgotten does not come back." % name)
    await audit.lock_chain(connection, tenant)
    own = await audit.pseudonym(connection, tenant, name)
    places = await store.rename(connection, name, own)
    await store.remove(connection, found.account_id, name)
    await audit.forget_words(connection, tenant, own)
    await audit.note(connection, actor, acts.ACCOUNT_FORGOTTEN, own, renamed=str(places))
    return own


async def _known(connection: Connection, tenant: int, name: str) -> members.Member:
    found = await members.member(connection, tenant, name)
    if found is None:
        raise PeopleRefused("There is no account called %s." % name)
    return found
