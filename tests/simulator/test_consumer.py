"""What a consumer shows is a pure function of seed and time, and true to the recording."""

import pytest

from wum_simulator.consumer import MICRO, ORIGIN_S, Consumer
from wum_simulator.grid import Grid
from wum_simulator.loads.homes import WEEK_S, recorded_homes
from wum_simulator.quantities import QUANTITIES, shown
from wum_simulator.town import street
from wum_simulator.world import Dice

HOMES = recorded_homes()
SOLAR = HOMES[0]
PLAIN = next(home for home in HOMES if not home.has_panels)
AT_S = 1_727_100_000


def consumer(home: object = SOLAR, *, seed: int = 7, week: int = 0, phases: int = 3) -> Consumer:
    dice = Dice(seed)
    return Consumer(dice, Grid(dice), home, first_week=week, number=5, phases=phases)  # type: ignore[arg-type]


def test_seventeen_homes_make_a_street_of_68_and_no_two_are_alike() -> None:
    assert len(HOMES) == 17
    along = street(Dice(7))
    assert len({(home.name, week) for home, week in along}) == 68
    assert along != street(Dice(8))
    assert along == street(Dice(7))


def test_each_interval_counts_exactly_what_was_recorded() -> None:
    for home in (SOLAR, PLAIN):
        one = consumer(home, week=2)
        skipped = 2 * WEEK_S // home.interval_s
        for place in range(0, 700, 23):
            start_s = ORIGIN_S + place * home.interval_s
            before, after = one.at(start_s), one.at(start_s + home.interval_s)
            recorded = (place + skipped) % len(home.consumed_wh)
            net_wh = home.consumed_wh[recorded] - home.generated_wh[recorded]
            imported = sum(after.import_wh) - sum(before.import_wh)
            exported = sum(after.export_wh) - sum(before.export_wh)
            assert (imported, exported) == (max(net_wh, 0) * MICRO, max(-net_wh, 0) * MICRO)


def test_after_four_weeks_the_home_comes_round_and_its_counter_goes_on() -> None:
    one = consumer()
    round_s = 4 * WEEK_S
    first, second, third = (one.at(AT_S + n * round_s) for n in range(3))
    assert first.power_w == second.power_w
    grown = sum(second.import_wh) - sum(first.import_wh)
    assert grown > 0
    assert grown == sum(third.import_wh) - sum(second.import_wh)


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
def test_counters_never_go_back_and_agree_with_the_power(home: object) -> None:
    one = consumer(home)
    before = one.at(AT_S)
    for at_s in range(AT_S + 7, AT_S + 90_000, 997):
        second, now = one.at(at_s - 1), one.at(at_s)
        for counters in ("import_wh", "export_wh", "reactive_import_varh", "reactive_export_varh"):
            assert all(a <= b for a, b in zip(
                getattr(before, counters), getattr(now, counters), strict=True))
        if at_s % 30:            # No slot begins between the two seconds.
            for k in range(3):
                grown = now.import_wh[k] - second.import_wh[k]
                sold = now.export_wh[k] - second.export_wh[k]
                # Within what whole numbers of 10^-6 Wh and W can tell.
                assert abs((grown - sold) * 3600 - now.power_w[k]) <= 2 * 3600
        before = now


def test_nothing_is_remembered_so_any_order_of_asking_gives_the_same() -> None:
    times = [AT_S + n * 1234 for n in range(20)]
    one, other = consumer(), consumer()
    assert [one.at(t) for t in times] == [other.at(t) for t in reversed(times)][::-1]
    assert one.at(AT_S) != consumer(seed=8).at(AT_S)


def test_a_house_without_panels_exports_nothing_and_one_with_them_does() -> None:
    year = range(AT_S, AT_S + 4 * WEEK_S, 3600)
    plain, solar = consumer(PLAIN), consumer(SOLAR)
    assert all(plain.at(t).power_w[0] >= 0 for t in year)
    assert any(solar.at(t).power_w[0] < 0 for t in year)


def test_a_single_phase_consumer_uses_one_phase() -> None:
    instant = consumer(phases=1).at(AT_S)
    assert instant.power_w[1:] == (0, 0)
    assert instant.import_wh[1:] == (0, 0)
    assert sum(consumer(phases=3).at(AT_S).power_w) == pytest.approx(instant.power_w[0], abs=10)


def test_derived_quantities_fit_together_and_stay_in_their_ranges() -> None:
    for week in range(4):
        one = consumer(week=week)
        for at_s in range(AT_S, AT_S + 86_400, 601):
            i = one.at(at_s)
            for k in range(3):
                assert 215 * MICRO < i.voltage_v[k] < 245 * MICRO
                flowing = (i.power_w[k] ** 2 + i.reactive_var[k] ** 2) ** 0.5
                assert i.voltage_v[k] * i.current_a[k] / MICRO == pytest.approx(flowing, abs=500)
            assert 49.9 < i.frequency_hz / MICRO < 50.1
            assert 0.8 * MICRO < shown("1-0:13.7.0", i) <= MICRO


def test_no_derived_quantity_stands_still() -> None:
    one = consumer()
    day = [one.at(t) for t in range(AT_S, AT_S + 86_400, 900)]
    for obis in ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0", "1-0:32.7.0", "1-0:52.7.0",
                 "1-0:72.7.0", "1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0", "1-0:16.7.0",
                 "1-0:13.7.0", "1-0:14.7.0"):
        assert len({shown(obis, i) for i in day}) > 5, obis


def test_totals_are_the_sums_of_their_phases() -> None:
    i = consumer().at(AT_S)
    for c in ("1.8", "2.8", "3.8", "4.8", "16.7"):
        number, group = c.split(".")
        parts = [shown(f"1-0:{int(number) + 20 * k}.{group}.0", i) for k in (1, 2, 3)]
        assert sum(parts) == shown(f"1-0:{c}.0", i)
    assert len(QUANTITIES) > 60


def test_a_time_before_the_counters_began_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        consumer().at(ORIGIN_S - 1)
