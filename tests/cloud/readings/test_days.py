"""Hours and local days, clock changes included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from wum_cloud.readings.days import day_edges, hour_edges

CHISINAU = ZoneInfo("Europe/Chisinau")


def lengths(edges: list[datetime]) -> list[float]:
    return [(b - a) / timedelta(hours=1) for a, b in zip(edges, edges[1:], strict=False)]


def test_the_day_on_which_clocks_go_forward_has_23_hours():
    edges = day_edges(datetime(2026, 3, 28, 10, tzinfo=UTC),
                      datetime(2026, 3, 30, 10, tzinfo=UTC), CHISINAU)
    assert lengths(edges) == [24, 23, 24]
    assert edges[1] == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert edges[2] == datetime(2026, 3, 29, 21, tzinfo=UTC)


def test_the_day_on_which_clocks_go_back_has_25_hours():
    edges = day_edges(datetime(2026, 10, 24, 9, tzinfo=UTC),
                      datetime(2026, 10, 26, 9, tzinfo=UTC), CHISINAU)
    assert lengths(edges) == [24, 25, 24]


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC),
                                 datetime(2026, 10, 25, tzinfo=UTC)])
def test_every_hour_of_a_day_on_which_clocks_change_is_an_hour(day):
    edges = hour_edges(day, day + timedelta(days=1))
    assert lengths(edges) == [1] * 24


def test_edges_hold_the_span_and_no_more():
    start, end = datetime(2026, 5, 1, 7, 10, tzinfo=UTC), datetime(2026, 5, 1, 9, tzinfo=UTC)
    assert hour_edges(start, end) == [datetime(2026, 5, 1, h, tzinfo=UTC) for h in (7, 8, 9)]
    local_day = day_edges(start, end, CHISINAU)
    assert local_day == [datetime(2026, 4, 30, 21, tzinfo=UTC),
                         datetime(2026, 5, 1, 21, tzinfo=UTC)]
