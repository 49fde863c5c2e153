"""Where the edges of pulse inputs come from on Linux, and an input's queue of them.

Left out: the GPIO chip (gpio.py), a program's socket (edge_socket.py), and counting
(meters/pulse/counter.py).
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from wum_edge.meters.pulse.port import PulseInput

QUEUE_MAX = 4096             # Edges that wait to be counted; they are taken some times a second.


@dataclass(frozen=True, slots=True)
class Heard:
    """One edge, or how an input stands when listening begins. `at_ms` is of the monotonic clock;
    `missed` are edges that the source knows to have lost before this one.
    """

    number: int
    at_ms: int
    closed: bool
    missed: int = 0
    is_level: bool = False


class EdgeSource(Protocol):
    """Open when it is made; every method may raise OSError, and is then to be closed."""

    def wait(self, timeout_s: float) -> list[Heard]:
        """What came, oldest first; waits so long at most for the first."""

    def close(self) -> None:
        """Let go of it."""


class QueuedInput(PulseInput):
    """One input. A contact also wants to know how it stood when listening began; a pulse that had
    begun before that may have been counted already.
    """

    def __init__(self, *, is_contact: bool) -> None:
        self._is_contact = is_contact
        self._closed: bool | None = None
        self._waiting: deque[tuple[int, bool]] = deque()
        self._dropped = 0

    def put(self, heard: Heard) -> None:
        """Take one edge in."""
        self._dropped += heard.missed
        if heard.is_level and (not self._is_contact or heard.closed == self._closed):
            return
        self._closed = heard.closed
        if len(self._waiting) < QUEUE_MAX:
            self._waiting.append((heard.at_ms, heard.closed))
        else:
            self._dropped += 1

    def edges(self) -> list[tuple[int, bool]]:
        """See PulseInput.edges."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def dropped(self) -> int:
        """See PulseInput.dropped."""
        return self._dropped
