"""The lines of a configuration that are pulse inputs, opened and closed together.

Left out: one of them (pulse_inputs.py). Without any nothing is made: no folder, no library needed.
"""

import glob
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wum_edge.clock import Clock
from wum_edge.config import Config
from wum_edge.meters.catalog import Model
from wum_edge.meters.orders import READ_EVENTS, Order, Outcome
from wum_edge.ports.linux import gpio
from wum_edge.ports.linux.pulse_inputs import CounterFiles, PulseInputs

CHIPS = "/dev/gpiochip*"


class NeedsLibrary(Exception):
    """Inputs of a GPIO chip are configured, and what reads them is not installed."""


@dataclass(slots=True)
class InputLines:
    """Pulse inputs by line. `tell` takes orders for a meter's line, by the meter's index."""

    lines: dict[str, PulseInputs] = field(default_factory=dict)
    files: CounterFiles | None = None
    tell: dict[int, Callable[[Order], str]] = field(default_factory=dict)

    def start(self) -> None:
        """Begin to count."""
        for line in self.lines.values():
            line.start()

    def close(self) -> None:
        """Write what was counted, and let go of the folder."""
        for line in self.lines.values():
            line.close()
        if self.files is not None:
            self.files.flash.close()

    def told(self, meter: int) -> None:
        """A meter has events: have them read now. With a full queue the next sweep reads them."""
        if meter in self.tell:
            self.tell[meter](Order(READ_EVENTS, meter, None, _noted))


def _noted(outcome: Outcome) -> None:
    """Nobody waits for it: its records are archived, and what failed the next sweep tries."""


def open_inputs(
        config: Config, models: dict[str, Model], clock: Clock,
        crashed: Callable[[BaseException], None],
) -> InputLines:
    """The pulse inputs of a configuration. Raises NeedsLibrary, FolderInUse, OSError."""
    found = InputLines()
    check_library(config)
    for line in config.lines:
        if line.has_inputs():
            if found.files is None:
                found.files = CounterFiles(Path(config.concentrator.archive))
            meters = [(index, meter, models[meter.model])
                      for index, meter in enumerate(config.meters) if meter.line == line.name]
            found.lines[line.name] = PulseInputs(
                line, meters, clock, found.files, found.told, crashed)
    return found


def check_library(config: Config) -> None:
    """Raises NeedsLibrary."""
    for line in config.lines:
        if line.port.startswith(gpio.SCHEME) and not gpio.is_installed():
            raise NeedsLibrary(f"line {line.name}: {gpio.NEEDED}")


def wanting(config: Config) -> list[str]:
    """Sentences on chips that cannot be read on this machine: by them no pulse would be counted."""
    found = []
    for line in config.lines:
        if not line.port.startswith(gpio.SCHEME):
            continue
        chip = line.port[len(gpio.SCHEME):]
        if not gpio.is_installed():
            found.append(f"line {line.name}: {gpio.NEEDED}")
        if not os.path.exists(chip):
            found.append(f"line {line.name}: there is no chip {chip}: {_chips()}")
        elif not gpio.is_chip(chip):
            found.append(f"line {line.name}: {chip} is no GPIO chip: {_chips()}")
    return found


def _chips() -> str:
    there = sorted(glob.glob(CHIPS))
    if not there:
        return "this machine shows none; is its driver loaded?"
    return f"this machine has {', '.join(there)}; `gpiodetect` says which is which"
