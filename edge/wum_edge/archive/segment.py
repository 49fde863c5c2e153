"""One segment: a header, then pieces of records, only ever appended. Layout: FORMAT.md.

Left out: which segment comes when, and numbering across segments (ring.py). Every check value
is seeded with incarnation and segment number, so that bytes of another archive, or of another
segment, never pass for ours.
"""

from binascii import crc32
from collections import namedtuple
from struct import pack, unpack

from wum_edge.archive.flash import IO_ERROR, Flash
from wum_shared.ids import INCARNATION_SIZE, SCHEMA_SIZE

FORMAT = 1
PIECE_MAX = 4096              # Head included: one erase block of a board's flash at a time.
PIECE_HEAD_SIZE = 30
HEADER_SIZE = 50
RECORDS_MAX = 1024            # In one piece.
RECORD_MIN = 8                # Bytes a record takes at least: bounds what a damaged end held.
RECORD_0_MIN = 10
RUN_BYTES = 16 * 1024         # A run of pieces that lean on each other: what damage can cost.
NUMBER_MAX = 2**32 - 1
SEGMENT_MAX = 1024 * 1024     # No file is read past this, whatever stands in it.
ALL_TIMES = (0, 0xFFFFFFFF)   # First and last time where nobody knows better.
NO_TIMES = (0xFFFFFFFF, 0)    # And of what holds no record.

_MAGIC = b"WUMA"
# Magic, format, incarnation, number, first sequence, schema, opened at, time quality.
_HEADER_0 = "<4sB8sIQ8sIB"
_HEADER_0_SIZE = 42
_HEADER = _HEADER_0 + "II"    # First and last time in the segment before.
_PIECE_MAGIC_0 = b"\xd7\xa5"
_PIECE_MAGIC = b"\xd7\xa6"
_PIECE_HEAD_0 = "<2sHHQI"     # Magic, body size, records, first sequence, CRC of the body.
_PIECE_HEAD_0_SIZE = 22
_PIECE_HEAD = "<2sHHQIII"     # The same; first and last time before the CRC.
_BEGINS_RUN = 0x8000          # Beside the number of records.
_PREFIX = "segment-"
_CHUNK = 4096


class Header(namedtuple("Header", (
        "format", "incarnation", "number", "first_sequence", "schema_id", "opened_at_s",
        "time_quality", "times_before"))):
    """What a segment says about itself, and first and last time of the records in the one before.

    `opened_at_s` is UTC by the concentrator's clock.
    """

    __slots__ = ()
    format: int
    incarnation: bytes
    number: int
    first_sequence: int
    schema_id: bytes
    opened_at_s: int
    time_quality: int
    times_before: tuple[int, int]


class Piece(namedtuple("Piece", (
        "at", "body_at", "end", "first_sequence", "count", "times", "begins_run", "format",
        "body_crc"))):
    """Where a piece stands whose head is genuine; its body is not looked at yet.

    `times`: of its first and its last record, by their clock; all of time in format 0.
    """

    __slots__ = ()
    at: int
    body_at: int
    end: int
    first_sequence: int
    count: int
    times: tuple[int, int]
    begins_run: bool
    format: int
    body_crc: int


def segment_name(number: int) -> str:
    """File name of segment `number`."""
    return "%s%08x" % (_PREFIX, number)


def segment_number(name: str) -> int | None:
    """Number of the segment in file `name`; None when the file is no segment."""
    digits = name[len(_PREFIX):]
    if not name.startswith(_PREFIX) or len(digits) != 8:
        return None
    if any(c not in "0123456789abcdef" for c in digits):
        return None
    return int(digits, 16)


def seed(incarnation: bytes, number: int) -> int:
    """Start value of every CRC in one segment."""
    return crc32(incarnation + pack("<I", number))


def joined(times: tuple[int, int], more: tuple[int, int]) -> tuple[int, int]:
    """First and last of two spans of time."""
    return min(times[0], more[0]), max(times[1], more[1])


def encode_header(header: Header) -> bytes:
    """The first bytes of a segment of today's format."""
    assert len(header.incarnation) == INCARNATION_SIZE and len(header.schema_id) == SCHEMA_SIZE
    assert 0 <= header.number <= NUMBER_MAX and header.format == FORMAT
    raw = pack(_HEADER, _MAGIC, *(tuple(header)[:7] + header.times_before))
    return raw + pack("<I", crc32(raw))


def decode_header(data: bytes, number: int) -> Header | None:
    """The header in the first HEADER_SIZE bytes of segment `number`; None when it is not one."""
    is_old = data[4:5] == b"\x00"
    size, form = (_HEADER_0_SIZE, _HEADER_0) if is_old else (HEADER_SIZE, _HEADER)
    if len(data) < size:
        return None
    raw = data[:size - 4]
    if unpack("<I", data[size - 4:size])[0] != crc32(raw):
        return None
    parts = unpack(form, raw)
    if parts[0] != _MAGIC or parts[1] > FORMAT or parts[3] != number:
        return None
    return Header(*(parts[1:8] + (ALL_TIMES if is_old else parts[8:],)))


def header_end(header: Header | None) -> int:
    """Where the pieces of a segment begin; the lowest place where its header says nothing."""
    return HEADER_SIZE if header is not None and header.format else _HEADER_0_SIZE


def most_records(header: Header | None, size: int) -> int:
    """How many records can have stood in `size` bytes that nobody can read any more."""
    if header is None:
        return max(0, (size - _PIECE_HEAD_0_SIZE) // RECORD_MIN)
    if header.format:
        return max(0, (size - PIECE_HEAD_SIZE) // RECORD_MIN)
    return max(0, (size - _PIECE_HEAD_0_SIZE) // RECORD_0_MIN)


def encode_piece(
        body: bytes, first_sequence: int, count: int, times: tuple[int, int], crc_seed: int, *,
        begins_run: bool) -> bytes:
    """The body of `count` records, numbered from `first_sequence`, as one piece."""
    assert 1 <= count <= RECORDS_MAX and len(body) >= RECORD_MIN * count
    head = pack(_PIECE_HEAD, _PIECE_MAGIC, len(body), count | (_BEGINS_RUN if begins_run else 0),
                first_sequence, times[0], times[1], crc32(body, crc_seed))
    return head + pack("<I", crc32(head, crc_seed)) + body


class Pages:
    """A file read in chunks: neighbours share one read, and what cannot be read is empty."""

    def __init__(self, flash: Flash, name: str, size: int) -> None:
        self.size = min(size, SEGMENT_MAX)
        self._flash = flash
        self._name = name
        self._at = 0
        self._data = b""

    def get(self, at: int, size: int) -> bytes:
        """`size` bytes from `at`; fewer at the end of the file or where the medium fails."""
        size = min(size, self.size - at)
        if size <= 0:
            return b""
        if at < self._at or at + size > self._at + len(self._data):
            self._data = b""         # A board has not the room for both.
            ahead = min(self._flash.read_ahead, self.size - at)
            self._data = self._read(at, max(size, ahead), size)
            self._at = at
        return self._data[at - self._at:at - self._at + size]

    def _read(self, at: int, size: int, least: int) -> bytes:
        for wanted in (size, least):
            try:
                return self._flash.read(self._name, at, wanted)
            except OSError as error:
                if error.args[0] != IO_ERROR:  # Out of handles or memory is no damage.
                    raise
        return b""


def next_piece(pages: Pages, at: int, crc_seed: int) -> Piece | None:
    """The first genuine piece at byte `at` or after it; None when there is none.

    A piece that does not start at `at` means that the bytes between are damaged.
    """
    while at + _PIECE_HEAD_0_SIZE <= pages.size:
        piece = _piece_at(pages, at, crc_seed)
        if piece is not None:
            return piece
        at = _next_magic(pages, at + 1)
    return None


def _piece_at(pages: Pages, at: int, crc_seed: int) -> Piece | None:
    magic = pages.get(at, 2)
    if magic == _PIECE_MAGIC:
        head = _genuine(pages.get(at, PIECE_HEAD_SIZE), PIECE_HEAD_SIZE, crc_seed)
        if head is not None:
            _, size, count, first, first_s, last_s, body_crc = unpack(_PIECE_HEAD, head)
            body_at = at + PIECE_HEAD_SIZE
            return Piece(at, body_at, body_at + size, first, count & ~_BEGINS_RUN,
                         (first_s, last_s), bool(count & _BEGINS_RUN), 1, body_crc)
    elif magic == _PIECE_MAGIC_0:
        head = _genuine(pages.get(at, _PIECE_HEAD_0_SIZE), _PIECE_HEAD_0_SIZE, crc_seed)
        if head is not None:
            _, size, count, first, body_crc = unpack(_PIECE_HEAD_0, head)
            body_at = at + _PIECE_HEAD_0_SIZE
            return Piece(at, body_at, body_at + size, first, count, ALL_TIMES, True, 0,
                         body_crc)
    return None


def _genuine(head: bytes, size: int, crc_seed: int) -> bytes | None:
    """A piece's head without its CRC; None where that does not hold."""
    if len(head) != size or unpack("<I", head[-4:])[0] != crc32(head[:-4], crc_seed):
        return None
    return head[:-4]


def _next_magic(pages: Pages, at: int) -> int:
    """Where a piece may start, from byte `at` on; past the end when there is no such place."""
    while at < pages.size:
        chunk = pages.get(at, _CHUNK)
        found = -1
        for magic in (_PIECE_MAGIC_0, _PIECE_MAGIC):
            place = chunk.find(magic)
            if place >= 0 and not 0 <= found < place:
                found = place
        if found >= 0:
            return at + found
        at += max(len(chunk) - 1, 1) if chunk else 512  # An unreadable sector is stepped over.
    return pages.size


def read_body(pages: Pages, piece: Piece, crc_seed: int) -> bytes | None:
    """The records of a piece; None when they are damaged or not all there."""
    body = pages.get(piece.body_at, piece.end - piece.body_at)
    if len(body) != piece.end - piece.body_at or crc32(body, crc_seed) != piece.body_crc:
        return None
    return body
