"""`wum-cloud ripple`: give an order to a group of a mesh, and wait to see who has it.

Left out: what the order says: it comes as a file, made and signed by whoever may order.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wum_cloud.audit import acts
from wum_cloud.audit.acts import at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.database import Connection, connect
from wum_cloud.ingest.ripples import store
from wum_cloud.ingest.ripples.store import Given, Ripple
from wum_cloud.registry.sites.store import tenant_named
from wum_shared.ripple import GROUPS_MAX, OUTCOMES, PAYLOAD_MAX

TRY_S = 30                   # So long after its moment, or after now, it may be flooded.
LOOK_S = 0.5


class RippleRefused(Exception):
    """The order cannot be given: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says. `group` is None for everybody."""

    tenant: str
    mesh: str
    group: int | None
    after_s: int
    wait_s: int
    file: Path


async def ripple(database_url: str, wish: Wish) -> int:
    """The command; its exit code: 0 when everybody who was expected has it. Raises RippleRefused.
    """
    payload = _payload(wish)
    async with await connect(database_url) as connection:
        tenant = await tenant_named(connection, wish.tenant)
        if tenant is None:
            raise RippleRefused("There is no tenant called %s." % wish.tenant)
        number, expected = await give(connection, tenant, wish, payload)
    print("Order %d to %s of %s: %d stations are expected to have it." % (
        number, "everybody" if wish.group is None else "group %d" % wish.group, wish.mesh,
        expected))
    return await _wait(database_url, tenant, number, wish.wait_s) if wish.wait_s else 0


async def give(connection: Connection, tenant: int, wish: Wish, payload: bytes) -> tuple[int, int]:
    """(number, how many are expected) of the order. Raises RippleRefused."""
    networks = await store.networks(connection, tenant, wish.mesh)
    if len(networks) != 1:
        raise RippleRefused(
            "No station of a mesh called %s has reported yet: see the page Mesh, and `wum-cloud "
            "register --mesh`." % wish.mesh if not networks else
            "Stations of %s report to be in several networks (%s)." % (
                wish.mesh, ", ".join(["%04x" % one for one in networks])))
    now = datetime.now(UTC)
    execute_at = now + timedelta(seconds=wish.after_s) if wish.after_s else None
    actor = at_the_machine(tenant)
    number, expected = await store.give(connection, tenant, actor.name, Given(
        networks[0], wish.group, execute_at, (execute_at or now) + timedelta(seconds=TRY_S),
        payload))
    await note(connection, actor, acts.GROUP_ORDERED, "%d: mesh %s, %s" % (
        number, wish.mesh, "everybody" if wish.group is None else "group %d" % wish.group))
    return number, expected


def _payload(wish: Wish) -> bytes:
    if wish.group is not None and not 0 <= wish.group < GROUPS_MAX:
        raise RippleRefused("Groups are 0 to %d." % (GROUPS_MAX - 1))
    try:
        payload = wish.file.read_bytes()
    except OSError as error:
        raise RippleRefused("%s cannot be read: %s." % (wish.file, error.strerror)) from error
    if not 1 <= len(payload) <= PAYLOAD_MAX:
        raise RippleRefused("%s has %d bytes; an order to a group has 1 to %d, for it goes in one "
                            "frame." % (wish.file, len(payload), PAYLOAD_MAX))
    return payload


async def _wait(database_url: str, tenant: int, number: int, wait_s: int) -> int:
    end_s = time.monotonic() + wait_s
    while True:
        async with await connect(database_url) as connection:
            found = [one for one in await store.ripples(connection, tenant, store.KEPT_MAX)
                     if one.ripple_id == number]
        is_over = time.monotonic() >= end_s
        if found and (is_over or found[0].outcome is not None and not found[0].missing):
            print(sentence(found[0]))
            return 1 if found[0].missing or found[0].outcome else 0
        await asyncio.sleep(LOOK_S)


def sentence(one: Ripple) -> str:
    """What became of an order, for a person."""
    if one.outcome is None:
        return "No gateway has told of it: %s." % (
            "%d were asked" % one.asked if one.asked else "none was there to be asked")
    if one.outcome:
        return "Not flooded: %s." % OUTCOMES.get(one.outcome, "reason %d" % one.outcome)
    return "Flooded: %d of %d expected stations have it%s." % (
        len(one.expected) - len(one.missing), len(one.expected),
        "" if not one.missing else "; not yet: %s" % ", ".join(map(str, one.missing[:20])))
