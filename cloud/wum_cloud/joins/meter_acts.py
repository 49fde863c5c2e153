"""`wum-cloud meter add`, `replace`, `move`, `archive`: acts of a meter's life at the machine.

Left out: what may be done (registry/life/acting.py), and how it is typed (registry/arguments.py).
What displays showed is given as CODE=VALUE, in the unit of the display, energy in kWh.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from wum_cloud.audit.acts import at_the_machine
from wum_cloud.database import Connection, connect
from wum_cloud.readings import points
from wum_cloud.registry.choices.store import device_of
from wum_cloud.registry.life import acting, amounts, store
from wum_cloud.registry.life.acting import Displays, MeterRefused, Saying, Spot
from wum_cloud.registry.life.amounts import Amount, BadAmount
from wum_cloud.registry.life.store import Known
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import tenant_named
from wum_shared.obis import obis_to_text


async def act(database_url: str, wanted: argparse.Namespace) -> int:
    """Do what was typed; return the exit code. Raises MeterRefused."""
    async with await connect(database_url) as connection:
        tenant = await tenant_named(connection, wanted.tenant)
        if tenant is None:
            raise MeterRefused("There is no tenant called %s." % wanted.tenant)
        reach, actor, saying = Reach(tenant), at_the_machine(tenant), _saying(wanted)
        if wanted.act == "add":
            await acting.add(
                connection, reach, actor, wanted.serial, wanted.model, wanted.point,
                Spot(await device_of(connection, reach, wanted.concentrator), wanted.bus or "",
                     wanted.address or ""), wanted.schedule, saying)
        else:
            meter = await store.known(connection, reach, wanted.serial)
            if meter is None:
                raise MeterRefused("There is no meter %s." % wanted.serial)
            finals = await _read(connection, meter, wanted.final)
            stored = await points.stored_until(connection, meter.meter_id, saying.at)
            if wanted.act == "replace":
                await acting.replace(
                    connection, reach, actor, wanted.serial, wanted.new,
                    wanted.model or meter.model, await _spot(connection, reach, meter, wanted),
                    Displays(finals, await _read(connection, meter, wanted.first), stored), saying)
            elif wanted.act == "move":
                await acting.move(
                    connection, reach, actor, wanted.serial,
                    await _spot(connection, reach, meter, wanted), wanted.point or "",
                    Displays(finals, (), stored), saying)
            else:
                await acting.archive(connection, reach, actor, wanted.serial,
                                     Displays(finals, (), stored), saying)
    print("Done. What its concentrator should know of it is sent from the concentrator's page.")
    return 0


def _saying(wanted: argparse.Namespace) -> Saying:
    now = datetime.now(UTC)
    at = now
    if wanted.at is not None:
        try:
            at = datetime.fromisoformat(wanted.at)
        except ValueError as error:
            raise MeterRefused("--at: wanted a time like 2026-03-01T10:00+02:00, got %s."
                               % wanted.at, "at") from error
        if at.tzinfo is None:
            raise MeterRefused("--at: say of which zone: %s+00:00 is UTC." % wanted.at, "at")
    return Saying(at.astimezone(UTC), now, wanted.reason, wanted.note,
                  bool(getattr(wanted, "sure", False)))


async def _spot(
        connection: Connection, reach: Reach, meter: Known, wanted: argparse.Namespace) -> Spot:
    """Where it is now, with what was typed in its place; another concentrator has other buses."""
    if wanted.concentrator is None:
        return Spot(meter.device_id.hex(),
                    meter.bus or "" if wanted.bus is None else wanted.bus,
                    meter.address or "" if wanted.address is None else wanted.address)
    return Spot(await device_of(connection, reach, wanted.concentrator), wanted.bus or "",
                wanted.address or "")


async def _read(connection: Connection, meter: Known, texts: Sequence[str]) -> list[Amount]:
    """What was read off. Raises MeterRefused."""
    registers = {obis_to_text(r.obis): r for r in await points.counted(connection, meter.meter_id)}
    found = []
    for text in texts:
        code, _, value = text.partition("=")
        register = registers.get(code)
        if register is None:
            raise MeterRefused("%s: wanted CODE=VALUE, with a code of %s." % (
                text, ", ".join(registers) or "a register that counts up; it has none"))
        try:
            found.append(amounts.parse(register.obis, register.unit, value))
        except BadAmount as error:
            raise MeterRefused(str(error), code) from error
    return found
