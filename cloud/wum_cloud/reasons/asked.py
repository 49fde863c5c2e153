"""What a gap request asked for, line by line, and what became of each; which readings came by it.

Pure: opened messages in, lines out. Left out: SQL, words for people (web/naming.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wum_shared.errors import WireError
from wum_shared.gaps import GapPart, GapRange, decode_gap_answer, decode_gap_request


@dataclass(frozen=True, slots=True)
class Line:
    """A part of what was asked for: seconds of the meter with serial `of`, or record numbers of the
    archive `of`. `reason` is one of status.GAPS; None: nothing was said of it.
    """

    of: str | bytes
    first: int
    last: int
    reason: int | None
    outcome: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A batch: when it came, of which archive and numbers, and what it held."""

    arrived_at: datetime
    incarnation: bytes
    first_sequence: int
    last_sequence: int
    first_captured_at: datetime | None
    last_captured_at: datetime | None


def lines(asked: bytes, answer: bytes | None) -> list[Line]:
    """In the order of the request. Neighbours with one answer are one line."""
    ranges = ranges_of(asked)
    parts: dict[int, list[GapPart]] = {}
    for part in _parts_of(answer):
        parts.setdefault(part.range, []).append(part)
    found: list[Line] = []
    for place, wanted in enumerate(ranges):
        own = parts.get(place)
        if not own:
            found.append(Line(wanted.of, wanted.first, wanted.last, None, 0))
        for part in own or []:
            line = Line(wanted.of, part.first, part.last, part.reason, part.outcome)
            if found and _follows(found[-1], line):
                line = Line(line.of, found.pop().first, line.last, line.reason, line.outcome)
            found.append(line)
    return found


def ranges_of(asked: bytes) -> tuple[GapRange, ...]:
    """What the opened request asks for; nothing where it is of another version."""
    try:
        return decode_gap_request(asked).ranges
    except WireError:
        return ()


def came_by(
        ranges: Iterable[GapRange], serial: str, start: datetime, end: datetime,
        batches: Iterable[Arrival]) -> bool:
    """Whether a meter's reading of start..end that came in one of `batches` was asked for."""
    for wanted in ranges:
        if wanted.of == serial and (
                wanted.first < end.timestamp() and start.timestamp() <= wanted.last):
            return True
        if isinstance(wanted.of, bytes) and any(_holds(wanted, one, start, end)
                                                for one in batches):
            return True
    return False


def _holds(wanted: GapRange, one: Arrival, start: datetime, end: datetime) -> bool:
    return (one.incarnation == wanted.of and wanted.first <= one.first_sequence
            and one.last_sequence <= wanted.last
            and one.first_captured_at is not None and one.last_captured_at is not None
            and one.first_captured_at < end and start <= one.last_captured_at)


def _parts_of(answer: bytes | None) -> tuple[GapPart, ...]:
    try:
        return () if answer is None else decode_gap_answer(answer).parts
    except WireError:
        return ()


def _follows(before: Line, line: Line) -> bool:
    return (before.of, before.last + 1, before.reason, before.outcome) == (
        line.of, line.first, line.reason, line.outcome)
