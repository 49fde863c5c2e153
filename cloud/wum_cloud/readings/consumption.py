"""Energy by interval: differences of a counter's readings, exact, and None where one is missing.

Pure. Nothing is interpolated: an interval whose edge has no reading is not known.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from wum_cloud.readings.series import Point

_moment = attrgetter("captured_at")


@dataclass(frozen=True, slots=True)
class Interval:
    """Energy between two edges as value x 10^scaler; None: not known. `open`: still running."""

    start: datetime
    end: datetime
    value: int | None
    open: bool


def consumption(
        points: Sequence[Point], edges: Sequence[datetime], period: timedelta,
) -> list[Interval]:
    """Energy of each interval between neighbouring `edges`.

    The reading of an edge is the first within one `period` from it. The last interval with
    readings runs up to the newest one. A counter that went back (replaced, or wrapped) or
    changed its scaler gives None.
    """
    found: list[Interval] = []
    for start, end in zip(edges, edges[1:], strict=False):
        first, last = _at(points, start, period), _at(points, end, period)
        running = last is None and bool(points) and start < points[-1].captured_at < end
        if running:
            last = points[-1]
        value = None
        if first is not None and last is not None and first.scaler == last.scaler:
            value = last.value - first.value
        found.append(Interval(start, end, value if value is None or value >= 0 else None, running))
    return found


def _at(points: Sequence[Point], edge: datetime, period: timedelta) -> Point | None:
    place = bisect_left(points, edge, key=_moment)
    if place == len(points) or points[place].captured_at - edge >= period:
        return None
    return points[place]
