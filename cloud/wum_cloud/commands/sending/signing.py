"""What is signed for a command: an order of its own, or one that it shares with others.

The meters of a group behind one concentrator share an order, and the whole group shares one as long
as nobody wants the act alone. Left out: when (turns.py), SQL (store.py, flooding/).
"""

import logging

from wum_cloud.commands.sending import store
from wum_cloud.commands.sending.flooding import flood
from wum_cloud.commands.sending.flooding import store as groups
from wum_cloud.commands.sending.store import Due
from wum_cloud.database import Connection
from wum_cloud.logs import ids
from wum_cloud.registry.cipher import SodiumSigner
from wum_cloud.registry.keys import Vault
from wum_shared import orders
from wum_shared.orders import Order

_log = logging.getLogger("wum_cloud.commands")
HEARD_S = 30                 # After the moment of a flood: so long nobody is sent its own.


class Step:
    """What is signed and sent in one transaction."""

    def __init__(self, connection: Connection, vault: Vault, seed: bytes) -> None:
        self.connection, self._vault, self._seed = connection, vault, seed
        self._alone: dict[tuple[int, bytes], tuple[int, bytes]] = {}
        self._sent: set[tuple[int, bytes]] = set()

    def is_sent(self, due: Due, signed: bytes) -> bool:
        """Whether this concentrator was sent it in this step; from now on it was."""
        key = (due.concentrator_id, signed)
        if key in self._sent:
            return True
        self._sent.add(key)
        return False

    async def signed(self, due: Due) -> tuple[bytes, int]:
        """(a signed order, kept; seconds for which a flood does the sending)."""
        if due.to_group is not None and not due.is_again:
            group = await groups.group_of(self.connection, due.to_group)
            if group is not None:
                return await self._for_group(due, group)
        key = (due.concentrator_id, due.order_id)
        if key not in self._alone:
            self._alone[key] = await self._for_itself(due)
        sequence, signed = self._alone[key]
        await store.keep_order(
            self.connection, due, orders.order_digest(signed), sequence, signed)
        _tell(due, sequence)
        return signed, 0

    async def _for_itself(self, due: Due) -> tuple[int, bytes]:
        """A new order for the act, with a number of its own."""
        sequence = await store.next_sequence(self.connection)
        # By the whole second: the order begins no earlier, and ends no later, than was asked for.
        issued_s = int(due.now.timestamp())
        begins_s = max(issued_s, -int(-due.begins_at.timestamp() // 1))
        expires_s = max(begins_s + 1, int(due.expires_at.timestamp()))
        return sequence, orders.sign_order(
            SodiumSigner(), self._seed, SodiumSigner.public(self._seed), Order(
                due.device_id, due.order_id, sequence, issued_s, begins_s, expires_s, due.kind,
                due.arguments, due.challenge), tuple(due.consents))

    async def _for_group(self, due: Due, group: groups.Group) -> tuple[bytes, int]:
        """The one order of the act, for all members."""
        found = await flood.before(self.connection, due)
        if found is None:
            found = flood.sign_for(
                self._seed, due, group, await store.next_sequence(self.connection))
            await flood.flood(self.connection, self._vault, due, group, found)
        await store.keep_order(
            self.connection, due, orders.order_digest(found.signed), found.sequence, found.signed,
            to_group=True)
        _tell(due, found.sequence)
        wait_s = 0
        if group.network is not None and await groups.is_flooded(self.connection, due, group):
            wait_s = max(0, found.begins_s - int(due.now.timestamp())) + HEARD_S
        return found.signed, wait_s


def _tell(due: Due, sequence: int) -> None:
    _log.info("command %d is signed as order %d", due.command_id, sequence, extra=ids(
        command=due.command_id, order=sequence, concentrator=due.device_id.hex()))
