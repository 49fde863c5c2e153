"""Days of the Gregorian calendar by number, from 1970-01-01 as day 0; no time of day, no zone.

Left out: what a meter's date is worth (each protocol says) and local time (pulse/zone.py).
"""

DAY_S = 86400
_ERA_DAYS = 146097           # Of 400 years.
_TO_MARCH_0000 = 719468      # From the first of March of year 0 to day 0.


def days_in_month(year: int, month: int) -> int:
    """28..31."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def days_since_1970(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to that day."""
    shifted = year - (month <= 2)            # The year of a leap day ends with it.
    era_year = shifted % 400
    place = (153 * (month + (9 if month <= 2 else -3)) + 2) // 5 + day - 1
    return (shifted // 400 * _ERA_DAYS + era_year * 365 + era_year // 4 - era_year // 100 + place
            - _TO_MARCH_0000)


def date_of(days: int) -> tuple[int, int, int]:
    """(year, month, day) that is so many days after 1970-01-01."""
    shifted = days + _TO_MARCH_0000
    era, day_of_era = shifted // _ERA_DAYS, shifted % _ERA_DAYS
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    place = (5 * day_of_year + 2) // 153
    month = place + 3 if place < 10 else place - 9
    return (year + era * 400 + (month <= 2), month, day_of_year - (153 * place + 2) // 5 + 1)


def weekday(days: int) -> int:
    """1 for a Monday to 7 for a Sunday, as IEC 62056-6-2 counts."""
    return (days + 3) % 7 + 1
