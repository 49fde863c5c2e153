"""COSEM's date-time: twelve bytes, any of them not specified, into UTC seconds and back.

Left out: local time beyond what the meter itself says of its deviation. Blue Book 4.1.6.1.
"""

from collections import namedtuple
from struct import pack, unpack

from wum_edge.meters.dlms.errors import DlmsMalformed
from wum_edge.meters.reader import MeterTime
from wum_shared.status import CLOCK_DOUBTFUL, CLOCK_INVALID, CLOCK_LOCAL

SIZE = 12
UNSPECIFIED_DEVIATION = -32768
# The clock status byte.
INVALID, DOUBTFUL, OTHER_BASE, INVALID_STATUS, SUMMER = 0x01, 0x02, 0x04, 0x08, 0x80
STATUS_UNSPECIFIED = 0xFF
_DOUBTS = (
    (INVALID, "invalid value", CLOCK_INVALID), (DOUBTFUL, "doubtful value", CLOCK_DOUBTFUL),
    (OTHER_BASE, "different clock base", CLOCK_DOUBTFUL),
    (INVALID_STATUS, "invalid clock status", CLOCK_DOUBTFUL))
DEVIATION_GIVEN, DEVIATION_IGNORED, DEVIATION_INVERTED = "given", "ignored", "inverted"
DEVIATIONS = (DEVIATION_GIVEN, DEVIATION_IGNORED, DEVIATION_INVERTED)
SUMMER_MIN = 60
_DAY_S = 86400
_DAYS_TO_1970 = 719468       # From 0000-03-01, the first day of the calendar's own year.


class Zone(namedtuple("Zone", ("habit", "deviation_min"))):
    """How one meter's times are meant. `habit` is one of DEVIATIONS: whether what it says of its
    deviation holds. `deviation_min` is what holds where it says nothing (minutes from local
    standard time to UTC, -60 for Central Europe), or None: such a time is no moment.
    """

    __slots__ = ()
    habit: str
    deviation_min: int | None


STANDARD = Zone(DEVIATION_GIVEN, None)


class DateTime(namedtuple("DateTime", (
        "year", "month", "day", "hour", "minute", "second", "deviation_min", "status"))):
    """A moment as a meter says it; None where it is not specified. `deviation_min` added to local
    time gives UTC. Weekday and hundredths are left out: they say nothing that is not known.
    """

    __slots__ = ()
    year: int | None
    month: int | None
    day: int | None
    hour: int | None
    minute: int | None
    second: int | None
    deviation_min: int | None
    status: int | None

    def utc_s(self, zone: Zone = STANDARD) -> int | None:
        """UTC seconds, or None where date, hour, minute or deviation are not specified."""
        year, month, day, hour = self.year, self.month, self.day, self.hour
        deviation = self.deviation(zone)
        if deviation is None or year is None or month is None or day is None or (
                hour is None or self.minute is None):
            return None
        local = _days(year, month, day) * _DAY_S + hour * 3600 + (
            self.minute * 60 + (self.second or 0))
        return local + 60 * deviation

    def deviation(self, zone: Zone) -> int | None:
        """Minutes that added to its local time give UTC, as they are meant; None: nobody knows."""
        if self.deviation_min is None or zone.habit == DEVIATION_IGNORED:
            if zone.deviation_min is None:
                return None
            summer = self.status not in (None, STATUS_UNSPECIFIED) and (self.status or 0) & SUMMER
            return zone.deviation_min - (SUMMER_MIN if summer else 0)
        return -self.deviation_min if zone.habit == DEVIATION_INVERTED else self.deviation_min

    def meter_time(self, zone: Zone = STANDARD) -> MeterTime:
        """The same with the doubts that the clock's status names."""
        utc_s = self.utc_s(zone)
        doubts = []
        flags = 0
        if utc_s is None:
            unknown = self.deviation(zone) is None
            doubts.append("unspecified deviation" if unknown else "date or time not specified")
            flags |= CLOCK_LOCAL if unknown else CLOCK_INVALID
        if self.status is not None and self.status != STATUS_UNSPECIFIED:
            for bit, words, flag in _DOUBTS:
                if self.status & bit:
                    doubts.append(words)
                    flags |= flag
        return MeterTime(utc_s, ", ".join(doubts), flags)


def decode_date_time(data: bytes) -> DateTime:
    """The twelve bytes of an octet-string or date-time. Raises DlmsMalformed."""
    if len(data) != SIZE:
        raise DlmsMalformed("date-time: wanted 12 bytes, got %d" % len(data))
    year, month, day, _, hour, minute, second, _, deviation, status = unpack(">HBBBBBBBhB", data)
    found = DateTime(
        None if year == 0xFFFF else year, _known(month, 1, 12, "month"), _known(day, 1, 31, "day"),
        _known(hour, 0, 23, "hour"), _known(minute, 0, 59, "minute"),
        _known(second, 0, 59, "second"),
        None if deviation == UNSPECIFIED_DEVIATION else deviation, status)
    if found.deviation_min is not None and not -840 <= found.deviation_min <= 840:
        raise DlmsMalformed("date-time: a deviation of %d minutes" % found.deviation_min)
    if found.year is not None and not 1970 <= found.year <= 2200:
        raise DlmsMalformed("date-time: the year %d" % found.year)
    return found


def encode_date_time(
        utc_s: int, deviation_min: int, said_min: int | None, status: int = 0) -> bytes:
    """Twelve bytes of the moment `utc_s`, in the local time that `deviation_min` gives; what they
    say of the deviation is `said_min`, None for not specified.
    """
    local_s = utc_s - 60 * deviation_min
    days, seconds = divmod(local_s, _DAY_S)
    year, month, day = _date(days)
    weekday = (days + 3) % 7 + 1         # 1970-01-01 was a Thursday, 4; Monday is 1.
    deviation = UNSPECIFIED_DEVIATION if said_min is None else said_min
    return pack(">HBBBBBBBhB", year, month, day, weekday, seconds // 3600, seconds // 60 % 60,
                seconds % 60, 0, deviation, status)


def _known(value: int, least: int, most: int, name: str) -> int | None:
    """None for 'not specified' and the repeating kinds (last day of the month, summer time)."""
    if value >= 0xFD:
        return None
    if not least <= value <= most:
        raise DlmsMalformed("date-time: %s %d" % (name, value))
    return value


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 (proleptic Gregorian; a year is counted from March)."""
    if month <= 2:
        year -= 1
    era_year = year % 400
    month_place = (month + 9) % 12
    day_of_year = (153 * month_place + 2) // 5 + day - 1
    day_of_era = era_year * 365 + era_year // 4 - era_year // 100 + day_of_year
    return year // 400 * 146097 + day_of_era - _DAYS_TO_1970


def _date(days: int) -> tuple[int, int, int]:
    """Year, month and day of a count of days from 1970-01-01."""
    days += _DAYS_TO_1970
    era, day_of_era = divmod(days, 146097)
    era_year = (day_of_era - day_of_era // 1460 + day_of_era // 36524
                - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * era_year + era_year // 4 - era_year // 100)
    month_place = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_place + 2) // 5 + 1
    month = month_place + 3 if month_place < 10 else month_place - 9
    return era * 400 + era_year + (month <= 2), month, day
