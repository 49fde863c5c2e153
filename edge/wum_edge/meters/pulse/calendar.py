"""Which rate holds when: seasons, weeks, day profiles and special days, in local time.

Left out: local time (zone.py) and counting (counter.py). The form is that of COSEM's activity
calendar and special days table (IEC 62056-6-2, classes 20 and 11), so that one can be given to a
meter that has its own.
"""

from collections import namedtuple

from wum_edge.meters.days import DAY_S, date_of, weekday
from wum_edge.meters.pulse.zone import Zone, local_s

EVERY_YEAR = 0


class Season(namedtuple("Season", ("month", "day", "week"))):
    """From that day of every year on, the days are those of `week`: seven names, Monday first."""

    __slots__ = ()
    month: int
    day: int
    week: tuple[str, ...]


class Special(namedtuple("Special", ("year", "month", "day", "profile"))):
    """A day with a profile of its own; EVERY_YEAR where the year is not given."""

    __slots__ = ()
    year: int
    month: int
    day: int
    profile: str


class Calendar(namedtuple("Calendar", ("zone", "seasons", "profiles", "specials"))):
    """`profiles` are day profiles by name: (minute of the day, rate) with rates from 1, in order,
    the first at minute 0. `seasons` are in the order of the year.
    """

    __slots__ = ()
    zone: Zone
    seasons: tuple[Season, ...]
    profiles: dict[str, tuple[tuple[int, int], ...]]
    specials: tuple[Special, ...]


def rate_at(calendar: Calendar, utc_s: int) -> int:
    """The rate (from 1) that holds at that second."""
    wall_s = local_s(calendar.zone, utc_s)
    days, minute = wall_s // DAY_S, wall_s % DAY_S // 60
    found = 1
    for begins, rate in calendar.profiles[_profile(calendar, days)]:
        if begins > minute:
            break
        found = rate
    return found


def _profile(calendar: Calendar, days: int) -> str:
    """The name of that day's profile. A special day of one year goes before one of every year."""
    year, month, day = date_of(days)
    yearly = ""
    for special in calendar.specials:
        if (special.month, special.day) == (month, day):
            if special.year == year:
                return special.profile
            if special.year == EVERY_YEAR:
                yearly = special.profile
    if yearly:
        return yearly
    week = calendar.seasons[-1].week     # Before the first season of a year the last goes on.
    for season in calendar.seasons:
        if (season.month, season.day) > (month, day):
            break
        week = season.week
    return week[weekday(days) - 1]
