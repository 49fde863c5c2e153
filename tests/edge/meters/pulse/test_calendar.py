"""Rates by season, weekday, minute and special day, in local time with its changes."""

from tests.edge.meters.pulse.contacts import Contact, Store, clock_at
from wum_edge.document import Table
from wum_edge.meters.days import date_of, days_in_month, days_since_1970, weekday
from wum_edge.meters.pulse.calendar import rate_at
from wum_edge.meters.pulse.calendar_form import check_calendar
from wum_edge.meters.pulse.counter import PulseCounter
from wum_edge.meters.pulse.zone import LAST, Change, Zone, local_s

BERLIN = Zone(60, 60, Change(3, LAST, 7, 60, True), Change(10, LAST, 7, 60, True))
SYDNEY = Zone(600, 60, Change(10, 1, 7, 120, False), Change(4, 1, 7, 180, False))
NEW_YORK = Zone(-300, 60, Change(3, 2, 7, 120, False), Change(11, 1, 7, 120, False))


def utc(year, month, day, hour=0, minute=0):
    return days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60


def hours_ahead(zone, at_s):
    return (local_s(zone, at_s) - at_s) // 3600


def week(profile, weekend):
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return {day: weekend if day in days[5:] else profile for day in days}


def document():
    return {
        "zone": {"offset_min": 60, "summer_min": 60,
                 "begin": {"month": 3, "nth": 5, "weekday": "sunday", "minute": 60, "by_utc": True},
                 "end": {"month": 10, "nth": 5, "weekday": "sunday", "minute": 60, "by_utc": True}},
        "day": [
            {"name": "work", "switch": [{"minute": 0, "rate": 2}, {"minute": 360, "rate": 1},
                                        {"minute": 1320, "rate": 2}]},
            {"name": "low", "switch": [{"minute": 0, "rate": 2}]},
            {"name": "summer", "switch": [{"minute": 0, "rate": 3}]}],
        "season": [dict(week("work", "low"), month=1, day=15),
                   dict(week("summer", "low"), month=6, day=1),
                   dict(week("work", "low"), month=9, day=1)],
        "special": [{"month": 12, "day": 25, "profile": "low"},
                    {"year": 2026, "month": 12, "day": 25, "profile": "summer"}]}


def checked(content):
    mistakes = []
    found = check_calendar(Table(content, "calendar", mistakes))
    return found, mistakes


def test_days_are_counted_as_the_calendar_does():
    day = days_since_1970(1999, 12, 25)
    for _ in range(1600):
        year, month, date = date_of(day)
        assert days_since_1970(year, month, date) == day
        assert 1 <= date <= days_in_month(year, month)
        day += 1
    assert date_of(0) == (1970, 1, 1) and weekday(0) == 4
    assert weekday(days_since_1970(2026, 11, 21)) == 6
    assert days_since_1970(2000, 3, 1) == 11017


def test_summer_time_begins_and_ends_in_its_second():
    for zone, begin, end, winter in (
            (BERLIN, utc(2026, 3, 29, 1), utc(2026, 10, 25, 1), 1),
            (NEW_YORK, utc(2026, 3, 8, 7), utc(2026, 11, 1, 6), -5),
            (SYDNEY, utc(2026, 10, 3, 16), utc(2027, 4, 3, 16), 10)):
        assert [hours_ahead(zone, begin - 1), hours_ahead(zone, begin)] == [winter, winter + 1]
        assert [hours_ahead(zone, end - 1), hours_ahead(zone, end)] == [winter + 1, winter]
    assert hours_ahead(SYDNEY, utc(2026, 12, 31, 20)) == 11   # Over the new year.
    assert hours_ahead(Zone(330, 60, None, None), 0) == 5


def test_rates_follow_weekday_and_minute_in_local_time():
    calendar, mistakes = checked(document())
    assert mistakes == []
    # Wednesday 2026-02-04: from 6 to 22 local is 5 to 21 UTC.
    assert [rate_at(calendar, utc(2026, 2, 4, 4, 59)), rate_at(calendar, utc(2026, 2, 4, 5)),
            rate_at(calendar, utc(2026, 2, 4, 20, 59)), rate_at(calendar, utc(2026, 2, 4, 21))] == [
        2, 1, 1, 2]
    # In summer time the same minutes are an hour earlier by UTC.
    assert rate_at(calendar, utc(2026, 4, 1, 3, 59)) == 2
    assert rate_at(calendar, utc(2026, 4, 1, 4)) == 1
    assert rate_at(calendar, utc(2026, 2, 7, 12)) == 2        # Saturday.


def test_seasons_begin_on_their_day_and_the_last_goes_on_over_the_new_year():
    calendar, _ = checked(document())
    assert rate_at(calendar, utc(2026, 5, 29, 12)) == 1
    assert rate_at(calendar, utc(2026, 6, 1, 12)) == 3
    assert rate_at(calendar, utc(2026, 5, 31, 22, 30)) == 3   # June already, locally.
    assert rate_at(calendar, utc(2027, 1, 8, 12)) == 1        # The season of September.


def test_special_days_go_before_the_week_and_one_year_before_every_year():
    calendar, _ = checked(document())
    assert rate_at(calendar, utc(2025, 12, 25, 12)) == 2      # A Thursday.
    assert rate_at(calendar, utc(2026, 12, 25, 12)) == 3
    assert rate_at(calendar, utc(2026, 12, 24, 22, 59)) == 2
    assert rate_at(calendar, utc(2026, 12, 24, 23)) == 3


def test_every_mistake_of_a_calendar_is_named():
    bad = document()
    bad["day"][0]["switch"][0]["minute"] = 5
    bad["day"][1]["name"] = "work"
    bad["season"][1]["monday"] = "wrok"
    bad["season"][2]["month"] = 2
    bad["special"][0]["day"] = 32
    bad["zone"]["begin"]["weekday"] = "sun"
    bad["extra"] = 1
    _, mistakes = checked(bad)
    paths = sorted([path for path, _, _ in mistakes])
    assert paths == ["calendar.day[0].switch", "calendar.day[1].name", "calendar.extra",
                     "calendar.season", "calendar.season[0].saturday",
                     "calendar.season[0].sunday", "calendar.season[1].monday",
                     "calendar.season[1].saturday", "calendar.season[1].sunday",
                     "calendar.season[2].saturday", "calendar.season[2].sunday",
                     "calendar.special[0].day", "calendar.special[0].profile",
                     "calendar.zone.begin.weekday"], paths
    checked({})
    checked([])


def test_each_pulse_counts_for_the_rate_of_its_second_and_all_for_the_total():
    calendar, _ = checked(document())
    clock = clock_at(utc(2026, 2, 4, 4, 59))
    contact = Contact(clock)
    counter = PulseCounter(contact, Store(), clock, calendar, 30, 300, 36000)
    contact.pulse(10)                              # Rate 2, polled in rate 1.
    clock.ms += 120000
    contact.pulse(5)
    clock.ms += 400000
    kept = counter.shown()
    assert kept.total == 15
    assert kept.rates[:3] == (5, 10, 0)
