"""Assignments of many stations of one mesh are told by one roll, where that is less airtime.

Each station's command keeps arguments of its own: who has not answered the roll's order in ROLL_S
(it was off, it is of an older version, its clock proves nothing) is sent an order of its own under
the same id, which a station that did take the roll's knows. A roll has the earliest beginning of
all: none begins before its campaign has answered what it said when it was ready. Left out: who is
next (campaigns/).
"""

import logging
from collections.abc import Iterator
from datetime import timedelta

from wum_cloud.commands.sending import store as sending
from wum_cloud.commands.sending.rolls import store
from wum_cloud.commands.sending.rolls.store import Alone, Made
from wum_cloud.database import Connection
from wum_cloud.registry.cipher import SodiumSigner
from wum_shared import orders, rolls, suit, updates
from wum_shared.errors import Malformed, WireError
from wum_shared.orders import Order
from wum_shared.rolls import Roll
from wum_shared.updates import Assignment

ROLL_S = 1800                # For the flood, the roll's way, and the answers: then each alone.
LEAST = 3                    # Members of a roll;
SHARE = 10                   # and one of so many stations of the mesh, which all pass it on.
FLOOD_S = 60
DUE_MAX = 1000
_log = logging.getLogger("wum_cloud.commands")

_Key = tuple[int, int, int, int, bool, bytes]


async def tell(connection: Connection, seed: bytes) -> None:
    """Make rolls of what is due and alike."""
    alike: dict[_Key, list[tuple[Alone, Assignment]]] = {}
    for one in await store.due(connection, DUE_MAX):
        assignment = updates.decode_demand(one.arguments)
        if isinstance(assignment, Assignment) and (
                one.expires_at - one.now > timedelta(seconds=2 * ROLL_S)):
            key = (one.tenant_id, one.network, assignment.floor, assignment.ends_s,
                   assignment.may_go_back, assignment.envelope)
            alike.setdefault(key, []).append((one, assignment))
    for key, found in alike.items():
        if len(found) < max(LEAST, found[0][0].stations / SHARE):
            continue
        index = _index(key[5], await store.hashes_of(connection, key[0], key[5]))
        for part in _parts(found, index):
            await _tell(connection, seed, part, index)


async def _tell(connection: Connection, seed: bytes, found: list[tuple[Alone, Assignment]],
                index: bytes) -> None:
    first, roll = found[0][0], _encoded(found, index)
    named = rolls.name_of(roll)
    sequence = await sending.next_sequence(connection)
    issued_s = int(first.now.timestamp())
    expires_s = min(int(one.expires_at.timestamp()) for one, _ in found)
    signed = orders.sign_order(SodiumSigner(), seed, SodiumSigner.public(seed), Order(
        rolls.address_of(named), sequence.to_bytes(orders.ORDER_ID_SIZE, "big"), sequence,
        issued_s, issued_s, min(expires_s, issued_s + orders.WINDOW_MAX_S), orders.UPDATE,
        updates.encode_demand(named), None))
    await store.keep(connection, Made(
        first.tenant_id, first.network, named.digest, roll, orders.order_digest(signed), sequence,
        signed, [one.command_id for one, _ in found], first.now + timedelta(seconds=FLOOD_S)),
        ROLL_S)
    _log.info("network %04x: order %d assigns to %d stations by a roll of %d bytes", first.network,
              sequence, len(found), len(roll))


def _index(envelope: bytes, hashes: bytes) -> bytes:
    """The hashes of the release, where its envelope has none and there is room for them."""
    try:
        has_them = suit.decode(envelope).release.index is not None
    except WireError:
        return b""                   # The stations say what is wrong with it.
    return b"" if has_them or len(hashes) > updates.ROLL_BYTES_MAX // 2 else hashes


def _parts(found: list[tuple[Alone, Assignment]], index: bytes,
           ) -> Iterator[list[tuple[Alone, Assignment]]]:
    """As many in each as fit into a page."""
    try:
        _encoded(found, index)
    except Malformed:
        half = len(found) // 2
        yield from _parts(found[:half], index)
        yield from _parts(found[half:], index)
        return
    yield found


def _encoded(found: list[tuple[Alone, Assignment]], index: bytes) -> bytes:
    begins_s = min(assignment.begins_s for _, assignment in found)
    return rolls.encode_roll(Roll(found[0][1]._replace(begins_s=begins_s), index, tuple(sorted(
        one.device_id for one, _ in found))))
