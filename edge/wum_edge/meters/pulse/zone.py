"""Local time of a place by rules given as data: an offset, and when summer time begins and ends.

Left out: a database of zones. All integers: minutes from UTC, day rules as "the last Sunday of
March". The year's rules are those of today: a country that changes them changes the data.
"""

from collections import namedtuple

from wum_edge.meters.days import DAY_S, date_of, days_in_month, days_since_1970, weekday

LAST = 5                     # The last such weekday of a month.


class Change(namedtuple("Change", ("month", "nth", "weekday", "minute", "by_utc"))):
    """One change in a year: the `nth` (1..4, LAST) `weekday` (1 Monday .. 7 Sunday) of `month`, at
    `minute` of that day (0..1439) by UTC, or by the local time that ends then.
    """

    __slots__ = ()
    month: int
    nth: int
    weekday: int
    minute: int
    by_utc: bool


class Zone(namedtuple("Zone", ("offset_min", "summer_min", "begin", "end"))):
    """Local time is `offset_min` ahead of UTC, `summer_min` more between `begin` and `end`; both
    are None where there is no summer time.
    """

    __slots__ = ()
    offset_min: int
    summer_min: int
    begin: Change | None
    end: Change | None


def local_s(zone: Zone, utc_s: int) -> int:
    """Seconds since 1970-01-01T00:00:00 as a clock on the wall of that place counts them."""
    standard = utc_s + 60 * zone.offset_min
    if zone.begin is None or zone.end is None:
        return standard
    year = date_of(standard // DAY_S)[0]
    begin_s = _change_s(zone.begin, year, zone.offset_min)
    end_s = _change_s(zone.end, year, zone.offset_min + zone.summer_min)
    if begin_s < end_s:
        summer = begin_s <= utc_s < end_s
    else:                    # South of the equator summer time holds over the new year.
        summer = not end_s <= utc_s < begin_s
    return standard + (60 * zone.summer_min if summer else 0)


def _change_s(change: Change, year: int, offset_min: int) -> int:
    """UTC seconds of a change; `offset_min` is what holds until then."""
    first = days_since_1970(year, change.month, 1)
    day = 1 + (change.weekday - weekday(first)) % 7 + 7 * (change.nth - 1)
    while day > days_in_month(year, change.month):
        day -= 7
    at_s = (first + day - 1) * DAY_S + 60 * change.minute
    return at_s if change.by_utc else at_s - 60 * offset_min
