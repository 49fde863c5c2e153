"""Reading the archive from a sequence number on: records as kept, and what is lost between them.

Every number of a span is accounted for. Left out: where reading starts and what it is for, and
reading by meter and time (finder.py).
"""

from collections import namedtuple

from wum_edge.archive.cursor import Cursor
from wum_edge.archive.decoder import Decoder
from wum_edge.archive.flash import Flash
from wum_edge.archive.mount import Segment
from wum_edge.archive.pieces import plain_size
from wum_edge.archive.segment import Header, Pages, header_end, next_piece, seed
from wum_shared.batch import Event, Lost, Missed, Row
from wum_shared.status import LOST_DAMAGED, LOST_DROPPED


class Span(namedtuple("Span", (
        "schema_id", "first_sequence", "last_sequence", "rows", "missed", "events", "lost"))):
    """Records of one schema: every number from first to last is in exactly one of the lists."""

    __slots__ = ()
    schema_id: bytes
    first_sequence: int
    last_sequence: int
    rows: tuple[Row, ...]
    missed: tuple[Missed, ...]
    events: tuple[Event, ...]
    lost: tuple[Lost, ...]


class Limits(namedtuple("Limits", ("last_sequence", "records", "bytes"))):
    """Where reading stops: after this number, this many records, or these bytes of them, counted
    as format 0 has them: coding must not make a span bigger than its reader expects.
    """

    __slots__ = ()
    last_sequence: int
    records: int
    bytes: int


class Place:
    """Where the last reading ended, so that the next one need not begin its run again: most end
    within a piece, and a run has many.
    """

    __slots__ = ("at", "decoder", "next", "number", "rest")

    def __init__(self) -> None:
        self.number = -1              # Of the segment.
        self.at = 0
        self.next = 0                 # First sequence number that may stand there.
        self.decoder: Decoder | None = None
        self.rest: list[Row | Missed | Event] = []   # Of the piece before `at`: not taken yet.

    def taken(self, segment: Segment, crc_seed: int, first: int,
              ) -> tuple[Decoder, int, list[Row | Missed | Event]]:
        """Decoder and byte from which `first` is found in `segment`, or else among the records
        that come before. The place is used up."""
        decoder, self.decoder = self.decoder, None
        rest, self.rest = self.rest, []
        if decoder is None or self.number != segment.number or first < self.next:
            return Decoder(crc_seed), header_end(segment.header), []
        return decoder, self.at, rest

    def put(self, segment: Segment, decoder: Decoder, at: int, following: int,
            rest: list[Row | Missed | Event]) -> None:
        """All up to byte `at` was taken but for `rest`; `following` is the next number."""
        self.number, self.decoder, self.at, self.next = segment.number, decoder, at, following
        self.rest = rest


def read_span(
        flash: Flash, segments: list[Segment], cursor: Cursor, place: Place, first: int,
        limits: Limits,
) -> Span | None:
    """Records from `first` on; None without a segment to read. Segments end where the next begins.

    Whatever a segment holds past the first number of the next one was never accepted.
    """
    live = [segment for segment in segments if segment.header is not None]
    dropped = _header(live[0]).first_sequence - 1 if live and live[0] is segments[0] else 0
    reading = _Reading(flash, cursor, place, first, limits, min(dropped, cursor.sequence))
    for index, segment in enumerate(live):
        end = limits.last_sequence
        if index + 1 < len(live):
            end = min(end, _header(live[index + 1]).first_sequence - 1)
        if end < reading.next:
            continue
        if not reading.takes(_header(segment).schema_id):
            break
        reading.read_segment(segment, end)
    return reading.span()


def _header(segment: Segment) -> Header:
    assert segment.header is not None
    return segment.header


class _Reading:
    """A span while it is read."""

    def __init__(
            self, flash: Flash, cursor: Cursor, place: Place, first: int, limits: Limits,
            dropped: int) -> None:
        self.next = first
        self._dropped = dropped          # Up to this number all was dropped, acknowledged.
        self._first = first
        self._flash = flash
        self._cursor = cursor
        self._place = place
        self._schema_id: bytes | None = None
        self._records_left = limits.records
        self._bytes_left = limits.bytes
        self._rows: list[Row] = []
        self._missed: list[Missed] = []
        self._events: list[Event] = []
        self._lost: list[Lost] = []

    def takes(self, schema_id: bytes) -> bool:
        """Whether a segment of this schema still belongs to the span."""
        if self._schema_id is None:
            self._schema_id = schema_id
        return schema_id == self._schema_id and not self._is_full(0)

    def read_segment(self, segment: Segment, end: int) -> None:
        """Take records up to number `end` from `segment`, until the span is full."""
        header = _header(segment)
        if self.next < header.first_sequence:
            self._lose(min(header.first_sequence - 1, end))
        crc_seed = seed(self._cursor.incarnation, segment.number)
        pages = Pages(self._flash, segment.name, segment.size)
        decoder, at, rest = self._place.taken(segment, crc_seed, self.next)
        if rest and not self._take(rest, end):
            self._put(segment, decoder, at, rest)
            return
        while self.next <= end and not self._is_full(0):
            piece = next_piece(pages, at, crc_seed)
            if piece is None or piece.first_sequence > end:
                self._lose(end)
                return
            at = piece.end
            if piece.first_sequence + piece.count <= self.next:
                decoder.pass_by(piece)
                continue
            records = decoder.records(pages, piece)
            if not records:
                continue  # The next piece, or the end, shows which numbers are lost.
            if piece.first_sequence > self.next:
                self._lose(piece.first_sequence - 1)
            if not self._take(records, end):
                self._put(segment, decoder, at, records)
                return
        self._place.put(segment, decoder, at, self.next, [])

    def span(self) -> Span | None:
        """What was read; None when nothing was."""
        if self._schema_id is None or self.next == self._first:
            return None
        return Span(self._schema_id, self._first, self.next - 1, tuple(self._rows),
                    tuple(self._missed), tuple(self._events), tuple(self._lost))

    def _put(self, segment: Segment, decoder: Decoder, at: int,
             records: list[Row | Missed | Event]) -> None:
        """The next reading begins within a piece, with those of its records that follow."""
        self._place.put(segment, decoder, at, self.next,
                        [record for record in records if record.sequence >= self.next])

    def _take(self, records: list[Row | Missed | Event], end: int) -> bool:
        """Take those of a piece that are wanted; whether that was its last one."""
        for record in records:
            if not self.next <= record.sequence <= end:
                continue
            size = plain_size(record)
            if self._is_full(size):
                self._records_left = 0
                return False
            if type(record) is Row:
                self._rows.append(record)
            elif type(record) is Missed:
                self._missed.append(record)
            elif type(record) is Event:
                self._events.append(record)
            self._records_left -= 1
            self._bytes_left -= size
            self.next = record.sequence + 1
        return self.next > records[-1].sequence

    def _is_full(self, size: int) -> bool:
        return self._records_left <= 0 or self._bytes_left < size

    def _lose(self, last: int) -> None:
        """Account for self.next..last: given up where the cursor knows it, else damaged."""
        self._add_lost(min(self._dropped, last), LOST_DROPPED)
        for first, until, reason in self._cursor.dropped + ((last + 1, last + 1, LOST_DAMAGED),):
            if first > self.next:
                self._add_lost(min(first - 1, last), LOST_DAMAGED)
            if first <= self.next <= until and self.next <= last:
                self._add_lost(min(until, last), reason)

    def _add_lost(self, last: int, reason: int) -> None:
        if last >= self.next:
            self._lost.append(Lost(self.next, last, reason, ""))
            self._records_left -= 1
            self.next = last + 1
