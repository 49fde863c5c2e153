"""Reading the archive by meter and time: what lies elsewhere is passed by without decoding it.

Segments and pieces say between which times their records were captured. Left out: reading by
sequence number (reader.py), which alone says what is lost.
"""

from collections import namedtuple

from wum_edge.archive.decoder import Decoder
from wum_edge.archive.flash import Flash
from wum_edge.archive.mount import Segment
from wum_edge.archive.segment import Pages, header_end, next_piece, seed
from wum_shared.batch import Missed, Row


class Found(namedtuple("Found", ("records", "next_sequence"))):
    """Rows and missed rows by sequence number, and where to go on; None when there is no more."""

    __slots__ = ()
    records: list[Row | Missed]
    next_sequence: int | None


class Wanted(namedtuple("Wanted", ("meter", "first_s", "last_s", "records"))):
    """What is looked for: a meter, captured from first to last second, so many records at most."""

    __slots__ = ()
    meter: int
    first_s: int
    last_s: int
    records: int


def find(
        flash: Flash, segments: list[Segment], incarnation: bytes, wanted: Wanted, first: int,
        last: int,
) -> Found:
    """Records first..last that are `wanted`. Segments end where the next one begins."""
    found: list[Row | Missed] = []
    live = [segment for segment in segments if segment.header is not None]
    for index, segment in enumerate(live):
        end = last
        if index + 1 < len(live):
            following = live[index + 1].header
            assert following is not None
            end = min(last, following.first_sequence - 1)
        if end < first or not _overlaps(segment.times, wanted):
            continue
        going_on = _find_in(flash, segment, incarnation, wanted, (first, end), found)
        if going_on is not None:
            return Found(found, going_on)
    return Found(found, None)


def _find_in(
        flash: Flash, segment: Segment, incarnation: bytes, wanted: Wanted,
        numbers: tuple[int, int], found: list[Row | Missed],
) -> int | None:
    """Add what is wanted of one segment; the number to go on with once there is enough."""
    crc_seed = seed(incarnation, segment.number)
    decoder = Decoder(crc_seed)
    pages = Pages(flash, segment.name, segment.size)
    piece = next_piece(pages, header_end(segment.header), crc_seed)
    while piece is not None and piece.first_sequence <= numbers[1]:
        if piece.first_sequence + piece.count <= numbers[0] or not _overlaps(piece.times, wanted):
            decoder.pass_by(piece)
        else:
            for record in decoder.records(pages, piece):
                if type(record) is Row or type(record) is Missed:
                    if not _is_wanted(record, wanted, numbers):
                        continue
                    if len(found) >= wanted.records:
                        return record.sequence
                    found.append(record)
        piece = next_piece(pages, piece.end, crc_seed)
    return None


def _overlaps(times: tuple[int, int], wanted: Wanted) -> bool:
    return times[0] <= wanted.last_s and wanted.first_s <= times[1]


def _is_wanted(record: Row | Missed, wanted: Wanted, numbers: tuple[int, int]) -> bool:
    return (record.meter == wanted.meter
            and wanted.first_s <= record.captured_at_s <= wanted.last_s
            and numbers[0] <= record.sequence <= numbers[1])
