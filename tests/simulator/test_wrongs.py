"""What goes wrong with a meter shows in its registers as it would in the street."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulator.running import START_S, serving
from wum_simulator.consumer import MICRO, Instant
from wum_simulator.town import Meter, meters
from wum_simulator.world import Dice
from wum_simulator.wrongs import WRONGS_MAX, What, Wrong

HOUR_S = 3600


def meter(*wrongs: Wrong) -> Meter:
    made = meters(Dice(7), ["eastron-sdm630"], count=1)[0]
    for wrong in wrongs:
        made.goes_wrong(wrong)
    return made


def total(values: tuple[int, int, int]) -> int:
    return sum(values)


def both(*wrongs: Wrong, at_s: int = START_S + HOUR_S) -> tuple[Instant, Instant]:
    return meter().instant_at(at_s), meter(*wrongs).instant_at(at_s)


def test_before_it_begins_nothing_is_wrong() -> None:
    for what in What:
        right, wrong = both(Wrong(what, START_S + 2 * HOUR_S, 1))
        assert right == wrong


def test_counters_begin_again_when_reset_and_go_on_from_there() -> None:
    right, wrong = both(Wrong(What.RESET, START_S))
    began = meter().instant_at(START_S)
    for k in range(3):
        assert wrong.import_wh[k] == right.import_wh[k] - began.import_wh[k]
    assert wrong.power_w == right.power_w


def test_a_replaced_meter_has_another_serial_and_young_counters() -> None:
    old, new = meter(), meter(Wrong(What.REPLACED, START_S))
    assert old.serial != new.serial
    assert total(new.instant_at(START_S).import_wh) == 0


def test_counters_stand_where_the_rollover_wants_them() -> None:
    _, wrong = both(Wrong(What.ROLLOVER, START_S, 99_999_990), at_s=START_S)
    assert total(wrong.import_wh) == 99_999_990 * MICRO


def test_an_inverted_transformer_counts_what_is_taken_as_given() -> None:
    right, wrong = both(Wrong(What.INVERTED_CT, START_S, 2))
    began = meter().instant_at(START_S)
    assert wrong.power_w[1] == -right.power_w[1] and wrong.power_w[0] == right.power_w[0]
    assert (wrong.export_wh[1] - began.export_wh[1]
            == right.import_wh[1] - began.import_wh[1])
    assert wrong.import_wh[0] == right.import_wh[0]


def test_a_magnet_takes_its_share_of_energy_power_and_current() -> None:
    right, wrong = both(Wrong(What.MAGNET, START_S, 80))
    began = meter().instant_at(START_S)
    for k in range(3):
        grown = right.import_wh[k] - began.import_wh[k]
        assert wrong.import_wh[k] - began.import_wh[k] == grown * 20 // 100
        assert wrong.current_a[k] == right.current_a[k] * 20 // 100
    assert wrong.voltage_v == right.voltage_v


def test_an_open_neutral_pulls_the_voltages_apart() -> None:
    right, wrong = both(Wrong(What.OPEN_NEUTRAL, START_S))
    assert wrong.voltage_v[1] < right.voltage_v[1] * 3 // 4 < right.voltage_v[1]
    assert wrong.voltage_v[2] > right.voltage_v[2]


@pytest.mark.parametrize(("what", "amount", "ahead_s"), [
    (What.CLOCK_OFF, -90, lambda passed_s: -90),
    (What.CLOCK_DRIFT, 5000, lambda passed_s: passed_s * 5000 // MICRO)])
def test_a_clock_goes_its_own_way_until_it_is_set(
        what: What, amount: int, ahead_s: Callable[[int], int]) -> None:
    one = meter(Wrong(what, START_S, amount))
    later_s = START_S + 10 * HOUR_S
    assert one.clock_at(later_s) - later_s == ahead_s(10 * HOUR_S)
    one.set_clock(later_s, later_s)
    assert one.clock_at(later_s) == later_s
    again_s = later_s + HOUR_S
    drifted_s = ahead_s(11 * HOUR_S) - ahead_s(10 * HOUR_S)
    assert one.clock_at(again_s) - again_s == drifted_s


def test_wrongs_are_bounded() -> None:
    one = meter(*[Wrong(What.CLOCK_OFF, START_S, 1)] * (WRONGS_MAX + 5))
    assert len(one.wrongs) == WRONGS_MAX


def test_a_wrong_is_ordered_through_the_control_socket(tmp_path: Path) -> None:
    with serving(tmp_path, "--meters", "2") as running:
        before = running.shown(1)
        running.ask("wrong", what="reset", address=1, at_s=START_S)
        after = running.shown(1)
        counters = [name for name in before if ".8." in before[name]["obis"]]
        assert any(before[name]["scaled"] > 0 for name in counters)
        assert all(after[name]["scaled"] == 0 for name in counters)
        assert running.shown(2) != after
