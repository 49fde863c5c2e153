"""One run of `wum-simulator pulses`: disks behind a socket, until a signal."""

import asyncio
import logging
import signal
from dataclasses import dataclass
from pathlib import Path

from wum_simulator.catalog import UnknownModel
from wum_simulator.meters.disk import Disk
from wum_simulator.pulse_control import PulseControl
from wum_simulator.pulse_server import PulseServer
from wum_simulator.town import meters
from wum_simulator.world import World

STEP_S = 0.02
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PulseDescription:
    """What is to be served, as the command line says it: meters at inputs from `first_input`."""

    socket: Path
    models: list[str]
    count: int
    first_input: int
    first_consumer: int
    contacts: tuple[int, ...] = ()   # Inputs that are moved on command: a magnet, a cover.
    control: Path | None = None


def run_pulses(world: World, description: PulseDescription) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises Busy, UnknownModel, ValueError, OSError."""
    async def run() -> None:
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        await serve_pulses(world, description, ended)
    asyncio.run(run())


async def serve_pulses(
        world: World, description: PulseDescription, ended: asyncio.Event) -> None:
    """Serve until `ended`; then remove the sockets.

    Raises Busy, UnknownModel, ValueError, OSError.
    """
    town = meters(world.dice, description.models, count=description.count,
                  first_address=description.first_input,
                  first_consumer=description.first_consumer)
    for meter in town:
        if meter.kind.protocol != "pulse":
            raise UnknownModel(f"model {meter.kind.name}: it speaks {meter.kind.protocol} and "
                               "gives no pulses; `wum-simulator serve` plays it")
    disks = {meter.address: Disk(meter, world.now_s) for meter in town}
    server = PulseServer([*disks, *description.contacts], world.elapsed_s)
    control = PulseControl(world, disks, list(description.contacts), server)
    await server.open(description.socket)
    _log.info("%d pulse meters (%s) from input %d on %s", description.count,
              ", ".join(description.models), description.first_input, description.socket)

    def step() -> None:
        now_ms = int(world.elapsed_s() * 1000)
        for number, disk in disks.items():
            if disk.turn(now_ms):
                server.move(number, closed=disk.closed)
        if not ended.is_set():
            world.after(STEP_S, step)

    try:
        if description.control:
            await control.open(description.control)
        step()
        await ended.wait()
    finally:
        control.close()
        server.close()
