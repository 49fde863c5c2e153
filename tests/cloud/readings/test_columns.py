"""Which readings of very many an answer needs."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wum_cloud.readings.columns import ABSENT, Columns, after_edges, extremes, groups, newest

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
START_S = int(MIDNIGHT.timestamp())


def columns(*registers: list[int | None], period_s: int = 10) -> Columns:
    captured = START_S + period_s * np.arange(len(registers[0]), dtype=np.int64)
    return Columns(captured, [
        np.array([ABSENT if v is None else v for v in values], np.int64) for values in registers])


def at(second: int) -> datetime:
    return MIDNIGHT + timedelta(seconds=second)


values = st.one_of(st.none(), st.integers(-2**62, 2**62))


@given(st.lists(st.tuples(values, values), min_size=1, max_size=300), st.integers(1, 40))
def test_no_peak_is_lost_however_narrow_the_plot(rows, pixels):
    found = columns([a for a, _ in rows], [b for _, b in rows])
    end = at(10 * len(rows))
    kept = extremes(found, MIDNIGHT, end, pixels)
    assert list(kept) == sorted(set(kept.tolist()))
    for register in (0, 1):
        there = found.values[register][found.there(register)]
        chosen = found.values[register][kept][found.there(register)[kept]]
        assert not len(there) or (chosen.min(), chosen.max()) == (there.min(), there.max())


@given(st.lists(values, min_size=1, max_size=3000), st.integers(1, 40))
def test_a_plot_has_a_bounded_number_of_points(rows, pixels):
    assert len(extremes(columns(rows), MIDNIGHT, at(10 * len(rows)), pixels)) <= 2 * pixels


def test_every_pixel_column_keeps_its_own_peak():
    found = columns([n % 100 for n in range(1000)])
    kept = extremes(found, MIDNIGHT, at(10_000), 10)
    assert [n for n in kept.tolist() if n % 100 == 99] == list(range(99, 1000, 100))
    assert [n for n in kept.tolist() if n % 100 == 0] == list(range(0, 1000, 100))


def test_few_readings_are_all_kept():
    assert extremes(columns([5, None, 7]), MIDNIGHT, at(30), 10).tolist() == [0, 1, 2]


def test_the_newest_rows_are_those_that_have_a_value():
    found = columns([1, 2, None, 4, None], [None, None, None, None, 5])
    assert newest(found, 2).tolist() == [3, 4]
    assert newest(found, 0).tolist() == []
    assert newest(columns([None, None]), 3).tolist() == []


def test_the_reading_of_an_edge_is_the_first_at_or_after_it():
    found = columns([0, 1, None, 3, 4, 5])
    assert after_edges(found, [at(0), at(15), at(30)]).tolist() == [0, 3, 5]
    assert after_edges(found, [at(60)]).tolist() == [5]
    assert after_edges(columns([None]), [at(0)]).tolist() == []


def test_a_group_says_how_many_and_which_are_first_last_least_and_greatest():
    found = columns([5, 9, 7, None, 2, 2])
    first, second = groups(found, [at(0), at(30), at(40), at(60)])
    assert (first.start, first.end, first.readings) == (at(0), at(30), 3)
    assert (first.first, first.last, first.least, first.greatest) == (0, 2, 0, 1)
    assert (second.start, second.readings, second.first, second.last) == (at(40), 2, 4, 5)
