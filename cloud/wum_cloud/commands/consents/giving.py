"""What approvers have to sign, and taking what they signed: what people do, in one transaction.

The head-end has none of their keys. With the last signature that is wanted the request is approved.
Left out: SQL (store.py), signing (wum-firmware consent), what a concentrator makes of it.
"""

from dataclasses import dataclass

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.commands import requesting, states
from wum_cloud.commands import store as commands
from wum_cloud.commands.consents import store
from wum_cloud.commands.consents.store import Wanting
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.store import Command
from wum_cloud.database import Connection
from wum_cloud.registry.cipher import SodiumVerifier
from wum_cloud.registry.reach import Reach
from wum_shared.consent import consent_of, encode_consent, open_consent
from wum_shared.errors import WireError


@dataclass(frozen=True, slots=True)
class ToSign:
    """One command of a request, and the bytes that an approver signs for it."""

    command: Command
    to_sign: bytes
    wanted: int
    given: int


@dataclass(frozen=True, slots=True)
class Given:
    """How many signatures were kept, and how many commands are approved by it: all, or none yet."""

    kept: int
    approved: int


async def to_sign(connection: Connection, reach: Reach, number: int) -> list[ToSign] | None:
    """What a request wants signed; None for one that is none, or beyond reach."""
    found = {one.command_id: one for one in await commands.of_request(connection, reach, number)}
    if not found:
        return None
    waiting = [one.command_id for one in found.values() if one.state == states.REQUESTED]
    wanting = await store.wanting(connection, waiting)
    return [ToSign(found[one.command_id], _payload(one), one.consents, one.given)
            for one in wanting]


async def give(connection: Connection, reach: Reach, actor: Actor, person: str, number: int,
               signatures: dict[int, bytes]) -> Given | None:
    """Take signatures, by the command that each is of: all of them, or none with the reason.

    None: there is no such request in reach. Raises CommandRefused.
    """
    wanted = await to_sign(connection, reach, number)
    if wanted is None:
        return None
    if not wanted:
        raise CommandRefused("Nothing of request %d waits for approvers' signatures." % number)
    if wanted[0].command.requested_by == person:
        raise CommandRefused("You asked for it yourself: a second person has to hand it in.")
    approvers = await store.approvers(connection)
    payloads = {one.command.command_id: one.to_sign for one in wanted}
    kept = 0
    for command_id, signed in signatures.items():
        kept += await store.keep(
            connection, command_id, _approver(payloads, approvers.keys, command_id, signed),
            signed, person)
    await note(connection, actor, acts.COMMAND_CONSENTED, "request %d" % number,
               signatures=str(kept), commands=str(len(signatures)))
    left = [one for one in await to_sign(connection, reach, number) or ()
            if one.given < one.wanted]
    approved = 0 if left else await requesting.approve(connection, reach, actor, person, number)
    return Given(kept, approved)


def _approver(payloads: dict[int, bytes], keys: tuple[bytes, ...], command_id: int,
              signed: bytes) -> bytes:
    """Whose signature it is, of what this command is. Raises CommandRefused."""
    if command_id not in payloads:
        raise CommandRefused("Command %d of it waits for no signature." % command_id)
    try:
        consent, key = open_consent(SodiumVerifier(), keys, signed)
    except WireError as error:
        raise CommandRefused("The signature of command %d: %s." % (command_id, error)) from error
    if encode_consent(consent) != payloads[command_id]:
        raise CommandRefused("The signature of command %d is of something else: take what is to "
                             "be signed once more." % command_id)
    return key


def _payload(one: Wanting) -> bytes:
    return encode_consent(consent_of(
        one.device_id, one.kind, one.arguments, one.begins_s,
        max(one.expires_s, one.begins_s + 1)))
