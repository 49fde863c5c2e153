"""Mounting: what stands on flash after a start, whatever happened before. Nothing is changed here.

Reads the header of every segment and the whole of the last one, so that time and memory are
bounded by the number of segments and the size of one. Left out: acting on it (ring.py).
"""

from collections import namedtuple

from wum_edge.archive.cursor import CURSOR_NAME, Cursor, read_cursor
from wum_edge.archive.flash import Flash
from wum_edge.archive.segment import (
    ALL_TIMES,
    FORMAT,
    HEADER_SIZE,
    NO_TIMES,
    Header,
    Pages,
    decode_header,
    header_end,
    joined,
    most_records,
    next_piece,
    read_body,
    seed,
    segment_name,
    segment_number,
)
from wum_shared.status import EVENT_ARCHIVE_DAMAGED


class Segment:
    """One segment in the index. `header` is None when it is damaged or of another archive.

    `times`: no record of it was captured before the first or after the second.
    """

    __slots__ = ("header", "name", "number", "size", "times")

    def __init__(self, number: int, size: int, header: Header | None) -> None:
        self.times = ALL_TIMES
        self.number = number
        self.name = segment_name(number)
        self.size = size
        self.header = header


class Mounted(namedtuple("Mounted", (
        "is_new", "segments", "cursor", "next_sequence", "is_clean", "notices"))):
    """What was found. `cursor` holds the incarnation; `segments` are in their order.

    `is_clean`: the last segment may be appended to. `notices` lists (event kind, note).
    """

    __slots__ = ()
    is_new: bool
    segments: list[Segment]
    cursor: Cursor
    next_sequence: int
    is_clean: bool
    notices: list[tuple[int, str]]


def last_of_oldest(segments: list[Segment]) -> int | None:
    """The last number in the oldest segment; None when there is no newer one to tell."""
    for segment in segments[1:]:
        if segment.header is not None:
            return segment.header.first_sequence - 1
    return None


def mount(flash: Flash, new_incarnation: bytes) -> Mounted:
    """The archive on `flash`; an empty one named `new_incarnation` where there is none.

    Raises OSError only when flash cannot be used at all; damage ends up in the notices.
    """
    notices: list[tuple[int, str]] = []
    segments = _index(flash)
    kept = read_cursor(flash)
    incarnation = _incarnation(segments, kept)
    if incarnation is not None:
        _drop_foreign(segments, incarnation, notices)
        number, is_clean = _end_of_numbering(flash, segments, incarnation)
        if number:
            cursor = _cursor(kept, incarnation, segments, notices)
            least = max([cursor.sequence] + [last for _, last, _ in cursor.dropped]) + 1
            return Mounted(False, segments, cursor, max(number, least),
                           is_clean and number >= least, notices)
    if segments or (kept is not None and (kept.sequence or kept.dropped)):
        _notice(notices, "no readable segment is left: a new archive begins")
    return Mounted(True, segments, Cursor(new_incarnation, 0, ()), 1, False, notices)


def _index(flash: Flash) -> list[Segment]:
    segments = []
    for name in flash.names():
        number = segment_number(name)
        if number is not None:
            size = flash.size(name)
            header = decode_header(Pages(flash, name, size).get(0, HEADER_SIZE), number)
            segments.append(Segment(number, size, header))
    segments.sort(key=_by_number)  # No ties: a name stands once in a folder.
    for index, segment in enumerate(segments[1:]):
        if segment.header is not None and segments[index].number == segment.number - 1:
            segments[index].times = segment.header.times_before
    return segments


def _by_number(segment: Segment) -> int:
    return segment.number


def _incarnation(segments: list[Segment], kept: Cursor | None) -> bytes | None:
    """Whose archive this is: the cursor's, unless every segment says otherwise."""
    named = [segment.header.incarnation for segment in segments if segment.header is not None]
    if kept is not None and (not named or kept.incarnation in named):
        return kept.incarnation
    return named[-1] if named else None


def _drop_foreign(
        segments: list[Segment], incarnation: bytes, notices: list[tuple[int, str]],
) -> None:
    for segment in segments:
        if segment.header is None:
            _notice(notices, "%s: its header is damaged" % segment.name)
        elif segment.header.incarnation != incarnation:
            segment.header = None
            _notice(notices, "%s: it belongs to another archive" % segment.name)


def _end_of_numbering(
        flash: Flash, segments: list[Segment], incarnation: bytes,
) -> tuple[int, bool]:
    """(next sequence number, whether the last segment ends clean); (0, False) without evidence."""
    last = len(segments) - 1
    while last >= 0 and segments[last].header is None:
        last -= 1
    number = 0
    is_clean = False
    if last >= 0:
        header = segments[last].header
        assert header is not None
        number = header.first_sequence
    for segment in segments[max(last, 0):]:  # Past it stand only segments without a header.
        number, is_clean = _survey(flash, segment, incarnation, number)
    header = segments[-1].header if segments else None
    return number, is_clean and header is not None and header.format == FORMAT


def _survey(
        flash: Flash, segment: Segment, incarnation: bytes, number: int,
) -> tuple[int, bool]:
    """Next number after `segment`, when `number` is the one before it, and whether it ends clean.

    Bytes that are missing at the end were never synced: their numbers are free. Bytes that are
    there but wrong may have been records that somebody has seen: their numbers are spent, as
    many as could be in them, and show up as a lost range.
    """
    crc_seed = seed(incarnation, segment.number)
    pages = Pages(flash, segment.name, segment.size)
    at = header_end(segment.header)
    is_clean = True
    times = NO_TIMES
    piece = next_piece(pages, at, crc_seed)
    while piece is not None:
        is_clean = read_body(pages, piece, crc_seed) is not None
        times = joined(times, piece.times)
        if piece.end <= segment.size:
            number = max(number, piece.first_sequence + piece.count)
        at = piece.end
        piece = next_piece(pages, at, crc_seed)
    rest = segment.size - at
    if rest > 0 and number:
        is_clean = False
        number += most_records(segment.header, rest)
    if is_clean:
        segment.times = times
    return number, is_clean


def _cursor(
        kept: Cursor | None, incarnation: bytes, segments: list[Segment],
        notices: list[tuple[int, str]],
) -> Cursor:
    if kept is not None and kept.incarnation == incarnation:
        return kept
    first = min([segment.header.first_sequence for segment in segments
                 if segment.header is not None] + [2**53])
    if first == 2**53:
        first = 1
    _notice(notices, "%s: missing or damaged; all from record %d on is sent again" % (
        CURSOR_NAME, first))
    return Cursor(incarnation, first - 1, ())


def _notice(notices: list[tuple[int, str]], note: str) -> None:
    notices.append((EVENT_ARCHIVE_DAMAGED, note))
