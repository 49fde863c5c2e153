"""Data of a record into exact numbers, texts and moments: types A to M of EN 13757-3, annex A.

Left out: what a number counts (vif.py). No float on the way: a real is mantissa x 10^power.
"""

from collections import namedtuple

from wum_edge.meters.days import days_in_month

_MONTHS = 12
FRACTION_BITS = 23


class Moment(namedtuple("Moment", (
        "year", "month", "day", "hour", "minute", "second", "summer", "valid"))):
    """A meter's local date and time as it sent it; None is a part that is not given or stands for
    every one. `summer` is the meter's own word for daylight saving time; `valid` False when it
    does not vouch for the time.
    """

    __slots__ = ()
    year: int | None
    month: int | None
    day: int | None
    hour: int | None
    minute: int | None
    second: int | None
    summer: bool
    valid: bool

    def text(self) -> str:
        """Like 2014-03-13T11:11; what is not given as question marks."""
        date = "%s-%s-%s" % (_shown(self.year, 4), _shown(self.month, 2), _shown(self.day, 2))
        if self.hour is None and self.minute is None:
            return date
        if self.year is None and self.month is None and self.day is None:
            date = ""
        time = "%sT%s:%s" % (date, _shown(self.hour, 2), _shown(self.minute, 2))
        return time if self.second is None else "%s:%s" % (time, _shown(self.second, 2))


def _shown(part: int | None, digits: int) -> str:
    return "?" * digits if part is None else ("%0" + str(digits) + "d") % part


def unsigned(data: bytes) -> int:
    """Type C: the low byte first."""
    return int.from_bytes(data, "little")


def signed(data: bytes) -> int | None:
    """Type B; None for the pattern 80..00 that says invalid."""
    value = int.from_bytes(data, "little")
    top = 1 << (8 * len(data) - 1)
    if value == top:
        return None
    return value - 2 * top if value & top else value


def bcd(data: bytes) -> int | None:
    """Type A, the low digits first; F as the highest digit is a minus. None: no number."""
    value = 0
    for place in range(len(data) - 1, -1, -1):
        high, low = data[place] >> 4, data[place] & 15
        if high == 15 and place == len(data) - 1:
            high = 0
        if high > 9 or low > 9:
            return None
        value = 100 * value + 10 * high + low
    return -value if data and data[-1] >> 4 == 15 else value


def digits(data: bytes) -> str:
    """The digits as they are shown, the highest first; those that are none as letters."""
    return "".join(["%02X" % data[place] for place in range(len(data) - 1, -1, -1)])


def real(data: bytes) -> tuple[int, int] | None:
    """Type H (IEEE 754, 32 bits) as (mantissa, power of ten), exactly; None for no number."""
    raw = int.from_bytes(data, "little")
    exponent, mantissa = raw >> FRACTION_BITS & 0xFF, raw & (1 << FRACTION_BITS) - 1
    if exponent == 0xFF:
        return None
    if exponent:
        mantissa |= 1 << FRACTION_BITS
    else:
        exponent = 1
    shift = exponent - 127 - FRACTION_BITS
    while mantissa and shift < 0 and not mantissa & 1:
        mantissa, shift = mantissa >> 1, shift + 1
    if not mantissa:
        shift = 0
    if raw >> 31:
        mantissa = -mantissa
    # m x 2^-k is m x 5^k x 10^-k: no digit is lost.
    return (mantissa << shift, 0) if shift >= 0 else (mantissa * 5**-shift, shift)


def date_g(data: bytes) -> Moment:
    """Type G, 16 bits: a date."""
    return Moment(_year(data[0], data[1], 0), _month(data[1]), _day(data[0]), None, None, None,
                  False, _date_is_valid(data[0], data[1]))


def moment_f(data: bytes) -> Moment:
    """Type F, 32 bits: a date and the time to the minute."""
    minute, hour = data[0] & 63, data[1] & 31
    # The hundreds of the year count from 1900; a plain 0 with a year below 81 is 20xx.
    return Moment(
        _year(data[2], data[3], data[1] >> 5 & 3), _month(data[3]), _day(data[2]),
        _below(hour, 24), _below(minute, 60), None, bool(data[1] & 0x80),
        not data[0] & 0x80 and _date_is_valid(data[2], data[3]) and hour <= 23 and minute <= 59)


def moment_i(data: bytes) -> Moment:
    """Type I, 48 bits: a date and the time to the second, with its validity."""
    second, minute, hour = data[0] & 63, data[1] & 63, data[2] & 31
    return Moment(
        _year(data[3], data[4], 0), _month(data[4]), _day(data[3]),
        _below(hour, 24), _below(minute, 60), _below(second, 60), bool(data[0] & 0x40),
        not data[1] & 0x80 and _date_is_valid(data[3], data[4]) and hour <= 23 and minute <= 59
        and second <= 59)


def time_j(data: bytes) -> Moment:
    """Type J, 24 bits: a time of day."""
    second, minute, hour = data[0] & 63, data[1] & 63, data[2] & 31
    return Moment(None, None, None, _below(hour, 24), _below(minute, 60), _below(second, 60),
                  False, hour <= 23 and minute <= 59 and second <= 59)


def _year(low: int, high: int, hundreds: int) -> int | None:
    year = (low & 0xE0) >> 5 | (high & 0xF0) >> 1
    if year > 99:
        return None
    if hundreds:
        return 1900 + 100 * hundreds + year
    return 1900 + year if year > 80 else 2000 + year


def _month(high: int) -> int | None:
    month = high & 15
    return month if 1 <= month <= _MONTHS else None


def _day(low: int) -> int | None:
    return low & 31 or None


def _below(value: int, limit: int) -> int | None:
    return value if value < limit else None


def _date_is_valid(low: int, high: int) -> bool:
    """Whether it is one day of the calendar, and no pattern."""
    year, month, day = _year(low, high, 0), _month(high), _day(low)
    if year is None or month is None or day is None:
        return False
    return day <= days_in_month(year, month)


def text_of(data: bytes) -> str:
    """ISO 8859-1, the last character first on the wire; what is no character is shown as \\xNN."""
    shown = []
    for place in range(len(data) - 1, -1, -1):
        code = data[place]
        plain = 32 <= code < 127 or code >= 160
        shown.append(chr(code) if plain else "\\x%02x" % code)
    return "".join(shown)
