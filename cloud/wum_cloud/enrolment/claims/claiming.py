"""Claiming: an operator's code becomes a claim, and lets the concentrator in that has the code.

Left out: MQTT (../keeper.py) and SQL (store.py). Whatever a concentrator sends is answered, or
refused with a sentence for our log; it is told nothing.
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.enrolment.claims import store
from wum_cloud.enrolment.planned import store as planned
from wum_cloud.enrolment.planned.store import Planned
from wum_cloud.enrolment.trust.documents import newest_document
from wum_cloud.registry import store as registry
from wum_cloud.registry.cipher import SodiumCipher, SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.registration import mosquitto_hash
from wum_cloud.registry.sites import store as sites
from wum_shared import topics
from wum_shared.claim import ClaimSecrets, code_from_text, secrets_of
from wum_shared.enrolment import GRANTS_MAX, Grant, open_request, seal_grant
from wum_shared.errors import Malformed
from wum_shared.messages import DirectionKey, Registration

HOURS_MAX = 24 * 90         # That a claim waits for its concentrator.
NAME_MAX = 64
_PASSWORD_BYTES = 24
_NO_KEY = DirectionKey(b"", b"")
# Of a tenant's concentrator, for a person: the signed order with what was planned, or nothing.
First = Callable[[Connection, Vault, int, bytes, str], Awaitable[bytes]]


class ClaimRefused(Exception):
    """A claim, or what a concentrator sent, is not taken: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator says about a concentrator. `site` None: of none. With the id of a planned
    one, name and site are the plan's.
    """

    code: str
    name: str
    site: str | None = None
    hours: int = 24
    planned: bytes | None = None


async def claim(
        connection: Connection, vault: Vault, reach: Reach, actor: Actor, wanted: Wanted) -> int:
    """Keep a claim, until its concentrator comes or `hours` are over. Raises ClaimRefused.

    Of the code only what follows from it is kept, sealed.
    """
    try:
        made = secrets_of(code_from_text(wanted.code))
    except Malformed as error:
        raise ClaimRefused("This is no claim code: %s." % str(error).partition(": ")[2]) from error
    if await newest_document(connection) is None:
        raise ClaimRefused("There is no trust document yet: run `wum-cloud trust ROOT.KEY` once.")
    if not 0 < wanted.hours <= HOURS_MAX:
        raise ClaimRefused("A claim waits 1..%d hours." % HOURS_MAX)
    plan, site = await _plan(connection, reach, wanted), None
    if plan is not None:
        wanted, site = replace(wanted, name=plan.name, site=plan.site), plan.site_id
    else:
        if not (0 < len(wanted.name) <= NAME_MAX and wanted.name.isprintable()):
            raise ClaimRefused("A concentrator's name has 1..%d printable characters." % NAME_MAX)
        if await registry.name_is_taken(connection, reach.tenant_id, wanted.name, b""):
            raise ClaimRefused("Another concentrator is called %s already: one that is planned is "
                               "claimed as its plan." % wanted.name)
        site = await _site(connection, reach, wanted.site)
    number = await store.add(
        connection, tenant=reach.tenant_id, name=made.name,
        secrets_sealed=vault.seal_text(_secrets_place(made.name), _written(made)),
        broker_hash=mosquitto_hash(made.password, secrets.token_bytes(12)),
        concentrator_name=wanted.name, site=site, made_by=actor.name, hours=wanted.hours,
        planned=None if plan is None else plan.concentrator_id)
    if number is None:
        raise ClaimRefused("This code was typed in before. A code is good once: "
                           "`wum-edge claim --again` makes a new one on the concentrator.")
    await note(connection, actor, acts.CONCENTRATOR_CLAIMED, wanted.name,
               site=wanted.site or "", claim=str(number),
               planned="" if plan is None else plan.device_id.hex())
    return number


async def withdraw(
        connection: Connection, reach: Reach, actor: Actor, claim_id: int) -> bool:
    """Take back a claim that nobody finished; False where there is none such in reach."""
    name = await store.withdraw(connection, reach, claim_id)
    if name is None:
        return False
    await note(connection, actor, acts.CLAIM_WITHDRAWN, name, claim=str(claim_id))
    return True


async def answer_request(
        connection: Connection, vault: Vault, name: bytes, message: bytes, first: First,
) -> tuple[str, bytes]:
    """(topic, grant) for a concentrator's request. `first` gives the order with the configuration
    of one that was planned. Raises ClaimRefused, WireError.
    """
    found = await store.open_claim(connection, name)
    if found is None:
        raise ClaimRefused("there is no open claim %s" % name.hex())
    enrol, key = _read(vault.open_text(_secrets_place(name), found.secrets_sealed))
    request = open_request(SodiumVerifier(), name, enrol, message)
    if found.identity_key not in (None, request.identity_key):
        raise ClaimRefused("the code of claim %d was used by another identity before"
                           % found.claim_id)
    if found.grants >= GRANTS_MAX:
        raise ClaimRefused("claim %d was answered %d times: no more" % (
            found.claim_id, GRANTS_MAX))
    document = await newest_document(connection)
    assert document is not None, "a claim is made after a trust document"
    password = await _let_in(connection, vault, found, request.identity_key,
                             request.concentrator)
    order = b"" if found.planned_id is None else await first(
        connection, vault, found.tenant_id, request.concentrator, found.made_by)
    sealed = seal_grant(
        SodiumCipher(), name, key, secrets.randbits(62),
        Grant(request.nonce, document.root_key, document.signed, found.tenant, password,
              order))
    return topics.topic(name, topics.DOWN, topics.ENROL), sealed


async def _let_in(
        connection: Connection, vault: Vault, found: store.Claim, identity_key: bytes,
        device_id: bytes) -> str:
    """Register the concentrator of a claim; its password at the broker, the same every time."""
    place = "broker password of claim %d" % found.claim_id
    if found.password_sealed is None:
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        if await registry.tenant_of(connection, device_id) is not None:
            raise ClaimRefused("concentrator %s is registered already: a claim is for a new "
                               "identity" % device_id.hex())
        hashed = mosquitto_hash(password, secrets.token_bytes(12))
        if found.planned_id is None or not await planned.take_over(
                connection, found.planned_id, device_id, identity_key, hashed):
            await _register(connection, found, identity_key, device_id, password, hashed)
        await note(connection, Actor(found.tenant_id, "concentrator " + device_id.hex(), ""),
                   acts.CONCENTRATOR_GRANTED, found.concentrator_name, claim=str(found.claim_id))
        sealed = vault.seal_text(place, password)
    else:
        password, sealed = vault.open_text(place, found.password_sealed), found.password_sealed
    await store.note_grant(connection, found.claim_id, identity_key, sealed)
    return password


async def _register(
        connection: Connection, found: store.Claim, identity_key: bytes, device_id: bytes,
        password: str, hashed: str) -> None:
    is_taken = await registry.name_is_taken(
        connection, found.tenant_id, found.concentrator_name, device_id)
    await registry.save_concentrator(
        connection, Registration(
            device_id, identity_key, found.tenant, 0, _NO_KEY, _NO_KEY, password),
        tenant=found.tenant_id, site=found.site_id,
        name=None if is_taken else found.concentrator_name, password_hash=hashed)


async def _plan(connection: Connection, reach: Reach, wanted: Wanted) -> Planned | None:
    """The plan that is claimed. Raises ClaimRefused."""
    if wanted.planned is None:
        return None
    plans = await planned.listed(connection, reach, most=1, device_id=wanted.planned)
    if not plans:
        raise ClaimRefused("There is no planned concentrator %s." % wanted.planned.hex())
    if plans[0].is_claimed:
        raise ClaimRefused("A claim waits for %s already: take that back first." % plans[0].name)
    return plans[0]


async def _site(connection: Connection, reach: Reach, name: str | None) -> int | None:
    if name is None:
        if reach.site_id is not None:
            raise ClaimRefused("Say at which site: you see a branch of the sites only, and would "
                               "not see it again.")
        return None
    found = await sites.site_named(connection, reach, name)
    if found is None:
        raise ClaimRefused("There is no site %s." % name)
    return found


def _written(made: ClaimSecrets) -> str:
    return json.dumps([made.enrol.hex(), made.grant.key.hex(), made.grant.context_iv.hex()])


def _read(text: str) -> tuple[bytes, DirectionKey]:
    enrol, key, context_iv = [bytes.fromhex(part) for part in json.loads(text)]
    return enrol, DirectionKey(key, context_iv)


def _secrets_place(name: bytes) -> str:
    return "secrets of claim " + name.hex()
