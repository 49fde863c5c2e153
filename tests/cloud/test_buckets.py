"""Hours and local days of a series, clock changes included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wum_cloud.readings.buckets import days, hours
from wum_cloud.readings.series import Point

CHISINAU = ZoneInfo("Europe/Chisinau")


def point(moment: datetime, value: int, scaler: int = 0) -> Point:
    return Point(moment, value, scaler, 30, 0, 0)


def hourly(start: datetime, count: int) -> list[Point]:
    return [point(start + timedelta(hours=h), h) for h in range(count)]


def test_the_day_on_which_clocks_go_forward_has_23_hours():
    noon_before = datetime(2026, 3, 28, 10, tzinfo=UTC)
    by_day = days(hourly(noon_before, 60), CHISINAU)
    assert [bucket.readings for bucket in by_day] == [12, 23, 24, 1]
    assert by_day[1].end - by_day[1].start == timedelta(hours=23)


def test_the_day_on_which_clocks_go_back_has_25_hours():
    noon_before = datetime(2026, 10, 24, 9, tzinfo=UTC)
    by_day = days(hourly(noon_before, 60), CHISINAU)
    assert [bucket.readings for bucket in by_day] == [12, 25, 23]
    assert by_day[1].end - by_day[1].start == timedelta(hours=25)


def test_a_bucket_says_what_was_read_and_nothing_else():
    start = datetime(2026, 5, 1, 7, tzinfo=UTC)
    readings = [point(start, 5), point(start + timedelta(minutes=10), 9),
                point(start + timedelta(minutes=20), 7), point(start + timedelta(hours=2), 8)]
    first, second = hours(readings)
    assert (first.start, first.end, first.readings) == (start, start + timedelta(hours=1), 3)
    assert (first.first, first.last, first.least, first.greatest) == (
        readings[0], readings[2], readings[0], readings[1])
    assert (second.start, second.readings) == (start + timedelta(hours=2), 1)


def test_readings_of_different_scalers_are_compared_by_what_they_mean():
    start = datetime(2026, 5, 1, 7, tzinfo=UTC)
    fine, coarse = point(start, 1500, -1), point(start + timedelta(minutes=1), 149, 0)
    assert hours([fine, coarse])[0].least == coarse
