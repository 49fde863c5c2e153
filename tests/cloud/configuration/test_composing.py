"""What a concentrator should be configured as, of registry and settings; and what would change."""

import dataclasses

from wum_cloud.configuration.composing import (
    Bus,
    Meter,
    Set,
    Wanted,
    address_of,
    compose,
    settings_faults,
)
from wum_cloud.configuration.differing import Change, differences
from wum_shared.configuration import Configuration, decode_configuration, encode_configuration

BUS = Bus("rs485", "/dev/ttyS1", 9600, "N", 1, 8)
METER = Meter("M1", "P1", "eastron-sdm630", "rs485", "7", "hourly", 3600, 0)


def wanted(**what: object) -> Wanted:
    return dataclasses.replace(Wanted([BUS], [METER], None), **what)  # type: ignore[arg-type]


def paths(of: Wanted) -> list[str]:
    return [path for path, _, _ in compose(of)[1]]


def test_registry_and_settings_become_a_configuration() -> None:
    parts, faults = compose(wanted(
        group={"timeout_ms": 900, "tolerance_s": 5}, own={"tolerance_s": 20},
        meters=[METER, dataclasses.replace(METER, serial="M2", address="8")],
        of_meters={"M2": {"timeout_ms": 2000}}))
    assert faults == []
    assert parts == {
        "schedule": {"period_s": 3600, "offset_s": 0}, "clock_policy": {"tolerance_s": 20},
        "line": [{"name": "rs485", "port": "/dev/ttyS1", "baud": 9600, "parity": "N",
                  "stop_bits": 1, "data_bits": 8}],
        "meter": [{"serial": serial, "delivery_point": "P1", "model": "eastron-sdm630",
                   "line": "rs485", "address": address, "timeout_ms": timeout_ms}
                  for serial, address, timeout_ms in (("M1", 7, 900), ("M2", 8, 2000))]}
    whole = Configuration(3, parts)
    assert decode_configuration(encode_configuration(whole)) == whole


def test_an_address_is_a_number_where_the_file_would_have_one() -> None:
    assert [address_of(text) for text in ("7", "0", "007", "1234567890", "E45A", "-1", "٣")] == [
        7, 0, "007", "1234567890", "E45A", "-1", "٣"]


def test_what_cannot_be_sent_is_said_before() -> None:
    other = dataclasses.replace(METER, serial="M2", address="8")
    assert paths(wanted()) == []
    assert paths(wanted(buses=[], meters=[])) == ["line", "meter"]
    assert paths(wanted(meters=[dataclasses.replace(METER, bus=None)])) == ["meter M1"]
    assert paths(wanted(meters=[METER, dataclasses.replace(other, address="7")])) == [
        "meter M1", "meter M2"]
    nine = [dataclasses.replace(METER, serial="M%d" % n, address=str(n), period_s=60 + n)
            for n in range(9)]
    assert compose(wanted(meters=nine))[1] == [
        ("schedule", "at most 8 schedules at a concentrator", "9")]
    assert paths(wanted(own={"role": "gateway"})) == ["role"]
    assert paths(wanted(own={"role": "gateway"}, mesh="west")) == []
    many = [dataclasses.replace(METER, serial="M%04d" % n, address=str(n)) for n in range(400)]
    assert paths(wanted(meters=many)) == ["configuration"]


def test_differences_are_named_meter_by_meter() -> None:
    before, _ = compose(wanted())
    after, _ = compose(wanted(
        buses=[dataclasses.replace(BUS, baud=19200)], own={"tolerance_s": 9},
        meters=[dataclasses.replace(METER, address="9", schedule="q", period_s=900),
                dataclasses.replace(METER, serial="M2", schedule="q", period_s=900)]))
    assert differences(before, before) == []
    assert differences(before, after) == [
        Change("schedule", "every 1 h", "every 15 min"),
        Change("clock_policy.tolerance_s", "–", "9"),
        Change("line rs485.baud", "9600", "19200"), Change("meter M1.address", "7", "9"),
        Change("meter M2", "–", "delivery_point P1, model eastron-sdm630, line rs485, address 7")]
    assert differences(after, before)[-1].after == "–"
    assert differences({}, {"role": "station"}) == [Change("role", "–", "station")]


def test_the_schedule_of_most_stands_once_and_the_others_have_their_own() -> None:
    def meter(n: int, period_s: int | None, offset_s: int | None = 0) -> Meter:
        return dataclasses.replace(METER, serial="M%d" % n, address=str(n), period_s=period_s,
                                   offset_s=offset_s)

    before, faults = compose(wanted(meters=[
        meter(1, 3600), meter(2, 3600), meter(3, 900, 30), meter(4, None, None)]))
    assert faults == []
    assert before["schedule"] == {"period_s": 3600, "offset_s": 0}
    assert [(m.get("period_s"), m.get("offset_s")) for m in before["meter"]] == [
        (None, None), (None, None), (900, 30), (None, None)]
    whole = Configuration(1, before)
    assert decode_configuration(encode_configuration(whole)) == whole
    after, _ = compose(wanted(meters=[
        meter(1, 300), meter(2, 3600), meter(3, 3600), meter(4, None, None)]))
    assert differences(before, after) == [
        Change("meter M1, schedule", "as most of its concentrator", "every 5 min"),
        Change("meter M3, schedule", "every 15 min, 30 s after", "as most of its concentrator")]
    added, _ = compose(wanted(meters=[
        meter(1, 3600), meter(2, 3600), meter(3, 900, 30), meter(4, None, None), meter(5, 900)]))
    [came] = differences(before, added)
    assert came.what == "meter M5" and came.after.endswith("address 5, every 15 min")


def test_parts_of_a_schedule_are_register_sets_of_its_meters() -> None:
    volts, billing = Set("volts", "32.7.0", 3600, 0), Set("billing", "*.8.1", 86400, 60)
    other = dataclasses.replace(METER, serial="M2", address="8", schedule="plain", period_s=900)
    unsaid = dataclasses.replace(METER, serial="M3", address="9", schedule=None, period_s=None)
    before, faults = compose(wanted(
        meters=[METER, dataclasses.replace(METER, serial="M4", address="1"), other, unsaid],
        sets={"hourly": [volts, billing]}))
    assert faults == []
    assert before["register_set"] == [
        {"name": "billing", "registers": "*.8.1", "period_s": 86400, "offset_s": 60},
        {"name": "volts", "registers": "32.7.0", "period_s": 3600, "offset_s": 0}]
    assert [m.get("register_sets") for m in before["meter"]] == [
        "volts billing", "volts billing", None, "volts billing"], "as most of its concentrator"
    whole = Configuration(1, before)
    assert decode_configuration(encode_configuration(whole)) == whole
    after, _ = compose(wanted(
        meters=[METER, dataclasses.replace(METER, serial="M4", address="1"), other, unsaid],
        sets={"hourly": [dataclasses.replace(volts, registers="*.7.0", period_s=1800)]}))
    assert differences(before, after) == [
        Change("register set billing", "registers *.8.1, every 1 d, 1 min after", "–"),
        Change("register set volts.registers", "32.7.0", "*.7.0"),
        Change("register set volts, schedule", "every 1 h", "every 30 min"),
        *[Change("meter %s.register_sets" % m, "volts billing", "volts")
          for m in ("M1", "M4", "M3")]]


def test_schedules_of_parts_count_among_the_few() -> None:
    many = [Set("s%d" % n, "1.8.%d" % n, 60 + n, 0) for n in range(8)]
    assert compose(wanted(sets={"hourly": many}))[1] == [
        ("schedule", "at most 8 schedules at a concentrator", "9")]


def test_settings_are_checked_by_their_scope() -> None:
    assert settings_faults("group", {"timeout_ms": 500, "role": "station"}) == []
    assert settings_faults("meter", {"tolerance_s": 5}) == [
        "tolerance_s: a meter has no such setting, it has timeout_ms"]
    assert settings_faults("meter", {"role": "station"}) != []
    for bad in (19, 10001, True, "500"):
        assert settings_faults("concentrator", {"timeout_ms": bad}) == [
            "timeout_ms: wanted 20..10000, got %s" % bad]
    assert settings_faults("group", {"role": "king"}) != []
