"""Spans of the load profile: the last hour, day, week or month, or a day or week by its date.

Pure. A day is a day of the site's zone: 23 or 25 hours long when its clocks change.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wum_cloud.web.texts import gettext as _
from wum_cloud.web.writing import long_day, span_of_days

PERIODS = {
    "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1),
    "month": timedelta(days=31),
}
_LAST = {"hour": _("Last hour"), "day": _("Last 24 hours"), "week": _("Last 7 days"),
         "month": _("Last 31 days")}


@dataclass(frozen=True, slots=True)
class Span:
    """start..end (end left out) in UTC, what it is called, and the days to go on to.

    `earlier` and `later` are dates for the address; `later` is None where only the present
    follows. `rolls`: the span ends now and moves on.
    """

    start: datetime
    end: datetime
    name: str
    rolls: bool
    earlier: date | None
    later: date | None


def span_of(period: str, on: date | None, zone: str, now: datetime) -> Span:
    """The span `period` before `now`, or the day, week or month of `zone` that holds `on`."""
    assert period in PERIODS
    today = now.astimezone(ZoneInfo(zone)).date()
    if on is None or period == "hour":
        earlier = None if period == "hour" else _first(period, today) - timedelta(days=1)
        if period == "day":
            earlier = today - timedelta(days=1)
        return Span(now - PERIODS[period], now, _LAST[period], True, earlier, None)
    first = _first(period, on)
    after = _after(period, first)
    start, end = _midnight(first, zone), _midnight(after, zone)
    name = long_day(start, zone) if period == "day" else span_of_days(start, end, zone)
    return Span(start, end, name, False, first - timedelta(days=1),
                after if after <= today else None)


def edges(span: Span, period: str, period_s: int, zone: str) -> list[datetime]:
    """Where bars begin, and the end of the last: 5 minutes, hours or local days of the span.

    No bar is shorter than the meter's period.
    """
    if period in ("week", "month"):
        first = span.start.astimezone(ZoneInfo(zone)).date()
        last = (span.end - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date()
        days = (last - first).days + 1
        return [_midnight(first + timedelta(days=n), zone) for n in range(days + 1)]
    step = max(period_s, 300 if period == "hour" else 3600)
    begin = int(span.start.timestamp()) // step * step
    count = -(-(int(span.end.timestamp()) - begin) // step)
    return [datetime.fromtimestamp(begin + n * step, UTC) for n in range(count + 1)]


def _first(period: str, day: date) -> date:
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def _after(period: str, first: date) -> date:
    if period == "month":
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if period == "week" else 1)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
