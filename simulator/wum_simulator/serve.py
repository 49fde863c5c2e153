"""One run of `wum-simulator serve`: a line, its meters, its control socket, until a signal."""

import asyncio
import logging
import signal
from dataclasses import dataclass
from pathlib import Path

from wum_simulator.bus import Bus, Timing
from wum_simulator.catalog import UnknownModel
from wum_simulator.control import Control
from wum_simulator.faults import Faults
from wum_simulator.line import Line
from wum_simulator.listener import Listener
from wum_simulator.town import meters
from wum_simulator.world import World

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Description:
    """What is to be served, as the command line says it."""

    link: Path | None        # Of a pty, or else `listen`: (host, port).
    models: list[str]
    count: int
    first_address: int = 1
    first_consumer: int = 0
    control: Path | None = None
    timing: Timing = Timing()
    fault_share: float = 0.0
    listen: tuple[str, int] = ("127.0.0.1", 0)


async def serve(world: World, description: Description) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; then remove link and socket.

    Raises Busy, UnknownModel, BadFault, ValueError, OSError before the link is there.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in ENDS:          # Set here: a shell may have left them ignored.
        loop.add_signal_handler(number, ended.set)
    served = meters(
        world.dice, description.models, count=description.count,
        first_address=description.first_address, first_consumer=description.first_consumer)
    for meter in served:
        if meter.kind.protocol == "pulse":
            raise UnknownModel(f"model {meter.kind.name}: it gives pulses and speaks on no line; "
                               "`wum-simulator pulses` plays it")
    faults = Faults(world.dice, description.fault_share)
    line = Line(description.link) if description.link else Listener(*description.listen)
    try:
        bus = Bus(world, served, faults, line.write, description.timing,
                  line.baud if isinstance(line, Line) else None)
        control = Control(world, bus)
        if description.control:
            await control.open(description.control)
        try:
            if isinstance(line, Line):
                loop.add_reader(line.master, _carry, line, bus)
                line.publish()
            else:
                await line.open(bus.heard)
            _log.info("%s", _sentence(description, line))
            await ended.wait()
            _log.info("ended by a signal")
        finally:
            if isinstance(line, Line):
                loop.remove_reader(line.master)
            control.close()
    finally:
        line.close()


def _carry(line: Line, bus: Bus) -> None:
    bus.heard(line.read())


def _sentence(description: Description, line: Line | Listener) -> str:
    last = description.first_address + description.count - 1
    at = f"addresses {description.first_address}..{last}" if description.count > 1 else (
        f"address {last}")
    pace = f" at {description.timing.baud} baud" if description.timing.baud else ""
    where = f"{description.link} -> {line.device}" if isinstance(line, Line) else (
        f"tcp://{line.host}:{line.port}")
    return f"{description.count} meters ({', '.join(description.models)}) at {at}{pace} on {where}"
