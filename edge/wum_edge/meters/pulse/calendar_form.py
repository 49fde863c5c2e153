"""A tariff calendar as a configuration has it, checked into a Calendar with every mistake named.

Left out: what it means (calendar.py, zone.py).
"""

from wum_edge.document import shown
from wum_edge.meters.days import days_in_month
from wum_edge.meters.pulse.calendar import EVERY_YEAR, Calendar, Season, Special
from wum_edge.meters.pulse.journal import RATES_MAX
from wum_edge.meters.pulse.zone import LAST, Change, Zone

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table

SEASONS_MAX, PROFILES_MAX, SPECIALS_MAX, SWITCHES_MAX = 12, 32, 200, 48
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LEAP_YEAR = 2000            # A rule for every year may name the 29th of February.


def check_calendar(table: "Table") -> Calendar:
    """The calendar in `table`."""
    zone = _zone(table.table("zone"))
    profiles: dict[str, tuple[tuple[int, int], ...]] = {}
    for one in table.tables("day", 1, PROFILES_MAX):
        name = one.text("name", most=32)
        if name in profiles:
            one.complain("name", "a name that no other day has", shown(name))
        profiles[name] = _switches(one)
        one.done()
    seasons = tuple([_season(one, profiles) for one in table.tables("season", 1, SEASONS_MAX)])
    specials = tuple([_special(one, profiles) for one in table.tables("special", 0, SPECIALS_MAX)])
    starts = [(season.month, season.day) for season in seasons]
    if starts != sorted(set(starts)):
        table.complain("season", "seasons in the order of the year, each day once",
                       ", ".join(["%d-%d" % start for start in starts]))
    table.done()
    return Calendar(zone, seasons or (Season(1, 1, ("",) * 7),), profiles, specials)


def _zone(table: "Table") -> Zone:
    offset_min = table.number("offset_min", -840, 840)
    summer = table.has("begin") or table.has("end")   # One without the other is a mistake.
    found = Zone(offset_min, table.number("summer_min", 1, 120, 60),
                 _change(table.table("begin")) if summer else None,
                 _change(table.table("end")) if summer else None)
    table.done()
    return found


def _change(table: "Table") -> Change:
    found = Change(
        table.number("month", 1, 12), table.number("nth", 1, LAST),
        1 + _WEEKDAYS.index(str(table.choice("weekday", _WEEKDAYS, "sunday"))),
        table.number("minute", 0, 1439), table.truth("by_utc", False))
    table.done()
    return found


def _switches(table: "Table") -> tuple[tuple[int, int], ...]:
    found = []
    for one in table.tables("switch", 1, SWITCHES_MAX):
        found.append((one.number("minute", 0, 1439), one.number("rate", 1, RATES_MAX)))
        one.done()
    minutes = [minute for minute, _ in found]
    if minutes and (minutes[0] != 0 or minutes != sorted(set(minutes))):
        table.complain("switch", "switches in the order of the day, the first at minute 0",
                       ", ".join([str(minute) for minute in minutes]))
    return tuple(found) or ((0, 1),)


def _season(table: "Table", profiles: dict[str, tuple[tuple[int, int], ...]]) -> Season:
    month = table.number("month", 1, 12)
    found = Season(month, table.number("day", 1, days_in_month(_LEAP_YEAR, month)),
                   tuple([_profile(table, weekday, profiles) for weekday in _WEEKDAYS]))
    table.done()
    return found


def _special(table: "Table", profiles: dict[str, tuple[tuple[int, int], ...]]) -> Special:
    year = table.number("year", 1970, 2199) if table.has("year") else EVERY_YEAR
    month = table.number("month", 1, 12)
    found = Special(year, month, table.number("day", 1, days_in_month(year or _LEAP_YEAR, month)),
                    _profile(table, "profile", profiles))
    table.done()
    return found


def _profile(
        table: "Table", key: str, profiles: dict[str, tuple[tuple[int, int], ...]]) -> str:
    name = table.text(key, most=32)
    if name and name not in profiles:
        table.complain(key, "one of the days: " + ", ".join(sorted(profiles)), shown(name))
    return name
