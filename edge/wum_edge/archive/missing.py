"""Why the archive has nothing of a time: dropped, damaged, from before it began, or never read.

Bodies are checked, not decoded. Left out: finding what is there (finder.py), and losses by number
(reader.py).
"""

from wum_edge.archive.flash import Flash
from wum_edge.archive.mount import Segment
from wum_edge.archive.segment import (
    ALL_TIMES,
    NO_TIMES,
    Pages,
    header_end,
    next_piece,
    read_body,
    seed,
)
from wum_shared.status import (
    GAP_DAMAGED,
    GAP_DROPPED,
    GAP_NEVER_READ,
    GAP_NOT_HERE,
    NEVER_SET,
)


def reasons(
        flash: Flash, segments: list[Segment], incarnation: bytes, first_s: int, last_s: int,
        next_sequence: int,
) -> list[tuple[int, int, int]]:
    """(first second, last second, reason) for each part of first_s..last_s, in which nothing is.

    Before the oldest record everything was dropped, or the archive had not begun. From there on
    what is damaged may have held it; what is not damaged would show it.
    """
    parts = []
    live = [segment for segment in segments if segment.header is not None]
    begins_s = _begins_s(live)
    if first_s < begins_s:
        before = GAP_DAMAGED if not live or live[0] is not segments[0] else (
            GAP_NOT_HERE if _first(live[0]) == 1 else GAP_DROPPED)
        parts.append((first_s, min(last_s, begins_s - 1), before))
        first_s = begins_s
    if first_s <= last_s:
        is_damaged = _is_damaged(flash, live, incarnation, (first_s, last_s), next_sequence)
        parts.append((first_s, last_s, GAP_DAMAGED if is_damaged else GAP_NEVER_READ))
    return parts


def _first(segment: Segment) -> int:
    assert segment.header is not None
    return segment.header.first_sequence


def _begins_s(live: list[Segment]) -> int:
    """The time of the oldest record, as far as it is known; 0 where it is not."""
    if not live:
        return ALL_TIMES[1]
    if live[0].times == NO_TIMES:
        return _begins_s(live[1:])
    if live[0].times != ALL_TIMES:
        return live[0].times[0]
    header = live[0].header
    assert header is not None
    return 0 if header.time_quality == NEVER_SET else header.opened_at_s


def _is_damaged(
        flash: Flash, live: list[Segment], incarnation: bytes, span: tuple[int, int],
        next_sequence: int,
) -> bool:
    """Whether records that cannot be read any more may have been captured in this span.

    What is lost between two records was captured between their times.
    """
    expected, before_s = _first(live[0]) if live else next_sequence, 0
    for index, segment in enumerate(live):
        end = _first(live[index + 1]) if index + 1 < len(live) else next_sequence
        first_s, last_s = segment.times
        whole = [(_first(segment), end, first_s, last_s)]    # As long as nobody looks inside.
        if first_s <= span[1] and span[0] <= last_s:
            whole = _readable(flash, segment, incarnation)
        for first, following, _, last_s in whole:
            if first > expected and before_s <= span[1] and span[0] <= last_s:
                return True
            expected, before_s = max(expected, following), last_s
    return expected < next_sequence and before_s <= span[1]


def _readable(
        flash: Flash, segment: Segment, incarnation: bytes) -> list[tuple[int, int, int, int]]:
    """(first number, number after the last, first time, last time) of each piece that is whole.

    A piece leans on those before it in its run: behind a damaged one the run is lost.
    """
    found = []
    crc_seed = seed(incarnation, segment.number)
    pages = Pages(flash, segment.name, segment.size)
    is_whole, end = False, -1
    piece = next_piece(pages, header_end(segment.header), crc_seed)
    while piece is not None:
        is_whole = (piece.begins_run or (is_whole and piece.at == end)) and (
            read_body(pages, piece, crc_seed) is not None)
        if is_whole:
            found.append((piece.first_sequence, piece.first_sequence + piece.count,
                          piece.times[0], piece.times[1]))
        end = piece.end
        piece = next_piece(pages, end, crc_seed)
    return found
