"""The cursor: up to where the head-end has acknowledged, and what was given up past it.

One small file, replaced as a whole. Left out: when it moves (ring.py). Layout: FORMAT.md.
"""

from binascii import crc32
from collections import namedtuple
from struct import pack, unpack, unpack_from

from wum_edge.archive.flash import Flash, read_whole

CURSOR_NAME = "cursor"
DROPPED_MAX = 16              # Ranges given up and not yet reported; neighbours are joined.

_MAGIC = b"WUMC"
_FORMAT = 0
_HEAD = "<4sB8sQB"            # Magic, format, incarnation, cursor, ranges.
_HEAD_SIZE = 22
_RANGE = "<QQB"               # First sequence, last sequence, reason.
_RANGE_SIZE = 17
_FILE_MAX = _HEAD_SIZE + DROPPED_MAX * _RANGE_SIZE + 4


class Cursor(namedtuple("Cursor", ("incarnation", "sequence", "dropped"))):
    """All up to `sequence` is acknowledged; `dropped` lists (first, last, reason) after it."""

    __slots__ = ()
    incarnation: bytes
    sequence: int
    dropped: tuple[tuple[int, int, int], ...]

    def moved(self, sequence: int) -> "Cursor":
        """The cursor at `sequence`: ranges that are acknowledged by now are forgotten."""
        assert sequence >= self.sequence
        left = [(max(first, sequence + 1), last, reason)
                for first, last, reason in self.dropped if last > sequence]
        return Cursor(self.incarnation, sequence, tuple(left))

    def without(self, first: int, last: int, reason: int) -> "Cursor":
        """The cursor once records first..last are given up for `reason`."""
        ranges = list(self.dropped)
        if ranges and ranges[-1][1] + 1 >= first and ranges[-1][2] == reason:
            ranges[-1] = (ranges[-1][0], last, reason)
        else:
            ranges.append((first, last, reason))
        if len(ranges) > DROPPED_MAX:  # Two reasons become one; not one number is forgotten.
            ranges[:2] = [(ranges[0][0], ranges[1][1], ranges[1][2])]
        return Cursor(self.incarnation, self.sequence, tuple(ranges))


def read_cursor(flash: Flash) -> Cursor | None:
    """The cursor as kept; None when there is none or it is damaged."""
    data = read_whole(flash, CURSOR_NAME, _FILE_MAX)
    if data is None or len(data) < _HEAD_SIZE + 4:
        return None
    if unpack("<I", data[-4:])[0] != crc32(data[:-4]):
        return None
    magic, version, incarnation, sequence, count = unpack_from(_HEAD, data, 0)
    if magic != _MAGIC or version != _FORMAT or len(data) != _HEAD_SIZE + count * _RANGE_SIZE + 4:
        return None
    dropped = [unpack_from(_RANGE, data, _HEAD_SIZE + _RANGE_SIZE * i) for i in range(count)]
    return Cursor(incarnation, sequence, tuple(dropped))


def write_cursor(flash: Flash, cursor: Cursor) -> None:
    """Keep `cursor` durably. Raises OSError."""
    raw = pack(_HEAD, _MAGIC, _FORMAT, cursor.incarnation, cursor.sequence, len(cursor.dropped))
    for dropped in cursor.dropped:
        raw += pack(_RANGE, *dropped)
    flash.replace(CURSOR_NAME, raw + pack("<I", crc32(raw)))
