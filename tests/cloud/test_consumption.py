"""Energy by interval: exact differences, and nothing invented where a reading is missing."""

from datetime import UTC, datetime, timedelta

from wum_cloud.readings.consumption import consumption
from wum_cloud.readings.series import Point

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
EDGES = [START + n * HOUR for n in range(4)]


def point(quarter: int, value: int, scaler: int = 0) -> Point:
    return Point(START + quarter * QUARTER, value, scaler, 30, 0, 0)


def values(points: list[Point]) -> list[int | None]:
    return [interval.value for interval in consumption(points, EDGES, QUARTER)]


def test_the_intervals_add_up_to_the_counter() -> None:
    points = [point(n, 1000 + n * n) for n in range(13)]
    assert values(points) == [16, 48, 80]
    assert sum(v or 0 for v in values(points)) == points[-1].value - points[0].value


def test_an_edge_without_a_reading_makes_both_its_intervals_unknown() -> None:
    assert values([point(n, n) for n in range(13) if n != 4]) == [None, None, 4]


def test_a_reading_a_little_after_the_edge_counts_for_it() -> None:
    late = [Point(p.captured_at + timedelta(seconds=9), p.value, 0, 30, 0, 0)
            for p in [point(n, n) for n in range(13)]]
    assert values(late) == [4, 4, 4]


def test_the_interval_that_still_runs_goes_up_to_the_newest_reading() -> None:
    found = consumption([point(n, n) for n in range(7)], EDGES, QUARTER)
    assert [(i.value, i.open) for i in found] == [(4, False), (2, True), (None, False)]


def test_a_counter_that_went_back_gives_no_energy() -> None:
    points = [point(n, 100 + n) for n in range(5)] + [point(n, n) for n in range(5, 13)]
    assert values(points) == [4, None, 4]


def test_a_counter_that_changed_its_scaler_is_not_subtracted() -> None:
    points = [point(n, 100 + n) for n in range(8)] + [point(n, 10, 1) for n in range(8, 13)]
    assert values(points) == [4, None, 0]


def test_without_readings_nothing_is_known() -> None:
    assert values([]) == [None, None, None]
