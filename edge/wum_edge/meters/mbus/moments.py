"""A meter's local date and time into UTC and back, by the offset that its catalogue entry gives.

Left out: the bits (values.py). A wired M-Bus meter says summer time, but not its zone.
"""

from wum_edge.meters.days import DAY_S, date_of, days_in_month, days_since_1970
from wum_edge.meters.mbus.values import Moment
from wum_edge.meters.reader import MeterTime
from wum_shared.status import CLOCK_INVALID

_FIRST_YEAR = 1970


def moment_to_utc(moment: Moment, offset_min: int) -> MeterTime:
    """The moment of a clock that is `offset_min` ahead of UTC, an hour more in summer time."""
    if (moment.year is None or moment.month is None or moment.day is None or moment.hour is None
            or moment.minute is None or moment.year < _FIRST_YEAR
            or moment.day > days_in_month(moment.year, moment.month)):
        return MeterTime(None, "the meter's time is %s" % moment.text(), CLOCK_INVALID)
    second_of_day = moment.hour * 3600 + moment.minute * 60 + (moment.second or 0)
    local_s = days_since_1970(moment.year, moment.month, moment.day) * DAY_S + second_of_day
    utc_s = local_s - 60 * offset_min - (3600 if moment.summer else 0)
    if moment.valid:
        return MeterTime(utc_s, "", 0)
    return MeterTime(utc_s, "the meter says that its time is not valid", CLOCK_INVALID)


def utc_to_moment_f(utc_s: int, offset_min: int) -> bytes:
    """Type F of the minute in which `utc_s` is, in standard time."""
    local_s = utc_s + 60 * offset_min
    year, month, day = date_of(local_s // DAY_S)
    minute_of_day = local_s % DAY_S // 60
    # The hundreds count from 1900: two bits of the hour's byte.
    hundreds = (year - 1900) // 100 & 3
    short = year % 100
    return bytes((minute_of_day % 60, minute_of_day // 60 | hundreds << 5,
                  day | (short & 7) << 5, month | (short >> 3) << 4))
