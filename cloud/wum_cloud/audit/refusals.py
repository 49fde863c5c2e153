"""Refusals on the audit trail: who asked for what without the right to it.

Bounded: whoever asks again and again adds no entry for each, or the trail would be his to fill.
What is left out of the trail stands in the log. Left out: who may do what (web/rights.py).
"""

from wum_cloud.audit import acts, store
from wum_cloud.audit.acts import Actor
from wum_cloud.database import Connection

EACH_MINUTES = 15       # The same account and address of the API or console: one entry in so many;
REFUSALS_MAX = 20       # of one account altogether not more than these.


async def note_refusal(
        connection: Connection, actor: Actor, asked: str, permission: str, why: str) -> bool:
    """Add an entry, unless there is one, or there are too many; whether it was added."""
    if _is_enough(await store.refused_lately(connection, actor, EACH_MINUTES), asked):
        return False    # Whoever floods holds up nobody who acts.
    await store.lock_chain(connection, actor.chain)
    lately = await store.refused_lately(connection, actor, EACH_MINUTES)
    if _is_enough(lately, asked):
        return False
    more = {"more": "the next ones of %d minutes are in the log alone" % EACH_MINUTES} if (
        len(lately) + 1 == REFUSALS_MAX) else {}
    await store.note(
        connection, actor, acts.REFUSED, asked, permission=permission, why=why, **more)
    return True


def _is_enough(lately: list[str], asked: str) -> bool:
    return asked in lately or len(lately) >= REFUSALS_MAX
