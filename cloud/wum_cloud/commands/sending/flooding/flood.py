"""One signed order for the members of a group: made once, flooded where a mesh is, sent to each.

The same signed bytes go to all, sealed with the group's key for a flood and with a concentrator's
own for the broker. The group's seal has the order's number as its message counter: numbers never
come again, and the same bytes may be sealed twice. Left out: a member that wants the act alone
(signing.py), who is a member (membership/).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wum_cloud.commands.sending.flooding import store
from wum_cloud.commands.sending.flooding.store import Flood, Group
from wum_cloud.commands.sending.store import Due
from wum_cloud.database import Connection
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner
from wum_cloud.registry.keys import Vault
from wum_shared import orders
from wum_shared.cose import peek_signed
from wum_shared.ids import CONCENTRATOR_SIZE
from wum_shared.orders import Order
from wum_shared.ripple import PAYLOAD_MAX

MOMENT_S = 10                # From a flood to the moment at which all act, at least.
FLOOD_S = 60                 # So long it may be flooded; then each is sent its own.


@dataclass(frozen=True, slots=True)
class Signed:
    """An order to a group, and from when on (UTC seconds)."""

    sequence: int
    signed: bytes
    begins_s: int


async def before(connection: Connection, due: Due) -> Signed | None:
    """The order that was signed for another member's command of the act."""
    found = await store.signed_before(connection, due)
    if found is None:
        return None
    return Signed(*found, orders.decode_order(peek_signed(found[1])[1]).begins_s)


def sign_for(seed: bytes, due: Due, group: Group, sequence: int) -> Signed:
    """The order to the group, by whole seconds as for one. Where it is flooded all act at one
    moment, which leaves time for the flood.
    """
    assert due.to_group is not None
    begins = due.begins_at
    if group.network is not None:
        begins = max(begins, min(due.now + timedelta(seconds=MOMENT_S),
                                 due.expires_at - timedelta(seconds=1)))
    issued_s = int(due.now.timestamp())
    begins_s = max(issued_s, -int(-begins.timestamp() // 1))
    order = Order(
        due.to_group[:CONCENTRATOR_SIZE], due.order_id, sequence, issued_s, begins_s,
        max(begins_s + 1, int(due.expires_at.timestamp())), due.kind, due.arguments, None)
    return Signed(sequence, orders.sign_order(
        SodiumSigner(), seed, SodiumSigner.public(seed), order, tuple(due.consents)), begins_s)


async def flood(
        connection: Connection, vault: Vault, due: Due, group: Group, made: Signed) -> None:
    """Have a gateway flood it, for the moment at which it begins; where none can, nothing."""
    if group.network is None or group.sealed_key is None or due.to_group is None:
        return
    key, _ = vault.open(due.to_group[:CONCENTRATOR_SIZE], group.version, group.sealed_key)
    payload = orders.seal_order(
        SodiumCipher(), key, due.to_group, made.sequence, due.tenant, made.signed)
    if len(payload) > PAYLOAD_MAX:
        return                       # It goes to each instead.
    moment = datetime.fromtimestamp(made.begins_s, UTC)
    await store.add(connection, Flood(
        group.group_id, group.network, moment,
        min(moment + timedelta(seconds=FLOOD_S), due.expires_at), payload))
