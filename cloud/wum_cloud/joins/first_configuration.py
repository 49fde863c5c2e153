"""The first configuration of a concentrator that was planned: given with the grant of its claim.

It joins rooms that know nothing of one another: enrolment, which answers the claim; configuration,
which knows what was planned; and commands, which signs orders. It is an order like any other, kept,
signed and on record as sent, and its receipt says what became of it; should it get lost on the way,
it is sent again as every order is. Left out: everything about concentrators without a plan.
"""

import logging

from wum_cloud.audit.acts import Actor
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.sending import store as sending
from wum_cloud.commands.sending.keeper import OrderSeed
from wum_cloud.commands.sending.signing import Step
from wum_cloud.commands.sending.turns import turn
from wum_cloud.configuration import store, twin
from wum_cloud.configuration.twin import ConfigurationRefused
from wum_cloud.database import Connection
from wum_cloud.enrolment.claims.claiming import First
from wum_cloud.joins.giving import giving
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.reach import Reach

WHY = "first configuration, with the grant of the claim"
_log = logging.getLogger("wum_cloud.enrolment")


def first_configuration(order_seed: OrderSeed) -> First:
    """What gives the signed order for a concentrator that takes a plan over; empty: there is none.

    Everything happens in the caller's transaction, so that what is handed over is on record.
    """

    async def first(
            connection: Connection, vault: Vault, tenant: int, device_id: bytes, person: str,
    ) -> bytes:
        reach = Reach(tenant, None)
        place = await store.place(connection, reach, device_id)
        if place is None:
            return b""
        command = await store.first_command(connection, place.concentrator_id)
        if command is None:
            seed = await order_seed(connection, vault)
            command = await _ordered(connection, reach, device_id, person)
            if seed is None or command is None:
                return b""
            await _sign(connection, vault, seed, command)
        return await sending.last_signed(connection, command)

    return first


async def _ordered(
        connection: Connection, reach: Reach, device_id: bytes, person: str) -> int | None:
    """The command with what is planned; None where nothing can be sent yet."""
    try:
        async with connection.transaction():
            await twin.send(connection, reach, Actor(reach.tenant_id, person, ""), device_id, WHY,
                            giving(connection, reach, person, WHY))
    except (ConfigurationRefused, CommandRefused) as refused:
        _log.warning("%s is let in without a configuration: %s", device_id.hex(), refused)
        return None
    place = await store.place(connection, reach, device_id)
    assert place is not None
    return await store.first_command(connection, place.concentrator_id)


async def _sign(connection: Connection, vault: Vault, seed: bytes, command: int) -> None:
    """As its turn would, but for the publishing."""
    await sending.hurry(connection, command, 0, is_again=False)
    await sending.number(connection)
    for due in await sending.due(connection, 1, command):
        taken = turn(due.state, (due.now - due.expires_at).total_seconds(), due.sent,
                     is_signed=due.last_signed is not None, is_again=due.is_again)
        if taken.is_signed:
            await Step(connection, vault, seed).signed(due)
        await sending.move(connection, command, taken.state, again_s=taken.again_s,
                           was_sent=taken.is_sent)
