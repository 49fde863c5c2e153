"""Taking documents of root keys in, what they make of whom is trusted, and telling them on.

What WUM_RELEASE_TRUST names is where every chain begins: no page and no endpoint changes that, and
what comes after it counts because root keys signed it. Left out: SQL (store.py).
"""

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.campaigns.plan import PlanRefused
from wum_cloud.campaigns.releases.trust import Trust, trust_of
from wum_cloud.campaigns.succession import store
from wum_cloud.campaigns.succession.store import Kept
from wum_cloud.database import Connection
from wum_cloud.registry.cipher import SodiumVerifier
from wum_shared import release_trust, updates
from wum_shared.errors import WireError
from wum_shared.updates import Succession

DOCUMENT_MAX = release_trust.DOCUMENT_BYTES_MAX


async def in_force(connection: Connection, tenant: int, first: list[Trust]) -> list[Trust]:
    """Whose releases are taken in now. Raises PlanRefused."""
    kept = await store.kept(connection, tenant)
    return [_after(one, kept) for one in first]


async def take(connection: Connection, tenant: int, actor: Actor, first: list[Trust],
               raw: bytes) -> tuple[Trust, bool]:
    """(whose releases are taken in now, whether this document is new). Raises PlanRefused."""
    try:
        document = release_trust.decode(raw)
    except WireError as error:
        raise PlanRefused("This is no rotation of release keys: %s." % error) from error
    begun = [one for one in first if one.device_class == document.trust.device_class]
    if not begun:
        raise PlanRefused("Nobody is trusted here to sign for such devices: WUM_RELEASE_TRUST has "
                          "%s." % ", ".join([one.target for one in first]))
    await store.locked(connection, tenant)
    kept = await store.kept(connection, tenant)
    before = _after(begun[0], kept)
    number = document.trust.number
    for one in kept:
        if (one.target, one.number) == (before.target, number):
            if one.document != raw:
                raise PlanRefused("There is another document %d for %s already: a number is used "
                                  "once." % (number, before.target))
            return before, False
    if number <= before.document.number:
        raise PlanRefused("Document %d comes before what holds here, document %d." % (
            number, before.document.number))
    after = _followed(before, [raw])
    await store.add(connection, tenant, after.target, number, raw, actor.name)
    await note(connection, actor, acts.RELEASE_KEYS_ROTATED, "release keys %d" % number,
               target=after.target, signers=", ".join(sorted(after.names.values())),
               threshold=str(after.threshold),
               gone=", ".join(sorted(set(before.names.values()) - set(after.names.values()))))
    return after, True


async def tell(connection: Connection) -> int:
    """Order those who are behind to follow; how many."""
    found = await store.behind(connection)
    for one in found:
        documents: list[bytes] = []
        number, by = one.number, ""
        for number_of, document, taken_by in await store.after(
                connection, one, updates.DOCUMENTS_MAX):
            if sum(map(len, documents)) + len(document) > updates.DEMAND_BYTES_MAX - 64:
                break
            documents.append(bytes(document))
            number, by = number_of, taken_by
        await store.tell(connection, one, number, updates.encode_demand(
            Succession(tuple(documents))), by)
    return len(found)


def _after(first: Trust, kept: list[Kept]) -> Trust:
    return _followed(first, [one.document for one in kept if one.target == first.target])


def _followed(first: Trust, documents: list[bytes]) -> Trust:
    try:
        return trust_of(first.target, release_trust.follow(
            SodiumVerifier(), first.document, documents))
    except WireError as error:
        raise PlanRefused("The rotation of release keys is not followed: %s." % error) from error
