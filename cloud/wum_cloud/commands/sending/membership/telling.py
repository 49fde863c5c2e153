"""Concentrators are told which groups they are in, by an order like any other.

All groups of one concentrator in one order, their keys sealed for it alone: what is kept of the
order opens nothing. A version counts as known once the concentrator has signed that it is done.

They are sealed with keys of the newest epoch, which a concentrator has forgotten two epochs later:
who refuses the order for that is told anew at once, with the keys that its receipt is sealed with.
"""

import logging
import secrets

from wum_cloud.commands import store as commands
from wum_cloud.commands.sending import again
from wum_cloud.commands.sending import store as sending
from wum_cloud.commands.sending.membership import store
from wum_cloud.commands.sending.membership.store import Part, Told
from wum_cloud.commands.states import DONE
from wum_cloud.database import Connection
from wum_cloud.registry.cipher import SodiumCipher
from wum_cloud.registry.keys import Vault
from wum_shared import cose
from wum_shared.errors import WireError
from wum_shared.groups import Membership, encode_memberships
from wum_shared.messages import DirectionKey
from wum_shared.orders import ARGUMENTS_MAX, ORDER_ID_SIZE, Receipt
from wum_shared.topics import DOWN, GROUPS

TOLD_MAX = 20                # Concentrators in one step.
_log = logging.getLogger("wum_cloud.commands")


async def tell(connection: Connection, vault: Vault, counters: sending.Counters) -> None:
    """Order what is due: the newest groups of some concentrators."""
    if not await commands.has_order_key(connection):
        return
    for told in await store.due(connection, TOLD_MAX):
        found = await store.parts(connection, told.concentrator_id)
        members = [await _member(connection, vault, part) for part in found]
        counter = await sending.counter(connection, counters, told.concentrator_id, told.epoch)
        arguments = b"" if counter is None else _sealed(vault, told, members, counter)
        command = await store.order(
            connection, told, secrets.token_bytes(ORDER_ID_SIZE), arguments,
            "%d groups" % len(members)) if arguments else None
        await store.keep_told(connection, told, command, found)


async def ended(connection: Connection, command_id: int, state: str, receipt: Receipt,
                epoch: int) -> None:
    """An order of ours is over: its versions are known, or it is given once more. `epoch` is that
    of the receipt.
    """
    if state == DONE:
        await store.confirm(connection, command_id)
    else:
        await store.tell_again(
            connection, command_id, *await again.when(connection, command_id, receipt, epoch))


async def _member(connection: Connection, vault: Vault, part: Part) -> Membership:
    """With the group's key in this version, made where there is none yet."""
    key = DirectionKey(secrets.token_bytes(32), secrets.token_bytes(12))
    sealed = await store.keep_key(connection, part, vault.seal(
        part.address, part.version, key, key))
    if sealed is not None:           # Else it was changed just now: a newer version is due.
        key, _ = vault.open(part.address, part.version, sealed)
    return Membership(part.address, part.version, part.number, key, tuple(part.serials))


def _sealed(vault: Vault, told: Told, members: list[Membership], counter: int) -> bytes:
    """The arguments; empty for more than an order holds."""
    _, downlink = vault.open(told.device_id, told.epoch, told.sealed_keys)
    try:
        sealed = cose.seal(
            SodiumCipher(), downlink, cose.key_id(told.device_id, told.epoch), counter,
            encode_memberships(members), DOWN, told.tenant, GROUPS)
    except WireError as error:
        _log.error("groups of %s cannot be told: %s", told.device_id.hex(), error)
        return b""
    if len(sealed) > ARGUMENTS_MAX:
        _log.error("groups of %s cannot be told: %d bytes", told.device_id.hex(), len(sealed))
        return b""
    return sealed
