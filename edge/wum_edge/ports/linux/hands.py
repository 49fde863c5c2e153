"""What other threads hand to the agent's: records, messages, outcomes, and the end.

Left out: what is done with it (run.py).
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from wum_edge.ports.linux.sweeper import Record

HAND_IN_S = 0.5          # How often a line whose record finds no place looks whether all ends.
ANEW_AFTER_S = 2.0       # So long what came of the order has to go out.
_log = logging.getLogger("wum_edge.run")


@dataclass(frozen=True, slots=True)
class Heard:
    """A message from the head-end for ourselves, by its stream."""

    stream: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class ForAnother:
    """A message from the head-end for a concentrator behind this gateway."""

    topic: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Home:
    """What came of an order on a line, to be taken in the agent's thread."""

    take: Callable[[], None]


@dataclass(slots=True)
class Hands:
    """What other threads hand to the agent's. `own` is the beginning of our topics."""

    ending: threading.Event
    waiting: "queue.Queue[Record | Heard | ForAnother | Home]"
    own: str
    crash: BaseException | None = None
    is_restarting: bool = False
    anew_s: float | None = None         # When (monotonic) to start anew.

    def start_anew(self) -> None:
        """From the agent's thread: end soon, and start again with what is in force then."""
        self.anew_s = time.monotonic() + ANEW_AFTER_S

    def is_over(self) -> bool:
        """Whether it is time to start anew."""
        return self.anew_s is not None and time.monotonic() >= self.anew_s

    def end_to_restart(self) -> None:
        """The head-end ordered it: whoever runs us starts us again, for the exit code is not 0."""
        self.is_restarting = True
        self.ending.set()

    def record(self, record: Record) -> None:
        """From a line's thread: blocks while there is no place, until all ends."""
        while not self.ending.is_set():
            try:
                self.waiting.put(record, timeout=HAND_IN_S)
                return
            except queue.Full:
                continue

    def answer(self, topic: str, sealed: bytes) -> None:
        """From paho's thread: one that finds no place is lost like one that never came."""
        heard = (Heard(topic[len(self.own):], sealed) if topic.startswith(self.own)
                 else ForAnother(topic, sealed))
        try:
            self.waiting.put_nowait(heard)
        except queue.Full:
            _log.warning("a message of the head-end found no place; it will be sent again")

    def home(self, take: Callable[[], None]) -> None:
        """From a line's thread, which waits while there is no place, until all ends."""
        while not self.ending.is_set():
            try:
                self.waiting.put(Home(take), timeout=HAND_IN_S)
                return
            except queue.Full:
                continue

    def crashed(self, error: BaseException) -> None:
        """From any thread: a mistake of ours ends the process, and its next start is clean."""
        self.crash = error
        self.ending.set()
