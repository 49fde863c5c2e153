"""Gaps of a load profile: which intervals are missing, and why."""

from datetime import UTC, datetime, timedelta

import wum_cloud.readings.gaps as gaps_file
from wum_cloud.readings.gaps import NO_VALUE, NOT_RECEIVED
from wum_shared.messages import Schedule
from wum_shared.status import BAD_CHECK, SILENT

HOURLY = Schedule(3600, 0)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> datetime:
    return MIDNIGHT + timedelta(hours=hour, minutes=minute)


def find_gaps(schedule, start, end, captured, missed, without=(), settled=None):
    """As columns of seconds, which is how the database gives them."""
    return gaps_file.find_gaps(
        schedule, start, end, [int(moment.timestamp()) for moment in captured],
        [(int(moment.timestamp()), outcome) for moment, outcome in missed],
        [int(moment.timestamp()) for moment in without], settled)


def spans(gaps):
    return [(gap.start, gap.end, gap.intervals, gap.reason) for gap in gaps]


def test_a_complete_day_has_no_gap():
    assert find_gaps(HOURLY, at(0), at(24), [at(h, 1) for h in range(24)], []) == []


def test_neighbouring_intervals_without_a_reading_are_one_gap():
    captured = [at(h, 1) for h in range(24) if h not in (5, 6, 7)]
    assert spans(find_gaps(HOURLY, at(0), at(24), captured, [])) == [
        (at(5), at(8), 3, NOT_RECEIVED)]


def test_a_gap_says_what_the_concentrator_said_and_ends_where_the_reason_changes():
    captured = [at(h, 1) for h in range(24) if h not in (5, 6, 7)]
    missed = [(at(5, 1), SILENT), (at(6, 1), SILENT), (at(7, 2), BAD_CHECK)]
    assert spans(find_gaps(HOURLY, at(0), at(24), captured, missed)) == [
        (at(5), at(7), 2, "silent"), (at(7), at(8), 1, "bad check")]


def test_a_reading_that_came_after_all_counts_more_than_a_missed_capture():
    assert find_gaps(HOURLY, at(5), at(6), [at(5, 9)], [(at(5, 1), SILENT)]) == []


def test_an_interval_that_is_not_over_is_not_missing_yet():
    assert find_gaps(HOURLY, at(0), at(0, 59), [], []) == []
    assert len(find_gaps(HOURLY, at(0), at(1), [], [])) == 1


def test_intervals_begin_at_the_schedules_offset():
    quarter_past = Schedule(3600, 900)
    gaps = find_gaps(quarter_past, at(0), at(3), [at(1, 20)], [])
    assert spans(gaps) == [(at(0, 15), at(1, 15), 1, NOT_RECEIVED)]


def test_an_empty_span_is_one_gap_from_end_to_end():
    assert spans(find_gaps(HOURLY, at(0), at(24), [], [])) == [(at(0), at(24), 24, NOT_RECEIVED)]


def test_a_row_without_the_register_is_a_gap_of_its_own_kind():
    gaps = find_gaps(HOURLY, at(0), at(4), [at(0)], [(at(2), SILENT)], [at(0), at(1), at(2)])
    assert spans(gaps) == [
        (at(1), at(2), 1, NO_VALUE), (at(2), at(3), 1, "silent"), (at(3), at(4), 1, NOT_RECEIVED)]


def test_readings_outside_the_span_fill_nothing_in_it():
    assert len(find_gaps(HOURLY, at(5), at(7), [at(4), at(7)], [(at(8), SILENT)])) == 1


def test_what_comes_after_now_is_not_expected():
    assert find_gaps(HOURLY, at(5), at(2), [], []) == []


def test_a_month_of_ten_seconds_with_a_hole_in_every_minute_is_found_whole():
    month = timedelta(days=31)
    captured = [at(0) + timedelta(seconds=10 * n) for n in range(267_840) if n % 6]
    gaps = find_gaps(Schedule(10, 0), at(0), at(0) + month, captured, [])
    assert len(gaps) == 267_840 // 6
    assert all(gap.intervals == 1 for gap in gaps)


def test_what_may_be_under_way_is_no_gap_unless_the_concentrator_told_of_it():
    gaps = find_gaps(HOURLY, at(0), at(4), [at(0)], [(at(3, 1), SILENT)], settled=at(2))
    assert spans(gaps) == [(at(1), at(2), 1, NOT_RECEIVED), (at(3), at(4), 1, "silent")]
