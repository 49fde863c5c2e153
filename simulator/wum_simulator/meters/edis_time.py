"""Times as EDIS writes them, YYMMDDhhmmss, and seconds since 1970, without a library's calendar.

Left out: zones and seasons. The calendar is counted from 1 March, so that a leap day comes last.
"""

DAY_S = 86400
_ERA_DAYS = 146097           # 400 years.
_TO_1970 = 719468            # Days from 0000-03-01 to 1970-01-01.


def written_at(at_s: int) -> str:
    """YYMMDDhhmmss of so many seconds after 1970-01-01T00:00:00."""
    days, second = divmod(at_s, DAY_S)
    era, day_of_era = divmod(days + _TO_1970, _ERA_DAYS)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = era * 400 + year_of_era + (month <= 2)
    return (f"{year % 100:02d}{month:02d}{day:02d}"
            f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}")


def seconds_of(text: str) -> int | None:
    """Seconds since 1970 of YYMMDDhhmm(ss), a season digit before it passed over; None for what
    is no time.
    """
    digits = text[1:] if len(text) % 2 else text
    if len(digits) not in (10, 12) or not digits.isdigit():
        return None
    digits = digits.ljust(12, "0")
    year, month, day, hour, minute, second = (
        int(digits[at:at + 2]) for at in range(0, 12, 2))
    year += 2000
    years = year - (month <= 2)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = 365 * years + years // 4 - years // 100 + years // 400 + day_of_year - _TO_1970
    found = days * DAY_S + hour * 3600 + minute * 60 + second
    return found if 1 <= month <= 12 and written_at(found) == digits else None
