"""Each due moment comes once, whatever the clock does."""

from wum_edge.schedule import Timetable, last_due_s, next_due_s
from wum_shared.messages import Schedule

HOURLY = Schedule(3600, 0)
NOON = 1760011200            # 2025-10-09 12:00:00 UTC.


def test_due_moments_are_multiples_of_the_period_from_the_offset():
    assert NOON % 3600 == 0
    assert last_due_s(NOON, HOURLY) == NOON
    assert last_due_s(NOON + 3599, HOURLY) == NOON
    assert next_due_s(NOON, HOURLY) == NOON + 3600
    late = Schedule(3600, 60)
    assert last_due_s(NOON, late) == NOON - 3600 + 60
    assert next_due_s(NOON, late) == NOON + 60
    assert next_due_s(NOON, Schedule(86400, 86399)) % 86400 == 86399


def test_a_moment_comes_once():
    table = Timetable(HOURLY, NOON - 10)
    assert table.take(NOON - 10) is None
    assert table.take(NOON - 1) is None
    assert table.take(NOON) == NOON
    assert table.take(NOON) is None
    assert table.take(NOON + 3599) is None
    assert table.take(NOON + 3601) == NOON + 3600
    assert table.take(NOON + 3602) is None


def test_a_start_on_the_moment_reads_at_once():
    assert Timetable(HOURLY, NOON).take(NOON) == NOON


def test_a_start_between_two_moments_waits_for_the_next():
    table = Timetable(HOURLY, NOON + 1)
    assert table.take(NOON + 2) is None
    assert table.next_s(NOON + 2) == NOON + 3600


def test_what_passed_during_a_long_sweep_is_not_made_up_for():
    table = Timetable(HOURLY, NOON)
    assert table.take(NOON) == NOON
    assert table.take(NOON + 3 * 3600 + 5) == NOON + 3 * 3600
    assert table.take(NOON + 3 * 3600 + 6) is None


def test_a_clock_stepped_forward_reads_at_once_and_once():
    table = Timetable(HOURLY, NOON)
    table.take(NOON)
    assert table.take(NOON + 100 * 86400) == NOON + 100 * 86400
    assert table.take(NOON + 100 * 86400 + 1) is None


def test_a_clock_stepped_back_goes_on_with_the_next_moment_there():
    table = Timetable(HOURLY, NOON)
    table.take(NOON)
    back = NOON - 10 * 3600 + 5
    assert table.take(back) is None
    assert table.next_s(back) == NOON - 9 * 3600
    assert table.take(NOON - 9 * 3600) == NOON - 9 * 3600
