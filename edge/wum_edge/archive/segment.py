"""One segment: a header, then pieces of records, only ever appended. Layout: FORMAT.md.

Left out: which segment comes when, and numbering across segments (ring.py). Every check value
is seeded with incarnation and segment number, so that bytes of another archive, or of another
segment, never pass for ours.
"""

from binascii import crc32
from collections import namedtuple
from struct import pack, unpack

from wum_edge.archive.flash import IO_ERROR, Flash
from wum_edge.archive.record import decode_record
from wum_shared.batch import Event, Missed, Row
from wum_shared.errors import Malformed
from wum_shared.ids import INCARNATION_SIZE, SCHEMA_SIZE

FORMAT = 0
PIECE_MAX = 4096              # Head included: one erase block of a board's flash at a time.
PIECE_HEAD_SIZE = 22
HEADER_SIZE = 42
NUMBER_MAX = 2**32 - 1
SEGMENT_MAX = 1024 * 1024     # No file is read past this, whatever stands in it.

_MAGIC = b"WUMA"
# Magic, format, incarnation, number, first sequence, schema, opened at, time quality.
_HEADER = "<4sB8sIQ8sIB"
_PIECE_MAGIC = b"\xd7\xa5"
_PIECE_HEAD = "<2sHHQI"       # Magic, body size, records, first sequence, CRC of the body.
_PREFIX = "segment-"
_CHUNK = 4096


class Header(namedtuple("Header", (
        "incarnation", "number", "first_sequence", "schema_id", "opened_at_s", "time_quality"))):
    """What a segment says about itself. `opened_at_s` is UTC by the concentrator's clock."""

    __slots__ = ()
    incarnation: bytes
    number: int
    first_sequence: int
    schema_id: bytes
    opened_at_s: int
    time_quality: int


class Piece(namedtuple("Piece", ("at", "end", "first_sequence", "count", "body_crc"))):
    """Where a piece stands whose head is genuine; its body is not looked at yet."""

    __slots__ = ()
    at: int
    end: int
    first_sequence: int
    count: int
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


def encode_header(header: Header) -> bytes:
    """The first bytes of a segment."""
    assert len(header.incarnation) == INCARNATION_SIZE and len(header.schema_id) == SCHEMA_SIZE
    assert 0 <= header.number <= NUMBER_MAX
    raw = pack(_HEADER, _MAGIC, FORMAT, *header)
    return raw + pack("<I", crc32(raw))


def decode_header(data: bytes, number: int) -> Header | None:
    """The header at the start of segment `number`; None when it is not one."""
    if len(data) != HEADER_SIZE:
        return None
    raw = data[:-4]
    if unpack("<I", data[-4:])[0] != crc32(raw):
        return None
    parts = unpack(_HEADER, raw)
    if parts[0] != _MAGIC or parts[1] != FORMAT or parts[3] != number:
        return None
    return Header(*parts[2:])


def piece_end(records: list[bytes], start: int) -> tuple[int, int]:
    """How far one piece reaches that begins with `records[start]`, and its bytes, head included."""
    end, size = start, PIECE_HEAD_SIZE
    while end < len(records) and size + len(records[end]) <= PIECE_MAX:
        size += len(records[end])
        end += 1
    assert end > start  # The longest record is a third of a piece.
    return end, size


def encode_piece(records: list[bytes], first_sequence: int, crc_seed: int) -> bytes:
    """Encoded records, numbered from `first_sequence`, as one piece."""
    body = b"".join(records)
    head = pack(_PIECE_HEAD, _PIECE_MAGIC, len(body), len(records), first_sequence,
                crc32(body, crc_seed))
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
            self._data = self._read(at, max(size, min(_CHUNK, self.size - at)), size)
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
    while at + PIECE_HEAD_SIZE <= pages.size:
        piece = _piece_at(pages, at, crc_seed)
        if piece is not None:
            return piece
        at = _next_magic(pages, at + 1)
    return None


def _piece_at(pages: Pages, at: int, crc_seed: int) -> Piece | None:
    head = pages.get(at, PIECE_HEAD_SIZE)
    if len(head) != PIECE_HEAD_SIZE or head[:2] != _PIECE_MAGIC:
        return None
    if unpack("<I", head[-4:])[0] != crc32(head[:-4], crc_seed):
        return None
    _, size, count, first, body_crc = unpack(_PIECE_HEAD, head[:-4])
    return Piece(at, at + PIECE_HEAD_SIZE + size, first, count, body_crc)


def _next_magic(pages: Pages, at: int) -> int:
    """Where a piece may start, from byte `at` on; past the end when there is no such place."""
    while at < pages.size:
        chunk = pages.get(at, _CHUNK)
        found = chunk.find(_PIECE_MAGIC)
        if found >= 0:
            return at + found
        at += max(len(chunk) - 1, 1) if chunk else 512  # An unreadable sector is stepped over.
    return pages.size


def read_body(pages: Pages, piece: Piece, crc_seed: int) -> bytes | None:
    """The records of a piece; None when they are damaged or not all there."""
    size = piece.end - piece.at - PIECE_HEAD_SIZE
    body = pages.get(piece.at + PIECE_HEAD_SIZE, size)
    if len(body) != size or crc32(body, crc_seed) != piece.body_crc:
        return None
    return body


def decode_body(body: bytes, piece: Piece) -> list[tuple[Row | Missed | Event, int]]:
    """(record, its bytes on flash) of each record in a piece, numbered.

    Ends before the first record that is none of ours: only another version writes such behind a
    CRC that holds, and its numbers then show as lost.
    """
    records: list[tuple[Row | Missed | Event, int]] = []
    at = 0
    try:
        for index in range(piece.count):
            record, end = decode_record(body, at, piece.first_sequence + index)
            records.append((record, end - at))
            at = end
    except Malformed:
        return records
    return records
