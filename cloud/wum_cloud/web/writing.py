"""How numbers, shares, times and units are written on pages. No HTML, no database.

Numbers are scaled integers and stay exact: no float comes near a value that is written out.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_skeleton, get_day_names

from wum_cloud.web.texts import LOCALE, gettext, ngettext
from wum_shared.units import UNITS, scaled_to_text

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
_KILO = {27: "kW", 28: "kVA", 29: "kvar", 30: "kWh", 31: "kVAh", 32: "kvarh"}
_COUNTERS = (30, 31, 32)    # Energy is always written in thousands: bills are.
_MEGA = {25: "MJ"}          # ... and of heat meters that count joules, in millions.
# What flows in a home is less than a cubic metre an hour. A small l beside digits reads as a one.
_LITRES = {15: "L/h", 16: "L/h"}


def whole(number: int) -> str:
    """A whole number with thin spaces between thousands: 12 345."""
    return (MINUS if number < 0 else "") + f"{abs(number):,}".replace(",", NARROW_SPACE)


def scaled(value: int, scaler: int) -> str:
    """A scaled integer in plain digits, exactly, with thin spaces between thousands."""
    text = scaled_to_text(abs(value), scaler)
    before, point, after = text.partition(".")
    return (MINUS if value < 0 else "") + whole(int(before)) + point + after


def form(unit: int, greatest: int, scaler: int) -> tuple[int, str]:
    """How numbers up to `greatest` x 10^`scaler` are written: in 10^power of the unit, and its
    word: (3, "kWh"), (-3, "L/h"), (0, "V").
    """
    is_large = abs(greatest) * 10 ** (scaler + 9) >= 1000 * 10**9
    if unit in _COUNTERS or (unit in _KILO and is_large):
        return 3, _KILO[unit]
    if unit in _MEGA:
        return 6, _MEGA[unit]
    if unit in _LITRES and abs(greatest) * 10 ** (scaler + 9) < 10**9:
        return -3, _LITRES[unit]
    return 0, UNITS.get(unit, "unit %d" % unit)


def value_and_unit(value: int, scaler: int, unit: int) -> tuple[str, str]:
    """A reading as it is written: (number, unit), in thousands where that reads better."""
    power, word = form(unit, value, scaler)
    return scaled(value, scaler - power), word


def share(part: int, all_: int) -> str:
    """A share as percent, never rounded up to 100: 99.9 %."""
    if not all_:
        return NOTHING
    tenths = 1000 * min(part, all_) // all_
    number = "100" if tenths == 1000 else "%d.%d" % (tenths // 10, tenths % 10)
    return number + NARROW_SPACE + "%"


def local(moment: datetime, zone: str) -> str:
    """A moment on the clocks of `zone`: 2026-11-21 07:05:30."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def clock(moment: datetime, zone: str) -> str:
    """The time of day on the clocks of `zone`: 07:05."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def day_and_clock(moment: datetime, zone: str) -> str:
    """Day, month and time of day on the clocks of `zone`: 21 Nov 07:05."""
    there = moment.astimezone(ZoneInfo(zone))
    return "%s %s" % (format_skeleton("MMMd", there, locale=LOCALE), there.strftime("%H:%M"))


def long_day(moment: datetime, zone: str) -> str:
    """A day of `zone` in full: Saturday, 21 November 2026."""
    return format_datetime(moment.astimezone(ZoneInfo(zone)), "EEEE, d MMMM y", locale=LOCALE)


def span_of_days(start: datetime, end: datetime, zone: str) -> str:
    """The days of start..end (end left out): 16 Nov – 22 Nov 2026."""
    last = (end - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    first = format_datetime(start.astimezone(ZoneInfo(zone)), "d MMM", locale=LOCALE)
    return "%s – %s" % (first, format_datetime(last, "d MMM y", locale=LOCALE))


def day_in_full(day: date) -> str:
    """A calendar day: Saturday, 21 November 2026."""
    return format_date(day, "EEEE, d MMMM y", locale=LOCALE)


def month(first: date) -> str:
    """A month: November 2026."""
    return format_date(first, "MMMM y", locale=LOCALE)


def weekdays() -> list[tuple[str, str]]:
    """Monday to Sunday: short and in full."""
    short, full = (get_day_names(width, "stand-alone", LOCALE)
                   for width in ("abbreviated", "wide"))
    return [(short[n], full[n]) for n in range(7)]


def length(span: timedelta) -> str:
    """A duration in its greatest fitting unit: 10 s, 15 min, 3 h, 2 d."""
    seconds = int(max(span, timedelta()).total_seconds())
    for size, form in ((86400, gettext("%(n)d d")), (3600, gettext("%(n)d h")),
                       (60, gettext("%(n)d min"))):
        if seconds >= 2 * size or (seconds >= size and not seconds % size):
            return form % {"n": seconds // size}
    return gettext("%(n)d s") % {"n": seconds}


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago: 12 s ago, 5 min ago, 3 h ago; never."""
    if moment is None:
        return gettext("never")
    return gettext("%(length)s ago") % {"length": length(now - moment)}


def intervals(number: int) -> str:
    """A number of capture intervals: 1 interval, 12 intervals."""
    return ngettext("%(n)s interval", "%(n)s intervals", number) % {"n": whole(number)}
