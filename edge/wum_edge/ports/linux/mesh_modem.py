"""A RUI3 LoRa modem on a Linux tty: opened, lost, looked for, and opened again.

Left out: what is said to it (modem/rui3.py). Every method returns at once.
"""

import contextlib
import logging
import os
import select
import time

import serial

from wum_edge.modem.rui3 import NAMES, READY, Radio, Rui3
from wum_edge.ports.linux.line import sentence_of

BAUD = 115_200
LOOK_US = 2_000_000          # How often a device that is away is looked for.
_PIECE = 4096
_log = logging.getLogger("wum_edge.mesh.modem")


class SerialModem:
    """One modem at `port`; away until `step` finds it."""

    def __init__(self, port: str, radio: Radio) -> None:
        self.core = Rui3(radio, BAUD)
        self._port = port
        self._serial: serial.Serial | None = None
        self._look_us = 0
        self._told = ""
        self._rate = 0

    @property
    def state(self) -> str:
        """For people."""
        return NAMES[self.core.state]

    @property
    def is_ready(self) -> bool:
        return self.core.state == READY

    def fileno(self) -> int | None:
        return None if self._serial is None else self._serial.fileno()

    def deadline_us(self) -> int | None:
        return self._look_us if self._serial is None else self.core.deadline_us()

    def frame_extra_us(self) -> int:
        return self.core.frame_extra_us()

    def send(self, frame: bytes, rate: int, word: int, token: int, has_cad: bool) -> None:
        """Words are one here, and whether the channel is looked at first is the modem's setting."""
        self.core.send(_now_us(), frame, rate, token)
        self._write()

    def listen(self, rate: int, word: int) -> None:
        self.core.listen(_now_us(), rate)
        self._write()

    def step(self, now_us: int) -> list[tuple[object, ...]]:
        """What has happened meanwhile."""
        if self._serial is None and now_us >= self._look_us:
            self._look(now_us)
        if self._serial is not None:
            self._read()
        self.core.tick(_now_us())
        self._write()
        for is_warning, sentence in self.core.take_news():
            _log.log(logging.WARNING if is_warning else logging.INFO, "%s: %s", self._port,
                     sentence)
        return self.core.take_events()

    def close(self) -> None:
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def _look(self, now_us: int) -> None:
        """Open the device, if it is there. A trouble is told when it is new."""
        self._look_us = now_us + LOOK_US
        trouble = ""
        try:
            self._serial = serial.Serial(
                self._port, BAUD, timeout=0, write_timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            trouble = sentence_of(error)
        if self._serial is None:
            if trouble != self._told:
                self._told = trouble
                _log.warning("%s: modem cannot be used: %s; it is looked for every %d s",
                             self._port, trouble, LOOK_US // 1_000_000)
            return
        self._told = ""
        with contextlib.suppress(OSError, ValueError, NotImplementedError):
            self._serial.set_low_latency_mode(True)
        self.core.opened(_now_us())
        self._write()

    def _read(self) -> None:
        assert self._serial is not None
        try:
            if not select.select([self._serial.fileno()], [], [], 0)[0]:
                return
            data = os.read(self._serial.fileno(), _PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error.strerror or str(error))
            return
        if data:
            self.core.received(_now_us(), data)
        else:                        # Readable and empty: what an adapter says that was pulled out.
            self._lose("the device was pulled out")

    def _write(self) -> None:
        data = self.core.to_write()
        if not data or self._serial is None:
            return
        try:
            os.write(self._serial.fileno(), data)    # Some hundred bytes: a tty's buffer has 4096.
        except BlockingIOError:
            _log.warning("%s: modem takes no bytes", self._port)
        except OSError as error:
            self._lose(error.strerror or str(error))

    def _lose(self, why: str) -> None:
        with contextlib.suppress(OSError):
            self.close()
        self._serial = None
        self._look_us = _now_us() + LOOK_US
        self.core.lost(why)


def _now_us() -> int:
    return time.monotonic_ns() // 1000
