"""The counter of a delivery point over its meters: no kWh invented, none lost, gaps told."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from wum_cloud.readings.joined import NO_FINAL, NO_FIRST, NO_METER, Count, Stay, used

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
EDGES = [START + n * HOUR for n in range(5)]


def at(quarters: float) -> datetime:
    return START + quarters * QUARTER


def counts(first: int, last: int, value: int, step: int = 10) -> list[Count]:
    """A reading at each quarter of first..last."""
    return [Count(at(n), value + (n - first) * step) for n in range(first, last + 1)]


def values(stays: list[Stay], edges: list[datetime] = EDGES) -> list[int | None]:
    return [one.value for one in used(stays, edges, QUARTER)[0]]


def test_over_a_replacement_both_meters_parts_are_added() -> None:
    """Off at 01:35 with 7062 on its display, on at once with 3."""
    old = Stay("OLD", None, at(6.33), counts(0, 6, 7000), final=7062)
    new = Stay("NEW", at(6.33), None, counts(7, 16, 10), first=3)
    found, gaps = used([old, new], EDGES, QUARTER)
    assert [one.value for one in found] == [40, (7062 - 7040) + (20 - 3), 40, 40]
    assert [one.meters for one in found] == [("OLD",), ("OLD", "NEW"), ("NEW",), ("NEW",)]
    assert gaps == []


def test_a_span_without_a_meter_is_a_gap_and_what_was_counted_is_there_all_the_same() -> None:
    old = Stay("OLD", None, at(3), counts(0, 2, 7000), final=7025)
    new = Stay("NEW", at(10), None, counts(10, 16, 0), first=0)
    found, gaps = used([old, new], EDGES, QUARTER)
    assert [one.value for one in found] == [25, 0, 20, 40]
    assert [(gap.start, gap.end, gap.reason) for gap in gaps] == [(at(3), at(10), NO_METER)]


@pytest.mark.parametrize(("final", "first", "why"), [
    (None, 0, NO_FINAL), (7062, None, NO_FIRST), (None, None, NO_FINAL)])
def test_without_a_final_or_first_reading_nobody_knows_what_was_used_across(
        final: int | None, first: int | None, why: str) -> None:
    old = Stay("OLD", None, at(6.5), counts(0, 6, 7000), final=final)
    new = Stay("NEW", at(6.5), None, counts(7, 16, 10), first=first)
    found, gaps = used([old, new], EDGES, QUARTER)
    assert [one.value for one in found] == [40, None, 40, 40]
    assert [gap.reason for gap in gaps] == [why]
    assert gaps[0].start <= at(6.5) <= gaps[0].end


def test_what_the_old_serial_says_after_it_was_taken_off_does_not_count() -> None:
    """Its address answers still: it is the new meter that answers."""
    old = Stay("OLD", None, at(6), counts(0, 6, 7000) + counts(7, 12, 50), final=7060)
    new = Stay("NEW", at(6), None, counts(7, 16, 10), first=0)
    assert values([old, new]) == [40, 40, 40, 40]


def test_a_counter_that_went_back_is_not_known() -> None:
    assert values([Stay("M", None, None, [Count(at(0), 5), Count(at(4), 3), Count(at(8), 9)])]) == [
        None, 6, None, None]


def test_the_interval_that_still_runs_goes_up_to_the_newest_reading() -> None:
    found, _ = used([Stay("M", None, None, counts(0, 6, 0))], EDGES, QUARTER)
    assert [(one.value, one.open) for one in found] == [
        (40, False), (20, True), (None, False), (None, False)]


@pytest.mark.parametrize("seed", range(40))
def test_the_sum_over_any_edges_is_what_the_meters_counted(seed: int) -> None:
    """A house that uses energy all the time, and meters that are changed at any moment."""
    dice = Random(seed)
    changes = sorted(dice.sample(range(5, 195), dice.randint(0, 5)))
    use = [dice.randint(0, 50) for _ in range(201)]     # Of minute n to n + 1.
    stays: list[Stay] = []
    begin = 0
    for end in [*changes, 200]:
        shown = dice.randint(0, 10**6)
        dial = [shown + sum(use[begin:n]) for n in range(begin, end + 1)]
        stays.append(Stay(
            "M%d" % begin, START + timedelta(minutes=begin) if begin else None,
            START + timedelta(minutes=end) if end < 200 else None,
            [Count(START + timedelta(minutes=n), dial[n - begin])
             for n in range(begin, end + 1) if n % 5 == 0],
            first=dial[0] if begin else None, final=dial[-1] if end < 200 else None))
        begin = end
    edges = [START + timedelta(minutes=n) for n in range(0, 201, dice.choice([5, 10, 20, 40]))]
    found, gaps = used(stays, edges, timedelta(minutes=5))
    assert gaps == []
    minutes = [int((edge - START).total_seconds()) // 60 for edge in edges]
    assert [one.value for one in found] == [
        sum(use[a:b]) for a, b in zip(minutes, minutes[1:], strict=False)]
