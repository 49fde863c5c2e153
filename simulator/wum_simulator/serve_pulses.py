"""One run of `wum-simulator pulses`: disks behind a socket, until a signal."""

import asyncio
import logging
import signal
from dataclasses import dataclass
from pathlib import Path

from wum_simulator.meters.disk import Disk
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


def run_pulses(world: World, description: PulseDescription) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises UnknownModel, ValueError, OSError."""
    async def run() -> None:
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        await serve_pulses(world, description, ended)
    asyncio.run(run())


async def serve_pulses(
        world: World, description: PulseDescription, ended: asyncio.Event) -> None:
    """Serve until `ended`; then remove the socket. Raises UnknownModel, ValueError, OSError."""
    town = meters(world.dice, description.models, count=description.count,
                  first_address=description.first_input,
                  first_consumer=description.first_consumer)
    disks = {meter.address: Disk(meter, world.now_s) for meter in town}
    server = PulseServer(list(disks), world.elapsed_s)
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
        step()
        await ended.wait()
    finally:
        server.close()
