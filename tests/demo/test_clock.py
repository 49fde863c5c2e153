"""Compressed time: starts in the past, goes on after a pause, never overtakes the real clock."""

import time

import pytest

from demo.clock import Clock, clock_for
from demo.errors import ClockRefused

DAY_S = 86_400


def test_without_a_wish_the_street_lives_in_the_present(tmp_path):
    clock = clock_for(tmp_path / "clock", None)
    assert clock.speed == 1
    assert clock.period_s == 10
    assert abs(clock.start_s - time.time()) < 5


def test_compressed_time_starts_a_day_ago_and_reads_as_often_by_the_real_clock(tmp_path):
    clock = clock_for(tmp_path / "clock", 60)
    assert abs(time.time() - DAY_S - clock.start_s) < 5
    assert clock.period_s == 600


def test_it_meets_the_real_clock_and_never_overtakes_it():
    clock = Clock(start_s=1_000_000, wall_s=1_086_400, speed=60)
    assert clock.now_s(1_086_400) == 1_000_000
    assert clock.now_s(1_086_401) == 1_000_060
    for wall_s in range(1_086_400, 1_100_000, 7):
        assert clock.now_s(wall_s) <= wall_s
    assert clock.now_s(1_099_999) == 1_099_999
    assert clock.has_met_the_present(1_099_999.5) and not clock.has_met_the_present(1_086_500.5)
    assert not Clock(1_086_400, 1_086_400, 1).has_met_the_present(1_086_400)


def test_the_next_run_goes_on_where_the_clock_would_stand_now(tmp_path):
    first = clock_for(tmp_path / "clock", 60)
    kept = Clock(first.start_s, first.wall_s - 100, 60)  # As if that start was 100 s ago.
    (tmp_path / "clock").write_text(
        f'{{"start_s": {kept.start_s}, "wall_s": {kept.wall_s}, "speed": 60}}'
    )
    second = clock_for(tmp_path / "clock", None)
    assert second.speed == 60
    assert 6000 <= second.start_s - first.start_s <= 6000 + 5 * 60


def test_compressing_over_data_that_reach_the_present_is_refused_with_the_way_out(tmp_path):
    clock_for(tmp_path / "clock", None)
    with pytest.raises(ClockRefused, match="make clean-demo"):
        clock_for(tmp_path / "clock", 60)


def test_a_compressed_street_that_reached_the_present_goes_on_in_real_time(tmp_path):
    long_ago = int(time.time()) - 10 * DAY_S
    (tmp_path / "clock").write_text(
        f'{{"start_s": {long_ago - DAY_S}, "wall_s": {long_ago}, "speed": 60}}'
    )
    clock = clock_for(tmp_path / "clock", None)
    assert (clock.speed, clock.period_s) == (1, 10)
