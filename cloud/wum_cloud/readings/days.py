"""Where the hours and the local days of a span begin. Pure.

A day is a day of the site's zone: 23 or 25 hours long when its clocks change.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment in UTC at which `day` begins in `zone`."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def hour_edges(start: datetime, end: datetime) -> list[datetime]:
    """Begins of the UTC hours that touch start..end, and the end of the last."""
    edges = [start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)]
    while edges[-1] < end:
        edges.append(edges[-1] + timedelta(hours=1))
    return edges


def day_edges(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Begins of the days of `zone` that touch start..end, and the end of the last."""
    day = start.astimezone(zone).date()
    edges = [midnight(day, zone)]
    while edges[-1] < end:
        day += timedelta(days=1)
        edges.append(midnight(day, zone))
    return edges
