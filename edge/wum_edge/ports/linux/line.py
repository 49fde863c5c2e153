"""An RS-485 line on a Linux tty: adapters, on-board ports and ptys, through pyserial.

Left out: turns and their silence (wire.py), and what is said.
"""

import errno
import logging
import os
import termios

import serial

from wum_edge.meters.turn import Setting
from wum_edge.ports.linux.wire import GONE, Wire, WireLine

_log = logging.getLogger(__name__)
_PTYS = "/dev/pts/"
_SENTENCES = {
    errno.ENOENT: "there is no such device: is the adapter plugged in?",
    errno.EACCES: "this user may not open it: add it to the device's group (often dialout)",
    errno.EBUSY: "another program uses it",
    errno.ENOTTY: "this is no serial device: port wants one like /dev/ttyUSB0",
    errno.EISDIR: "this is a folder: port wants a serial device like /dev/ttyUSB0",
    errno.ENODEV: "the device behind it is gone: is the adapter plugged in?",
    errno.ENXIO: "the device behind it is gone: is the adapter plugged in?",
    errno.EIO: "the adapter does not answer: unplug it and plug it in again",
    errno.EAGAIN: "another program uses it",
}


class SerialLine(WireLine):
    """One tty."""

    def _open(self, setting: Setting) -> Wire:
        return _Tty(self._settings.port, _on(self._settings.port, setting), self._name())

    def _sentence(self, error: Exception) -> str:
        return sentence_of(error)


def sentence_of(error: Exception) -> str:
    """Why a device cannot be opened, and what to do."""
    number = getattr(error, "errno", None)
    behind = error.__context__
    if number is None and isinstance(behind, termios.error):
        number = behind.args[0]          # pyserial says of it what nobody can look up.
    return _SENTENCES.get(number or 0, str(error))


class _Tty:
    """An open tty, and nobody else's."""

    def __init__(self, port: str, setting: Setting, name: str) -> None:
        self._port = port
        self._serial = serial.Serial(
            port, setting.baud, bytesize=setting.data_bits, parity=setting.parity,
            stopbits=setting.stop_bits, timeout=0, write_timeout=2, exclusive=True)
        try:
            self._serial.set_low_latency_mode(True)
        except (ValueError, NotImplementedError, *GONE) as error:
            # Only some adapters have it (FTDI: 1 ms instead of 16); the others work without.
            _log.debug("%s: no low latency mode: %s", name, error)

    def fileno(self) -> int:
        return self._serial.fileno()

    def read(self, size: int) -> bytes:
        return self._serial.read(size)

    def write(self, data: bytes) -> None:
        self._serial.write(data)
        self._serial.flush()

    def set(self, setting: Setting) -> None:
        """Switched in place: closing would let go of the lock, and of the modem lines."""
        baud, data_bits, parity, stop_bits, _ = _on(self._port, setting)
        self._serial.flush()
        self._serial.baudrate = baud
        self._serial.bytesize = data_bits
        self._serial.parity = parity
        self._serial.stopbits = stop_bits

    def close(self) -> None:
        self._serial.close()


def _on(port: str, setting: Setting) -> Setting:
    """What the device can be told. A pty carries bytes, not characters: it refuses 7E1."""
    if os.path.realpath(port).startswith(_PTYS):
        return setting.carrying_bytes()
    return setting
