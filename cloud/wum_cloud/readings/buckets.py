"""Hours and local days of a series: first, last, least and greatest reading of each.

Pure. No mean and no difference is made here: what a bucket says was read from the meter. A day is
a day of the site's zone, 23 or 25 hours long when its clocks change.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wum_cloud.readings.series import Point

SpanOf = Callable[[datetime], tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Readings captured in start..end (end left out); there is at least one."""

    start: datetime
    end: datetime
    readings: int
    first: Point
    last: Point
    least: Point
    greatest: Point


def hours(points: Sequence[Point]) -> list[Bucket]:
    """Buckets of one UTC hour; hours without a reading are left out."""
    def hour_of(moment: datetime) -> tuple[datetime, datetime]:
        start = moment.replace(minute=0, second=0, microsecond=0)
        return start, start + timedelta(hours=1)
    return list(_buckets(points, hour_of))


def days(points: Sequence[Point], zone: ZoneInfo) -> list[Bucket]:
    """Buckets of one local day of `zone`; days without a reading are left out."""
    def day_of(moment: datetime) -> tuple[datetime, datetime]:
        date = moment.astimezone(zone).date()
        start = datetime.combine(date, time(), zone)
        end = datetime.combine(date + timedelta(days=1), time(), zone)
        return start.astimezone(UTC), end.astimezone(UTC)
    return list(_buckets(points, day_of))


def _buckets(points: Sequence[Point], span_of: SpanOf) -> Iterator[Bucket]:
    at = 0
    while at < len(points):
        start, end = span_of(points[at].captured_at)
        begin = at
        while at < len(points) and points[at].captured_at < end:
            at += 1
        inside = points[begin:at]
        yield Bucket(start, end, len(inside), inside[0], inside[-1],
                     min(inside, key=_scaled), max(inside, key=_scaled))


def _scaled(point: Point) -> int:
    """Comparable where the scaler changed inside a bucket: in steps of 10^-9, exactly."""
    return int(point.value * 10 ** (point.scaler + 9))
