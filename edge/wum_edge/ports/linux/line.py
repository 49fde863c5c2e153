"""An RS-485 line on a Linux tty: adapters, on-board ports and ptys, through pyserial.

Left out: what is said on it. MODBUS over Serial Line V1.02, 2.5.1.1: 3.5 characters of silence
before a frame. Where a frame ends is decided by the protocol, not by pauses between characters:
adapters and kernels make pauses that no meter made.
"""

import errno
import logging
import os
import select
import termios
import time

import serial

from wum_edge import config
from wum_edge.errors import LineGone
from wum_edge.meters.ranges import silence_us
from wum_edge.meters.turn import Hearing, Line

BACK_OFF_S = 1.0         # Between two tries to open; doubled each time ...
BACK_OFF_MAX_S = 30.0    # ... up to this.
DRAIN_MAX_S = 0.3        # Whoever talks unasked for longer is talked over.
ARRIVING_S = 0.05        # A byte this long before the deadline belongs to an answer under way.
FRAME_CHARACTERS = 256   # Longest RTU frame: what an answer under way may still take.
_PIECE = 4096
_log = logging.getLogger(__name__)
_GONE = (OSError, termios.error)   # serial.SerialException is an OSError; termios.error is not.
_SENTENCES = {
    errno.ENOENT: "there is no such device: is the adapter plugged in?",
    errno.EACCES: "this user may not open it: add it to the device's group (often dialout)",
    errno.EBUSY: "another program uses it",
    errno.EAGAIN: "another program uses it",
}


class SerialLine(Line):
    """One tty. Opens it at the first turn, and again after it vanished, with back-off."""

    def __init__(self, settings: config.Line) -> None:
        self._settings = settings
        bits = settings.bits_per_character()
        self._silence_s = silence_us(settings.baud, bits) / 1e6
        self._character_s = bits / settings.baud
        self._tty: serial.Serial | None = None
        self._quiet_since = 0.0          # When the last byte was said or heard.
        self._open_again_at = 0.0
        self._back_off_s = BACK_OFF_S
        self._why_gone = ""

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        """See Line.turn. A tty that vanished is opened again at once, and once."""
        was_open = self._tty is not None
        try:
            return self._turn(self._opened(), say, is_whole, timeout_ms)
        except _GONE as error:
            self._give_up(error)
        if was_open:
            try:
                return self._turn(self._opened(), say, is_whole, timeout_ms)
            except _GONE as error:
                self._give_up(error)
        raise LineGone(self._why_gone)

    def close(self) -> None:
        """Give the tty back. The next turn would open it again."""
        if self._tty is not None:
            tty, self._tty = self._tty, None
            try:
                tty.close()
            except _GONE as error:       # It is gone, which is what was wanted.
                _log.debug("%s: closing: %s", self._name(), error)

    def _name(self) -> str:
        return f"{self._settings.name} ({self._settings.port})"

    def _opened(self) -> serial.Serial:
        if self._tty is not None:
            return self._tty
        if time.monotonic() < self._open_again_at:
            raise LineGone(self._why_gone)
        s = self._settings
        tty = serial.Serial(
            s.port, s.baud, bytesize=s.data_bits, parity=s.parity, stopbits=s.stop_bits,
            timeout=0, write_timeout=2, exclusive=True)
        try:
            tty.set_low_latency_mode(True)
        except (ValueError, NotImplementedError, *_GONE) as error:
            # Only some adapters have it (FTDI: 1 ms instead of 16); the others work without.
            _log.debug("%s: no low latency mode: %s", self._name(), error)
        if self._why_gone:
            _log.warning("line %s: usable again", self._name())
        self._tty = tty
        self._back_off_s = BACK_OFF_S
        self._why_gone = ""
        self._quiet_since = time.monotonic()
        return tty

    def _give_up(self, error: Exception) -> None:
        """Close, keep the reason as a sentence, and say when to try again."""
        was_open = self._tty is not None
        self.close()
        number = getattr(error, "errno", None)
        reason = _SENTENCES.get(number or 0, str(error))
        if was_open:
            reason = f"it vanished: {reason}"
        else:
            self._open_again_at = time.monotonic() + self._back_off_s
            self._back_off_s = min(2 * self._back_off_s, BACK_OFF_MAX_S)
        if not self._why_gone:
            _log.warning("line %s: %s", self._name(), reason)
        self._why_gone = f"line {self._name()}: {reason}"

    def _turn(self, tty: serial.Serial, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        start = time.monotonic()
        if say:
            self._drain(tty)
            start = time.monotonic() + len(say) * self._character_s
            tty.write(say)
            tty.flush()
            start = max(start, time.monotonic())   # Some adapters return before the last bit.
            self._quiet_since = start
        return self._hear(tty, is_whole, start + timeout_ms / 1000)

    def _drain(self, tty: serial.Serial) -> None:
        """Throw away what came unasked, and wait until the line was silent for long enough."""
        end = time.monotonic() + DRAIN_MAX_S
        while True:
            now = time.monotonic()
            wait_s = self._quiet_since + self._silence_s - now
            if now >= end:
                break
            if self._readable(tty, max(wait_s, 0)):
                tty.read(_PIECE)
                self._quiet_since = time.monotonic()
            elif wait_s <= 0:
                break

    def _hear(self, tty: serial.Serial, is_whole: Hearing, deadline: float) -> bytes:
        heard = bytearray()
        latest = deadline + FRAME_CHARACTERS * self._character_s
        while True:
            now = time.monotonic()
            until = deadline
            if heard:   # An answer under way may finish: the deadline is for its beginning.
                until = max(deadline, min(latest, self._quiet_since + ARRIVING_S))
            if now >= until:
                return bytes(heard)
            if self._readable(tty, until - now):
                heard += tty.read(_PIECE)
                self._quiet_since = time.monotonic()
                if is_whole(heard):
                    return bytes(heard)

    @staticmethod
    def _readable(tty: serial.Serial, wait_s: float) -> bool:
        return bool(select.select([tty.fileno()], [], [], wait_s)[0])


def is_there(settings: config.Line) -> bool:
    """Whether the line's device exists at this moment."""
    return os.path.exists(settings.port)
