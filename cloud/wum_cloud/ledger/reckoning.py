"""Which local days must be counted, until when a day's intervals count, and how runs are told.

Pure: no database, no clock. A day is a local day of the meter's site; an interval belongs to the
day in which it begins. Left out: SQL (store.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wum_cloud.readings.days import midnight

DEADLINE = time(6)          # Of the next local day: what is stored by then is in time for billing.
SETTLED_AFTER = timedelta(seconds=30)   # A reading may be under way for so long.
KEPT_DAYS = 400             # A year to compare with, and a month: older days are dropped.
LATE_PERIODS = 2            # Stored later than so many periods after the interval: late.
HOUR_S = 3600

RECEIVED, LATE = "received", "late"
LIVE, BACK_FILL, ASKED_FOR = "live", "back-fill", "asked for"   # Paths of what was received.


@dataclass(frozen=True, slots=True)
class Day:
    """A local day with its bounds in UTC, and until when its readings are in time."""

    day: date
    start: datetime
    end: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval of one register set of a meter. `state` is RECEIVED, LATE or one of REASONS;
    `arrived_at` None for what is missing, or was stored before arrivals were noted. `since`: the
    meter's newest reading from before, where it gave nothing; when its concentrator was last heard,
    where that cannot be reached; else None. `was_asked`: it came as the answer to a gap request.
    """

    register_set: int
    start: datetime
    end: datetime
    state: str
    arrived_at: datetime | None
    concentrator: str
    since: datetime | None = None
    was_asked: bool = False

    @property
    def path(self) -> str | None:
        """How what was received came; None for what is missing."""
        return path_of(self.state, was_asked=self.was_asked)


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring intervals of one set, state and path, from one concentrator; `since` as its
    first.
    """

    register_set: int
    start: datetime
    end: datetime
    state: str
    intervals: int
    first_arrived_at: datetime | None
    last_arrived_at: datetime | None
    concentrator: str
    since: datetime | None = None
    was_asked: bool = False

    @property
    def path(self) -> str | None:
        """As of an interval."""
        return path_of(self.state, was_asked=self.was_asked)


def path_of(state: str, *, was_asked: bool) -> str | None:
    """With its time, later out of the archive, or because the head-end asked for it again."""
    if state not in (RECEIVED, LATE):
        return None
    return ASKED_FOR if was_asked else LIVE if state == RECEIVED else BACK_FILL


def day_of(day: date, zone: str) -> Day:
    """`day` in `zone`; it may be 23 or 25 hours long."""
    place = ZoneInfo(zone)
    following = day + timedelta(days=1)
    return Day(day, midnight(day, place), midnight(following, place),
               datetime.combine(following, DEADLINE, place).astimezone(UTC))


def days_of_hours(hours: Iterable[int], zone: str, longest_period_s: int) -> set[date]:
    """Local days in which intervals begin that hold moments of these hours (UTC seconds / 3600).

    An interval that holds a moment began up to one period before it.
    """
    place = ZoneInfo(zone)
    found: set[date] = set()
    for hour in set(hours):
        first = datetime.fromtimestamp(hour * HOUR_S - longest_period_s, UTC)
        last = datetime.fromtimestamp((hour + 1) * HOUR_S - 1, UTC)
        found.update(days_between(first.astimezone(place).date(), last.astimezone(place).date()))
    return found


def days_since(since: datetime, now: datetime, zone: str) -> set[date]:
    """Local days from `since` until `now`, the kept ones."""
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    first = max(since.astimezone(place).date(), today - timedelta(days=KEPT_DAYS))
    return set(days_between(first, today))


def countable(days: Iterable[date], now: datetime, zone: str) -> list[date]:
    """Of `days` those that are kept and have begun, oldest first."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return sorted([day for day in set(days) if 0 <= (today - day).days <= KEPT_DAYS])


def days_between(first: date, last: date) -> list[date]:
    """first..last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def yesterday_everywhere(now: datetime, zones: Sequence[str]) -> date:
    """The newest local day that is over in every one of `zones`."""
    return min([now.astimezone(ZoneInfo(zone)).date() for zone in zones]) - timedelta(days=1)


def month_grid(first: date) -> list[list[date | None]]:
    """The weeks of a month from Monday to Sunday; None where a day is of another month."""
    days: list[date | None] = [None] * first.weekday()
    day = first
    while day.month == first.month:
        days.append(day)
        day += timedelta(days=1)
    days += [None] * (-len(days) % 7)
    return [days[at:at + 7] for at in range(0, len(days), 7)]


def runs(intervals: Sequence[Interval]) -> list[Run]:
    """Neighbouring intervals of one state as one, in their order."""
    found: list[Run] = []
    for one in intervals:
        last = found[-1] if found else None
        if last is not None and (
                last.register_set, last.state, last.was_asked, last.concentrator, last.end) == (
                one.register_set, one.state, one.was_asked, one.concentrator, one.start):
            found[-1] = _joined(last, one)
        else:
            found.append(Run(one.register_set, one.start, one.end, one.state, 1, one.arrived_at,
                             one.arrived_at, one.concentrator, one.since, one.was_asked))
    return found


def _joined(run: Run, one: Interval) -> Run:
    arrived = [at for at in (run.first_arrived_at, run.last_arrived_at, one.arrived_at)
               if at is not None]
    return Run(run.register_set, run.start, one.end, run.state, run.intervals + 1,
               min(arrived, default=None), max(arrived, default=None), run.concentrator, run.since,
               run.was_asked)


def by_start(intervals: Iterable[Interval]) -> list[list[Interval]]:
    """The sets of one meter together, interval by interval, oldest first."""
    found: dict[datetime, list[Interval]] = {}
    for one in intervals:
        found.setdefault(one.start, []).append(one)
    return [found[start] for start in sorted(found)]


def worst(sets: Sequence[Interval]) -> Interval:
    """The set that says what became of the interval as a whole: a missing one, else a late one."""
    return min(sets, key=lambda one: (one.state in (RECEIVED, LATE), one.state == RECEIVED))
