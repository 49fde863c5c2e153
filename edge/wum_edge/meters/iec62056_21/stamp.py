"""Times as meters write them (YYMMDDhhmmss and its kin), and what they are in UTC.

Left out: who is asked for them (clock.py, profile.py). EDIS time stamps: a leading digit says the
season (0 normal time, 1 summer time, 2 UTC); DSMR 5.0.2 P1, 6.4: a trailing W or S says the same.
"""

from collections import namedtuple

NORMAL, SUMMER, UTC = "0", "1", "2"
_SUMMER_MIN = 60
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Stamp(namedtuple("Stamp", (
        "season", "year", "month", "day", "hour", "minute", "second"))):
    """A time that exists in the calendar. `season` is NORMAL, SUMMER, UTC or "" for unsaid."""

    __slots__ = ()
    season: str
    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int


def stamp_from_text(text: str) -> Stamp | None:
    """The time in `text`: 10 or 12 digits, one before them for the season or W or S behind them;
    14 with the whole year. None for anything else.
    """
    season = ""
    if text[-1:] in ("W", "S"):
        season = SUMMER if text[-1] == "S" else NORMAL
        text = text[:-1]
    elif len(text) in (11, 13):
        season, text = text[0], text[1:]
        if season not in (NORMAL, SUMMER, UTC):
            return None
    if len(text) not in (10, 12, 14) or not all("0" <= c <= "9" for c in text):
        return None
    if len(text) == 14:
        year, text = int(text[:4]), text[4:]
    else:
        year, text = 2000 + int(text[:2]), text[2:]
    parts = [int(text[at:at + 2]) for at in range(0, len(text), 2)]
    if len(parts) == 4:
        parts.append(0)
    return stamp(season, year, parts[0], parts[1], parts[2], parts[3], parts[4])


def stamp(
        season: str, year: int, month: int, day: int, hour: int, minute: int, second: int,
) -> Stamp | None:
    """The time of these parts; None where the calendar has none. 24:00 is the end of a day."""
    if not 1 <= month <= 12 or not 1 <= day <= days_in(year, month):
        return None
    if hour == 24 and not minute and not second:
        return Stamp(season, year, month, day, hour, minute, second)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return Stamp(season, year, month, day, hour, minute, second)


def utc_of(time: Stamp, offset_min: int | None) -> int | None:
    """UTC seconds since 1970 of a meter's time, whose normal time is `offset_min` east of UTC.

    None where nobody says how far that is. A time without season is normal time.
    """
    local = days_before(time.year, time.month, time.day) * 86400 + (
        time.hour * 3600 + time.minute * 60 + time.second)
    if time.season == UTC:
        return local
    if offset_min is None:
        return None
    return local - 60 * (offset_min + (_SUMMER_MIN if time.season == SUMMER else 0))


def digits_of(utc_s: int, offset_min: int, size: int) -> str:
    """Normal time at `utc_s` as 6 (YYMMDD), 10 (to minutes) or 12 digits; 11 and 13 begin with
    the season digit of normal time, which is right in summer too.
    """
    local = utc_s + 60 * offset_min
    days, second = local // 86400, local % 86400
    year, month, day = civil(days)
    text = "%02d%02d%02d%02d%02d%02d" % (
        year % 100, month, day, second // 3600, second // 60 % 60, second % 60)
    return (NORMAL if size % 2 else "") + text[:size - size % 2]


def days_in(year: int, month: int) -> int:
    """Days of a month, 1..12."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _DAYS[month - 1]


def days_before(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to that date of the Gregorian calendar (from 1970 on)."""
    years = year - 1
    leap_days = years // 4 - years // 100 + years // 400 - 477    # 477 before 1970.
    return (year - 1970) * 365 + leap_days + day - 1 + sum(
        [days_in(year, before) for before in range(1, month)])


def civil(days: int) -> tuple[int, int, int]:
    """(year, month, day) so many days after 1970-01-01 (not before)."""
    year = 1970 + days // 366
    while days >= days_before(year + 1, 1, 1):
        year += 1
    rest = days - days_before(year, 1, 1)
    month = 1
    while rest >= days_in(year, month):
        rest -= days_in(year, month)
        month += 1
    return year, month, rest + 1
