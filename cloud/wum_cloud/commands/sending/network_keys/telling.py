"""Stations of a mesh are told its network's key, by an order like any other: gateways first.

The key is sealed for each station alone, with the keys that it shares with the head-end: what is
kept of the order, and what goes through gateways and relays, opens nothing. A station counts as
having it once it has signed that it is done. Who refuses the order for keys of its own that it has
forgotten is told anew at once, with those that its receipt is sealed with.
"""

import logging
import secrets

from wum_cloud.commands import store as commands
from wum_cloud.commands.network_keys.managing import place
from wum_cloud.commands.network_keys.store import join
from wum_cloud.commands.sending import again
from wum_cloud.commands.sending import store as sending
from wum_cloud.commands.sending.network_keys import store
from wum_cloud.commands.sending.network_keys.store import Told
from wum_cloud.commands.states import DONE
from wum_cloud.database import Connection
from wum_cloud.registry.cipher import SodiumCipher
from wum_cloud.registry.keys import Vault
from wum_shared import cose
from wum_shared.network_key import NetworkKey, encode_network_key
from wum_shared.orders import ORDER_ID_SIZE, Receipt
from wum_shared.topics import DOWN, NETWORK_KEY

TOLD_MAX = 20                # Stations in one step.
_log = logging.getLogger("wum_cloud.commands")


async def tell(connection: Connection, vault: Vault, counters: sending.Counters) -> None:
    """Order what is due: the newest keys of some stations."""
    await join(connection)
    found = await store.due(connection, TOLD_MAX)
    if not found or not await commands.has_order_key(connection):
        return
    for told in found:
        counter = await sending.counter(connection, counters, told.concentrator_id, told.epoch)
        if counter is None:
            continue
        shut_out = await store.shut_out(connection, told.tenant_id, told.mesh)
        await store.order(
            connection, told, secrets.token_bytes(ORDER_ID_SIZE),
            _sealed(vault, told, counter, tuple(shut_out)),
            "epoch %d%s" % (told.key_epoch, ", and no other" if told.is_only else ""))
        _log.info("mesh %s: %s is told the key of epoch %d%s", told.mesh, told.device_id.hex(),
                  told.key_epoch, ", and no other" if told.is_only else "")


async def ended(connection: Connection, command_id: int, state: str, receipt: Receipt,
                epoch: int) -> None:
    """An order of ours is over: the station has what it said, or it is given once more. `epoch` is
    that of the receipt.
    """
    if state == DONE:
        await store.confirm(connection, command_id)
    else:
        await store.tell_again(
            connection, command_id, *await again.when(connection, command_id, receipt, epoch))


def _sealed(vault: Vault, told: Told, counter: int, shut_out: tuple[bytes, ...]) -> bytes:
    """The arguments of the order."""
    key = bytes.fromhex(vault.open_text(
        place(told.tenant_id, told.mesh, told.key_epoch), told.sealed_key))
    _, downlink = vault.open(told.device_id, told.epoch, told.sealed_keys)
    return cose.seal(
        SodiumCipher(), downlink, cose.key_id(told.device_id, told.epoch), counter,
        encode_network_key(NetworkKey(told.network, told.key_epoch, key, told.is_only, shut_out)),
        DOWN, told.tenant, NETWORK_KEY)
