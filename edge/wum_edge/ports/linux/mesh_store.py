"""What a relay must not forget: the counters that it has reserved, a bound of its airtime, and what
it has heard of its neighbours' counters; and the number under which one asked to join.

One file of the archive's folder, durable before anything is sent under its numbers. Left out: what
they are for (mesh/guard.py, mesh/duty.py).

    magic "WUMM", format 0, end of the reserved counters (4 bytes), airtime in us (8), size of the
    windows (2) and the windows, CRC of all that
"""

import errno
import os
import struct
from binascii import crc32
from pathlib import Path

NAME = "mesh-counter"
NONCE = "mesh-nonce"
COUNTER_MAX = 0xFFFFFFFF
_MAGIC, _FORMAT = b"WUMM", 0
_HEAD = ">4sBIQH"
_WINDOWS_MAX = 1024           # 6 bytes for each of 64 neighbours.
# A file that is lost with a network's key in use: counting begins where the clock says, eight a
# second since 2024, which is more than a radio sends in a year and lasts until 2041.
_BEGIN_S, _A_SECOND = 1_704_067_200, 8


class CounterLost(Exception):
    """Nobody can tell which counters were used; the text says what to do."""


class MeshStore:
    """The file, read once and written whenever the relay reserves."""

    def __init__(self, folder: Path, now_s: int, is_new: bool) -> None:
        """`is_new`: nothing was ever sent from here. Raises CounterLost, OSError."""
        self._path, self._is_new = folder / NAME, is_new
        self.counter, self.spent_us, self.windows = self._read(now_s)

    def _read(self, now_s: int) -> tuple[int, int | None, bytes]:
        data = self._path.read_bytes() if self._path.exists() else b""
        size = struct.calcsize(_HEAD)
        if size + 4 <= len(data) <= size + _WINDOWS_MAX + 4 and (
                data[:4] == _MAGIC and data[4] == _FORMAT
                and crc32(data[:-4]) == int.from_bytes(data[-4:], "big")):
            _, _, counter, spent_us, _ = struct.unpack(_HEAD, data[:size])
            return counter, spent_us, data[size:-4]
        if now_s <= _BEGIN_S:
            raise CounterLost(
                f"{self._path} is {'damaged' if data else 'missing'} and the clock was never set: "
                "without one of them counters of the mesh could come twice. Set the clock (NTP, "
                "or date -u -s)")
        # Of airtime nothing is known then: the account begins with the whole of it spent.
        spent = 0 if self._is_new and not data else None
        return min((now_s - _BEGIN_S) * _A_SECOND, COUNTER_MAX - 0x100000), spent, b""

    def keep_windows(self, windows: bytes) -> None:
        """What `Guard` begins with after a restart. Durable on return. Raises OSError."""
        self.windows = windows[:_WINDOWS_MAX]
        # Before the first frame of ours there is no bound of airtime, and nothing to lose.
        if self.spent_us is not None:
            self.keep(self.counter, self.spent_us)

    def keep(self, counter: int, spent_us: int) -> None:
        """Durable on return. Raises OSError."""
        head = struct.pack(_HEAD, _MAGIC, _FORMAT, counter, spent_us, len(self.windows))
        head += self.windows
        write_durably(self._path, head + crc32(head).to_bytes(4, "big"))
        self.counter, self.spent_us = counter, spent_us


class NonceStore:
    """The last number under which this station asked to join: none is used twice. A file that is
    lost begins anywhere of 2**32.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self._path = folder / NONCE
        data = self._path.read_bytes() if self._path.exists() else b""
        is_whole = len(data) == 8 and crc32(data[:4]) == int.from_bytes(data[4:], "big")
        self.last = int.from_bytes(data[:4] if is_whole else os.urandom(4), "big")

    def keep(self, nonce: int) -> None:
        """Durable on return. Raises OSError."""
        data = nonce.to_bytes(4, "big")
        write_durably(self._path, data + crc32(data).to_bytes(4, "big"))
        self.last = nonce


def write_durably(path: Path, data: bytes) -> None:
    """A small file for its owner alone: the old one or the new one, whole. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        if os.write(handle, data) != len(data):  # A full disk takes a part, and says nothing.
            raise OSError(errno.ENOSPC, "no space left on device", str(fresh))
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(fresh, path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
