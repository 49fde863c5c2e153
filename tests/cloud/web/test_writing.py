"""How numbers, shares, ages and names are written on pages."""

from datetime import UTC, datetime, timedelta

import pytest

from wum_cloud.web import naming, registers, writing
from wum_cloud.web.console import quantities
from wum_shared.status import ABSENT, ESTIMATED, LATE

THIN = "\N{NARROW NO-BREAK SPACE}"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(("value", "scaler", "text"), [
    (0, 0, "0"), (5, -3, "0.005"), (-5, -3, "−0.005"), (1234567, -2, f"12{THIN}345.67"),
    (-1234567, 0, f"−1{THIN}234{THIN}567"), (12, 3, f"12{THIN}000"),
    (2**62, -18, "4.611686018427387904"), (999, 0, "999"),
])
def test_a_scaled_integer_is_written_exactly(value: int, scaler: int, text: str) -> None:
    assert writing.scaled(value, scaler) == text


@pytest.mark.parametrize(("value", "scaler", "unit", "written"), [
    (123456, 0, 30, ("123.456", "kWh")), (0, 1, 30, ("0.00", "kWh")),
    (999, 0, 27, ("999", "W")), (1000, 0, 27, ("1.000", "kW")), (-15000, -1, 27, ("−1.5000", "kW")),
    (2304, -1, 35, ("230.4", "V")), (123456789, 0, 25, ("123.456789", "MJ")),
    (123, -3, 15, ("123", "L/h")), (1234, -3, 15, ("1.234", "m³/h")),
    (123456, -3, 13, ("123.456", "m³")), (4512, -2, 9, ("45.12", "°C")),
    (1523, -3, 24, ("1.523", "bar")), (978, -3, 255, ("0.978", "")), (1, 0, 250, ("1", "unit 250")),
])
def test_energy_stands_in_thousands_and_power_where_it_is_large(
        value: int, scaler: int, unit: int, written: tuple[str, str]) -> None:
    assert writing.value_and_unit(value, scaler, unit) == written


@pytest.mark.parametrize(("part", "all_", "text"), [
    (0, 0, "–"), (0, 5, f"0.0{THIN}%"), (9999, 10000, f"99.9{THIN}%"), (5, 5, f"100{THIN}%"),
    (6, 5, f"100{THIN}%"), (1, 3, f"33.3{THIN}%")])
def test_a_share_is_never_rounded_up_to_all(part: int, all_: int, text: str) -> None:
    assert writing.share(part, all_) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0 s"), (-3, "0 s"), (60, "1 min"), (61, "61 s"), (119, "119 s"), (120, "2 min"),
    (900, "15 min"), (3600, "1 h"), (7199, "119 min"), (86400, "1 d"), (200000, "2 d")])
def test_a_duration_has_one_unit(seconds: int, text: str) -> None:
    assert writing.length(timedelta(seconds=seconds)) == text


def test_an_age_of_nothing_is_never() -> None:
    assert writing.age(None, NOW) == "never"
    assert writing.age(NOW - timedelta(seconds=12), NOW) == "12 s ago"


def test_moments_are_told_on_the_sites_clocks() -> None:
    assert writing.local(NOW, "Europe/Chisinau") == "2026-11-21 14:00:00"
    assert writing.day_and_clock(NOW, "Pacific/Auckland") == "22 Nov 01:00"
    assert writing.long_day(NOW, "Pacific/Auckland") == "Sunday, 22 November 2026"


@pytest.mark.parametrize(("code", "name"), [
    ("1-0:1.8.0", "Active energy import"), ("1-0:32.7.0", "Voltage L1"),
    ("1-0:71.7.0", "Current L3"), ("1-0:56.7.0", "Active power L2"),
    ("1-0:41.8.0", "Active energy import L2"), ("1-0:1.8.2", "Active energy import T2"),
    ("1-0:1.7.0", "Active power import"), ("1-0:1.6.0", "Active power import, highest"),
    ("1-0:12.7.0", "Voltage, average"), ("1-0:11.7.0", "Current, total"),
    ("1-0:131.7.0", "Reactive power"), ("1-0:91.7.0", "Current, neutral"),
    ("1-1:1.8.0", "Active energy import, channel 1"), ("0-0:1.0.0", "Clock deviation"),
    ("4-0:1.0.0", "Heat cost"), ("0-1:24.2.1", "Meter on channel 1"),
    ("4-0:1.2.0", "Heat cost at the set date"),
    ("5-0:1.0.0", "Cooling"), ("6-0:1.0.0", "Heat"), ("6-0:1.0.1", "Heat T1"),
    ("6-0:1.2.0", "Heat at the set date"), ("6-0:2.0.0", "Heating water"),
    ("6-0:13.0.0", "Pressure"), ("6-0:10.0.0", "Flow temperature"),
    ("7-0:3.0.0", "Gas"), ("7-0:3.2.0", "Gas at base conditions"), ("7-0:3.5.0", "7-0:3.5.0"),
    ("8-0:1.0.0", "Cold water"), ("8-0:2.0.0", "Flow of cold water"), ("9-0:1.0.0", "Hot water"),
    ("1-0:121.7.0", "1-0:121.7.0"), ("1-0:1.9.0", "1-0:1.9.0"), ("3-0:1.0.0", "3-0:1.0.0"),
    ("1-0:99.99.99", "1-0:99.99.99"),
    ("0-0:96.1.0", "0-0:96.1.0"), ("rubbish", "rubbish"), ("1-0:a.b.c", "1-0:a.b.c")])
def test_a_register_is_called_by_its_name_or_its_code(code: str, name: str) -> None:
    assert registers.quantity(code) == name


def test_every_flag_of_a_reading_has_words_also_one_nobody_knows() -> None:
    assert naming.quality(0) == []
    assert naming.quality(LATE | ESTIMATED) == ["read late", "estimated"]
    assert naming.quality(ABSENT | 0x4000) == ["absent", "0x4000"]


def test_phases_are_plotted_together_and_a_register_of_its_own_alone() -> None:
    codes = ["1-0:1.8.0", "1-0:32.7.0", "1-0:72.7.0", "1-0:91.7.0"]
    offer = quantities.offered(codes)
    assert [(q.key, q.codes) for q in offer] == [
        ("consumption", ("1-0:1.8.0",)), ("voltage", ("1-0:32.7.0", "1-0:72.7.0")),
        ("1-0:1.8.0", ("1-0:1.8.0",)), ("1-0:91.7.0", ("1-0:91.7.0",))]
    by_code = quantities.chosen(offer, "1-0:72.7.0")
    assert by_code is not None and by_code.key == "voltage"
    assert quantities.chosen(offer, "1-0:52.7.0") is None
    assert quantities.chosen([], "") is None


def test_newest_values_stand_in_groups_and_none_is_left_out() -> None:
    codes = ["1-0:14.7.0", "1-0:32.7.0", "1-0:1.8.0", "9-9:9.9.9", "1-0:131.7.0", "1-0:31.7.0"]
    assert quantities.grouped(codes) == [
        ("Energy", ["1-0:1.8.0"]), ("Power", ["1-0:131.7.0"]), ("Voltage", ["1-0:32.7.0"]),
        ("Current", ["1-0:31.7.0"]), ("Other", ["1-0:14.7.0", "9-9:9.9.9"])]


def test_other_media_stand_under_headings_of_their_own() -> None:
    codes = ["6-0:1.0.0", "6-0:9.0.0", "6-0:10.0.0", "7-0:3.0.0", "8-0:1.0.0", "9-0:1.0.0",
             "4-0:1.0.0", "5-0:1.0.0", "7-0:9.9.9"]
    assert quantities.grouped(codes) == [
        ("Heat cost", ["4-0:1.0.0"]), ("Cooling", ["5-0:1.0.0"]),
        ("Heat", ["6-0:1.0.0", "6-0:9.0.0"]), ("Gas", ["7-0:3.0.0"]),
        ("Cold water", ["8-0:1.0.0"]), ("Hot water", ["9-0:1.0.0"]),
        ("Temperature", ["6-0:10.0.0"]), ("Other", ["7-0:9.9.9"])]


def test_heat_gas_and_water_are_first_plotted_by_interval() -> None:
    for code in ("6-0:1.0.0", "7-0:3.0.0", "8-0:1.0.0", "9-0:1.0.0", "4-0:1.0.0"):
        first = quantities.offered([code, "6-0:10.0.0"])[0]
        assert first.codes == (code,) and first.is_consumption
    assert quantities.offered(["8-0:1.0.0"])[0].in_litres
    assert not quantities.offered(["7-0:3.0.0"])[0].in_litres


def test_every_outcome_has_words() -> None:
    assert naming.outcome(1) == "the meter does not answer"
    assert naming.outcome(21) == "temporary failure" and naming.outcome(None) == "unknown"
    assert naming.outcome(200) == "outcome 200"


def test_a_meters_own_code_is_not_read_as_a_number_of_things() -> None:
    told = "5 pulses may be missing: at most 68 in 486 s"
    assert naming.note(told, 15) == "pulses may be missing: at most 68 in 486 s (code 5)"
    assert naming.note("42", 15) == "42" and naming.note("", 15) == ""
    assert naming.note("16 meters", 7) == "16 meters"
