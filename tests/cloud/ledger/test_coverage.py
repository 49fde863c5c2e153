"""A register set is there when one row of the interval holds all of its registers."""

from datetime import UTC, datetime, timedelta

from wum_cloud.ledger.reckoning import LATE, RECEIVED, SILENT, UNEXPLAINED, Interval
from wum_cloud.ledger.sets.coverage import RegisterSet, StoredRow, of_set

HOUR = timedelta(hours=1)
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
SET = RegisterSet(7, 0, ("1-0:1.8.0", "1-0:2.8.0"))


def _interval(at: int, state: str) -> Interval:
    return Interval(FIRST + at * HOUR, FIRST + (at + 1) * HOUR, state, None, "cabinet")


def _row(at: float, *codes: str, profile: int = 0, after: timedelta = HOUR / 60) -> StoredRow:
    when = FIRST + at * HOUR
    return StoredRow(when, profile, when + after, frozenset(codes))


def _states(states: list[str], *rows: StoredRow) -> list[str]:
    intervals = [_interval(at, state) for at, state in enumerate(states)]
    return [one.state for one in of_set(intervals, SET, rows)]


def test_half_a_set_is_no_set_and_more_than_it_is_one() -> None:
    assert _states([RECEIVED, RECEIVED, RECEIVED], _row(0, "1-0:1.8.0"), _row(1, *SET.codes),
                   _row(2.5, *SET.codes, "1-0:32.7.0")) == [UNEXPLAINED, RECEIVED, RECEIVED]


def test_a_row_of_another_profile_or_interval_is_none() -> None:
    assert _states([RECEIVED, RECEIVED], _row(0, *SET.codes, profile=1), _row(1, *SET.codes),
                   _row(2, *SET.codes)) == [UNEXPLAINED, RECEIVED]


def test_a_set_is_late_by_its_own_arrival() -> None:
    assert _states([RECEIVED, RECEIVED], _row(0, *SET.codes, after=3 * HOUR),
                   _row(1, *SET.codes, after=3 * HOUR + timedelta(seconds=1))) == [RECEIVED, LATE]


def test_what_is_missing_keeps_its_reason_for_every_set() -> None:
    assert _states([SILENT, RECEIVED], _row(1, *SET.codes)) == [SILENT, RECEIVED]
