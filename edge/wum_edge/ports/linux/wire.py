"""A line that is a file descriptor: silence, deadlines, and opening again what vanished.

Left out: what is opened (line.py a tty, tcp_line.py a connection) and what is said on it. Where a
frame ends is decided by the protocol, not by pauses between characters: adapters, kernels and
networks make pauses that no meter made.
"""

import logging
import select
import termios
import time
from abc import ABC, abstractmethod
from typing import Protocol

from wum_edge import config
from wum_edge.errors import LineGone
from wum_edge.meters.turn import Hearing, Line, Setting

BACK_OFF_S = 1.0         # Between two tries to open; doubled each time ...
BACK_OFF_MAX_S = 30.0    # ... up to this.
DRAIN_MAX_S = 0.3        # Whoever talks unasked for longer, and the silence, is talked over.
ARRIVING_S = 0.05        # A byte this long before the deadline belongs to an answer under way.
FRAME_CHARACTERS = 256   # Longest RTU frame: what an answer under way may still take.
SLEEP_LATE_S = 0.0015    # What a sleep may last too long; the rest of a silence is watched awake.
GONE = (OSError, termios.error)    # serial.SerialException is an OSError; termios.error is not.
_PIECE = 4096
_log = logging.getLogger(__name__)


class Wire(Protocol):
    """What was opened."""

    def fileno(self) -> int:
        """For select."""

    def read(self, size: int) -> bytes:
        """What is there, at most `size` bytes; it was seen to be readable. Raises OSError."""

    def write(self, data: bytes) -> None:
        """Say all of it; it has left when this returns, as far as one can know."""

    def set(self, setting: Setting) -> None:
        """How bytes go from now on. Nothing is under way."""

    def close(self) -> None:
        """Give it back."""


class WireLine(Line, ABC):
    """One line. Opens it at the first turn, and again after it vanished, with back-off."""

    def __init__(self, settings: config.Line) -> None:
        self._settings = settings
        self._setting = settings.setting()
        self._wire: Wire | None = None
        self._quiet_since = 0.0          # When the last byte was said or heard.
        self._open_again_at = 0.0
        self._back_off_s = BACK_OFF_S
        self._why_gone = ""

    @abstractmethod
    def _open(self, setting: Setting) -> Wire:
        """The wire, opened anew. Raises OSError."""

    @abstractmethod
    def _sentence(self, error: Exception) -> str:
        """Why it could not be opened or used, and what to do."""

    def set(self, setting: Setting) -> None:
        """See Line.set. A line that is not open will be opened so."""
        before, self._setting = self._setting, setting
        if self._wire is None or setting[:4] == before[:4]:
            return                       # The silence alone is ours, not the device's.
        time.sleep(max(0.0, self._quiet_since - time.monotonic()))
        try:
            self._wire.set(setting)
        except GONE as error:
            self._give_up(error)         # The next turn opens it again, and says so if it cannot.

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        """See Line.turn. What vanished is opened again at once, and once."""
        was_open = self._wire is not None
        try:
            return self._turn(self._opened(), say, is_whole, timeout_ms)
        except GONE as error:
            self._give_up(error)
        if was_open:
            try:
                return self._turn(self._opened(), say, is_whole, timeout_ms)
            except GONE as error:
                self._give_up(error)
        raise LineGone(self._why_gone)

    def close(self) -> None:
        """Give it back. The next turn would open it again."""
        if self._wire is not None:
            wire, self._wire = self._wire, None
            try:
                wire.close()
            except GONE as error:        # It is gone, which is what was wanted.
                _log.debug("%s: closing: %s", self._name(), error)

    def _name(self) -> str:
        return f"{self._settings.name} ({self._settings.port})"

    def _opened(self) -> Wire:
        if self._wire is not None:
            return self._wire
        if time.monotonic() < self._open_again_at:
            raise LineGone(self._why_gone)
        wire = self._open(self._setting)
        if self._why_gone:
            _log.warning("line %s: usable again", self._name())
        self._wire = wire
        self._back_off_s = BACK_OFF_S
        self._why_gone = ""
        self._quiet_since = time.monotonic()
        return wire

    def _give_up(self, error: Exception) -> None:
        """Close, keep the reason as a sentence, and say when to try again."""
        was_open = self._wire is not None
        self.close()
        reason = self._sentence(error)
        if was_open:
            reason = f"it vanished: {reason}"
        else:
            self._open_again_at = time.monotonic() + self._back_off_s
            self._back_off_s = min(2 * self._back_off_s, BACK_OFF_MAX_S)
        if not self._why_gone:
            _log.warning("line %s: %s", self._name(), reason)
        self._why_gone = f"line {self._name()}: {reason}"

    def _character_s(self) -> float:
        return self._setting.bits_per_character() / self._setting.baud

    def _turn(self, wire: Wire, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        start = time.monotonic()
        if say:
            self._drain(wire)
            start = time.monotonic() + len(say) * self._character_s()
            wire.write(say)
            start = max(start, time.monotonic())   # Some adapters return before the last bit.
            self._quiet_since = start
        return self._hear(wire, is_whole, start + timeout_ms / 1000)

    def _drain(self, wire: Wire) -> None:
        """Throw away what came unasked, and wait until the line was silent for long enough."""
        silence_s = self._setting.quiet_us / 1e6
        end = time.monotonic() + DRAIN_MAX_S + silence_s
        while True:
            now = time.monotonic()
            wait_s = self._quiet_since + silence_s - now
            if now >= end:
                break
            # The last of the silence is watched awake: a sleep ends late, once in every turn.
            if _readable(wire, max(wait_s - SLEEP_LATE_S, 0)):
                wire.read(_PIECE)
                self._quiet_since = time.monotonic()
            elif wait_s <= 0:
                break

    def _hear(self, wire: Wire, is_whole: Hearing, deadline: float) -> bytes:
        heard = bytearray()
        latest = deadline + FRAME_CHARACTERS * self._character_s()
        while True:
            now = time.monotonic()
            until = deadline
            if heard:   # An answer under way may finish: the deadline is for its beginning.
                until = max(deadline, min(latest, self._quiet_since + ARRIVING_S))
            if now >= until:
                return bytes(heard)
            if _readable(wire, until - now):
                heard += wire.read(_PIECE)
                self._quiet_since = time.monotonic()
                if is_whole(heard):
                    return bytes(heard)


def _readable(wire: Wire, wait_s: float) -> bool:
    return bool(select.select([wire.fileno()], [], [], wait_s)[0])
