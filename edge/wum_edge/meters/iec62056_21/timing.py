"""A meter's clock in the forms that models write it: read, and what is written to set it.

Left out: times as digits (stamp.py), and who asks (reader.py). Forms: ways.py.
"""

from wum_edge.meters.iec62056_21.stamp import SUMMER, UTC, Stamp, digits_of, stamp_from_text, utc_of
from wum_edge.meters.iec62056_21.ways import DIGITS, DOTTED
from wum_edge.meters.reader import MeterTime
from wum_shared.status import CLOCK_DOUBTFUL, CLOCK_LOCAL

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.entry import Access
    from wum_edge.meters.iec62056_21.ways import ClockWay

_SUMMER_MIN = 60


def stamp_in(way: "ClockWay", date: str, time: str) -> Stamp | None:
    """The moment that the texts of date and time say; None where they are none."""
    if way.form == DOTTED:       # Energomera's 05.30.05.25: weekday, day, month, year.
        parts = date.split(".")
        if len(parts) != 4:
            return None
        date = parts[3] + parts[2] + parts[1]
    date, time = plain(date), plain(time)
    if way.date and len(time) == 7:
        time = time[1:]          # Its own season digit, which the date has too.
    if not time or (way.date and not date):
        return None
    return stamp_from_text(date + time)


def at_midnight(time: str) -> bool:
    """Whether this time of day, with a season's digit or not, is of the first minute."""
    digits = plain(time)
    return digits[len(digits) % 2:][:4] == "0000"


def plain(text: str) -> str:
    """`text` without the marks between its digits."""
    for mark in "-:. ,":
        text = text.replace(mark, "")
    return text


def time_of(found: Stamp, access: "Access") -> MeterTime:
    """What that moment is in UTC, and how far it is to be believed."""
    utc_s = utc_of(found, access.utc_offset_min)
    if utc_s is None:
        return MeterTime(None, "how far its time is from UTC is not known", CLOCK_LOCAL)
    if found.season or access.one_time:
        return MeterTime(utc_s, "", 0)
    return MeterTime(utc_s, "it does not say its season: taken for normal time",
                     CLOCK_DOUBTFUL)


def writes_of(
        way: "ClockWay", utc_s: int, offset_min: int, season: str) -> list[tuple[str, str]]:
    """What is written where so that the clock shows `utc_s`, in the `season` in which it shows its
    time ("" for normal time). Where a season's digit is written, it says which.
    """
    if season == UTC:
        offset_min = 0
    elif season == SUMMER:
        offset_min += _SUMMER_MIN
    digits = digits_of(utc_s, offset_min, 12)
    date, time = digits[:6], digits[6:]
    if way.form != DIGITS:
        date, time = _marked(date, "-"), _marked(time, ":")
    elif way.digits % 2:
        date = (season or "0") + date
        time = (season or "0") + time if way.date else time
    if not way.date:
        return [(way.time, (date + time)[:way.digits])]
    if way.form == DOTTED:
        return [(way.time, time)]    # No source says what it calls a Sunday.
    found = [(way.date, date), (way.time, time)]
    if way.weekday:
        found.append((way.weekday, "%d" % weekday_of(utc_s, offset_min)))
    return found


def weekday_of(utc_s: int, offset_min: int) -> int:
    """1 for Monday to 7 for Sunday; 1970-01-01 was a Thursday."""
    return ((utc_s + 60 * offset_min) // 86400 + 3) % 7 + 1


def dashed(utc_s: int, offset_min: int) -> str:
    """`yy-mm-dd,hh:mm` of normal time."""
    digits = digits_of(utc_s, offset_min, 10)
    return _marked(digits[:6], "-") + "," + _marked(digits[6:], ":")


def _marked(digits: str, mark: str) -> str:
    return mark.join([digits[at:at + 2] for at in range(0, len(digits), 2)])
