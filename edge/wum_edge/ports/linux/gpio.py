"""Edges of a GPIO chip, with the kernel's own time of each, through gpiod (libgpiod 2).

Left out: what is counted of them. The kernel queues edges while nobody reads, so that a busy
machine costs none; those that find no place there are known by their numbers. Linux 5.10 or newer
(character device, version 2).
"""

import importlib.util
import os
import stat
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from wum_edge.meters.pulse.entry import Wiring
from wum_edge.ports.linux.edges import Heard

SCHEME = "gpio:"
KERNEL_QUEUE = 1024          # Edges of all inputs together: the most that Linux gives.
PIECE = 256                  # Edges of one read.
NEEDED = "pulse inputs need the Python library gpiod: install wum-edge[linux,gpio]"


def is_installed() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("gpiod") is not None


def is_chip(path: str) -> bool:
    """Whether a path that is there may be a GPIO chip: a character device."""
    return stat.S_ISCHR(os.stat(path).st_mode)


def gpiod() -> ModuleType:
    """The library. Only who has pulse inputs needs it."""
    import gpiod as library
    return library


class GpioEdges:
    """The inputs of one chip; see EdgeSource. Raises OSError when they cannot be had."""

    def __init__(self, chip: str, inputs: tuple[Wiring, ...], library: Any) -> None:
        self._seen: dict[int, int] = {}
        self._rising = library.EdgeEvent.Type.RISING_EDGE
        self._lines = library.request_lines(
            chip, consumer="wum-edge", event_buffer_size=KERNEL_QUEUE,
            config={one.number: _settings(one, library) for one in inputs})
        now_ms = time.monotonic_ns() // 1_000_000
        numbers = [one.number for one in inputs]
        self._levels = [
            Heard(number, now_ms, value == library.line.Value.ACTIVE, is_level=True)
            for number, value in zip(numbers, self._lines.get_values(numbers), strict=True)]

    def wait(self, timeout_s: float) -> list[Heard]:
        """See EdgeSource.wait."""
        if self._levels:
            levels, self._levels = self._levels, []
            return levels
        if not self._lines.wait_edge_events(timeout_s):
            return []
        return [self._heard(event) for event in self._lines.read_edge_events(PIECE)]

    def close(self) -> None:
        """See EdgeSource.close."""
        self._lines.release()

    def _heard(self, event: Any) -> Heard:
        # The kernel numbers each input's edges from 1, those that it had to drop included.
        before = self._seen.get(event.line_offset, 0)
        self._seen[event.line_offset] = event.line_seqno
        return Heard(event.line_offset, event.timestamp_ns // 1_000_000,
                     event.event_type == self._rising, max(0, event.line_seqno - before - 1))


def _settings(one: Wiring, library: Any) -> Any:
    line = library.line
    biases: Mapping[str, Any] = {
        "pull-up": line.Bias.PULL_UP, "pull-down": line.Bias.PULL_DOWN,
        "disabled": line.Bias.DISABLED, "as-is": line.Bias.AS_IS}
    return library.LineSettings(
        direction=line.Direction.INPUT, edge_detection=line.Edge.BOTH, bias=biases[one.bias],
        active_low=one.active_low, event_clock=line.Clock.MONOTONIC)
