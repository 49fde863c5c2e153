"""The series of a delivery point: what its meters counted one after another, as one counter.

Pure. Over a replacement it goes on by (final - before) + (after - first): nothing is invented and
nothing is lost. Where a final or a first reading is not known the counter breaks: nobody knows what
was used across. A span without a meter is a gap that is told, though nothing was counted in it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

NO_METER = "no meter installed"
NO_FINAL = "the final reading is not known"
NO_FIRST = "the first reading is not known"


@dataclass(frozen=True, slots=True)
class Count:
    """What a counter showed: value x 10^scaler of the series."""

    at: datetime
    value: int


@dataclass(frozen=True, slots=True)
class Stay:
    """A meter at the delivery point, `began` to `ended`; None: since ever, and still.

    `counts` are its readings between, oldest first; `first` and `final` what a person read off it
    as it came and went. All in steps of one scaler.
    """

    meter: str
    began: datetime | None
    ended: datetime | None
    counts: Sequence[Count]
    first: int | None = None
    final: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of the delivery point of which something is not known, and why."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Used:
    """What was used between two edges; None: not known. `meters` that counted in it, `open`: it
    goes on."""

    start: datetime
    end: datetime
    value: int | None
    open: bool
    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """A count of the joined counter. Only those of one `part` can be compared. `holds`: until this
    one nothing was counted since the one before, for there was no meter."""

    at: datetime
    part: int
    value: int
    holds: bool


def counter(stays: Sequence[Stay]) -> tuple[list[_Place], list[Gap]]:
    """The stays, oldest first, as one counter; and where it breaks or nothing was installed."""
    places: list[_Place] = []
    gaps: list[Gap] = []
    part, offset = 0, 0                     # Of this stay: joined value = value + offset.
    for before, stay in zip([None, *stays], stays, strict=False):
        if before is not None:
            part, offset, found = _step(before, stay, part, offset)
            gaps += found
        if stay.first is not None and stay.began is not None:
            holds = before is not None and bool(places) and places[-1].part == part
            places.append(_Place(stay.began, part, stay.first + offset, holds))
        places += [_Place(c.at, part, c.value + offset, False) for c in stay.counts
                   if (stay.began is None or c.at >= stay.began)
                   and (stay.ended is None or c.at <= stay.ended)]
        if stay.final is not None and stay.ended is not None:
            places.append(_Place(stay.ended, part, stay.final + offset, False))
    return places, gaps


def _step(before: Stay, stay: Stay, part: int, offset: int) -> tuple[int, int, list[Gap]]:
    """From one meter to the next: (part, offset) of the next, and what is not known."""
    gaps = []
    ended, began = before.ended, stay.began
    assert ended is not None and began is not None and ended <= began
    if ended < began:
        gaps.append(Gap(ended, began, NO_METER))
    if before.final is not None and stay.first is not None:
        return part, offset + before.final - stay.first, gaps
    since = before.counts[-1].at if before.final is None and before.counts else ended
    until = stay.counts[0].at if stay.first is None and stay.counts else began
    gaps.append(Gap(since, until, NO_FINAL if before.final is None else NO_FIRST))
    return part + 1, 0, gaps


def used(
        stays: Sequence[Stay], edges: Sequence[datetime], period: timedelta,
) -> tuple[list[Used], list[Gap]]:
    """What was used between neighbouring `edges`, and the gaps that touch them.

    The count of an edge is the first within one `period` from it; the last interval with any runs
    up to the newest. Sums of neighbouring intervals are exactly the sum over both.
    """
    places, gaps = counter(stays)
    moments = [place.at for place in places]
    found = []
    for start, end in zip(edges, edges[1:], strict=False):
        first, last = _at(places, moments, start, period), _at(places, moments, end, period)
        running = last is None and bool(places) and start < moments[-1] < end
        if running:
            last = places[-1]
        value = None
        if first is not None and last is not None and first.part == last.part:
            value = last.value - first.value
        found.append(Used(start, end, value if value is None or value >= 0 else None, running,
                          _meters(stays, start, end)))
    return found, [gap for gap in gaps if gap.end > edges[0] and gap.start < edges[-1]]


def _at(
        places: Sequence[_Place], moments: Sequence[datetime], edge: datetime, period: timedelta,
) -> _Place | None:
    n = bisect_left(moments, edge)
    if n == len(places) or (moments[n] - edge >= period and not places[n].holds):
        return None
    return places[n]


def _meters(stays: Sequence[Stay], start: datetime, end: datetime) -> tuple[str, ...]:
    return tuple(stay.meter for stay in stays
                 if (stay.began is None or stay.began < end)
                 and (stay.ended is None or stay.ended > start))
