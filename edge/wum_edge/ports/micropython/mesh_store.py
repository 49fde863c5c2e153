"""What a relay must not forget over a restart, in one small file beside the archive.

Durable before anything is sent under its numbers; the same bytes as ports/linux/mesh_store.py.

    magic "WUMM", format 0, end of the reserved counters (4 bytes), airtime in us (8), size of the
    windows (2) and the windows, CRC of all that
"""

from binascii import crc32
from struct import calcsize, pack, unpack

from wum_edge.archive.flash import read_whole

NAME = "mesh-counter"
_HEAD = ">4sBIQH"
_HEAD_SIZE = calcsize(_HEAD)
_WINDOWS_MAX = 1024
_COUNTER_MAX = 0xFFFFFFFF
# Where there is no file counting begins where the clock says, eight a second since 2024, as on
# Linux: more than a radio sends.
_BEGIN_S, _A_SECOND = 1704067200, 8


class CounterLost(Exception):
    """Nobody can tell which counters were used; the text says what to do."""


def first_counter(at_s):
    """The counter with which a station begins that is provisioned at this moment."""
    return min((at_s - _BEGIN_S) * _A_SECOND, _COUNTER_MAX - 0x100000)


class MeshStore:
    """The file, read once and written whenever the relay reserves."""

    def __init__(self, flash, known_s):
        """`known_s`: now, or where the clock is not set and nothing was sent from here yet, when
        the keys came to this flash; else 0. Raises CounterLost, OSError."""
        self._flash = flash
        data = read_whole(flash, NAME, _HEAD_SIZE + _WINDOWS_MAX + 4)
        if data is not None and len(data) >= _HEAD_SIZE + 4 and data[:5] == b"WUMM\x00" and (
                crc32(data[:-4]) == int.from_bytes(data[-4:], "big")):
            _, _, self.counter, self.spent_us, _ = unpack(_HEAD, data[:_HEAD_SIZE])
            self.windows = data[_HEAD_SIZE:-4]
            return
        if known_s <= _BEGIN_S:
            raise CounterLost("%s is %s and the clock was never set: without one of them counters "
                              "of the mesh could come twice. Give the board network time, or set "
                              "it up again: wum-firmware board" % (
                                  NAME, "damaged" if data is not None else "missing"))
        # Of airtime nothing is known: the account begins with the whole of it spent.
        self.counter, self.spent_us, self.windows = first_counter(known_s), None, b""

    def keep_windows(self, windows):
        """What `Guard` begins with after a restart. Durable on return. Raises OSError."""
        self.windows = windows[:_WINDOWS_MAX]
        if self.spent_us is not None:
            self.keep(self.counter, self.spent_us)

    def keep(self, counter, spent_us):
        """Durable on return. Raises OSError."""
        head = pack(_HEAD, b"WUMM", 0, counter, spent_us, len(self.windows)) + self.windows
        self._flash.replace(NAME, head + crc32(head).to_bytes(4, "big"))
        self.counter, self.spent_us = counter, spent_us
