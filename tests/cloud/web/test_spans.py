"""Spans of the load profile: by the clocks of the site, whatever those do."""

from datetime import UTC, date, datetime, timedelta

import pytest

from wum_cloud.web.console.spans import edges, span_of

ZONE = "Europe/Chisinau"
NOW = datetime(2026, 10, 26, 10, 7, tzinfo=UTC)


def test_without_a_date_a_span_ends_now_and_moves_on() -> None:
    span = span_of("day", None, ZONE, NOW)
    assert (span.start, span.end, span.rolls) == (NOW - timedelta(days=1), NOW, True)
    assert (span.name, span.earlier, span.later) == ("Last 24 hours", date(2026, 10, 25), None)


@pytest.mark.parametrize(("day", "hours"), [
    (date(2026, 10, 24), 24), (date(2026, 10, 25), 25), (date(2026, 3, 29), 23)])
def test_a_day_is_as_long_as_the_sites_clocks_make_it(day: date, hours: int) -> None:
    span = span_of("day", day, ZONE, NOW)
    assert span.end - span.start == timedelta(hours=hours)
    assert len(edges(span, "day", 900, ZONE)) == hours + 1


def test_the_day_before_and_after_are_offered_and_never_the_future() -> None:
    span = span_of("day", date(2026, 10, 25), ZONE, NOW)
    assert (span.earlier, span.later) == (date(2026, 10, 24), date(2026, 10, 26))
    assert span_of("day", date(2026, 10, 26), ZONE, NOW).later is None
    assert span.name == "Sunday, 25 October 2026"


def test_a_week_begins_on_monday_and_a_month_on_its_first() -> None:
    week = span_of("week", date(2026, 10, 25), ZONE, NOW)
    assert week.start == datetime(2026, 10, 18, 21, tzinfo=UTC)
    assert week.end - week.start == timedelta(days=7, hours=1)
    assert week.name == "19 Oct – 25 Oct 2026"
    month = span_of("month", date(2026, 2, 14), ZONE, NOW)
    assert month.end - month.start == timedelta(days=28)
    assert (month.earlier, month.later) == (date(2026, 1, 31), date(2026, 3, 1))


def test_the_bars_of_a_week_are_local_days() -> None:
    week = span_of("week", date(2026, 10, 25), ZONE, NOW)
    found = edges(week, "week", 900, ZONE)
    assert len(found) == 8
    assert found[-1] - found[-2] == timedelta(hours=25), "the Sunday on which clocks go back"


def test_no_bar_is_shorter_than_the_meters_period() -> None:
    hour = span_of("hour", None, ZONE, NOW)
    assert {b - a for a, b in zip(edges(hour, "hour", 10, ZONE), edges(hour, "hour", 10, ZONE)[1:],
                                  strict=False)} == {timedelta(minutes=5)}
    assert {b - a for a, b in zip(edges(hour, "hour", 900, ZONE),
                                  edges(hour, "hour", 900, ZONE)[1:], strict=False)} == {
        timedelta(minutes=15)}
    found = edges(hour, "hour", 900, ZONE)
    assert found[0] <= hour.start and found[-1] >= hour.end
