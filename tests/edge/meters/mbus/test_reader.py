"""A meter of the catalogue read over M-Bus: registers of records, units, clocks, OBIS codes."""

from tests.edge.bus import VirtualClock
from tests.edge.meters.mbus.slaves import Slave, Wires
from tests.portable import raises
from wum_edge.config import Meter
from wum_edge.errors import LineSilent
from wum_edge.meters.catalog import Model, Register
from wum_edge.meters.mbus.answer import decode_answer
from wum_edge.meters.mbus.entry import Manner, Source
from wum_edge.meters.mbus.errors import NoSuchRecord
from wum_edge.meters.mbus.frame import Frame
from wum_edge.meters.mbus.moments import moment_to_utc, utc_to_moment_f
from wum_edge.meters.mbus.obis import coded
from wum_edge.meters.mbus.reader import MbusReader
from wum_edge.meters.mbus.values import moment_f
from wum_edge.meters.reader import CannotDo, Take
from wum_edge.meters.turn import converse
from wum_shared.obis import obis_to_text

HEAT = "7856341224232804"
ENERGY, VOLUME, CLOCK = "0406e8030000", "0c1378563412", "046d0b0bcd13"


def register(name, quantity, unit, scaler, **numbers):
    source = Source(quantity, numbers.get("function", "instantaneous"), numbers.get("storage", 0),
                    numbers.get("tariff", 0), 0, numbers.get("modifiers", ()),
                    numbers.get("nth", 0))
    return Register(name, bytes(6), unit, scaler, source)


def reader(registers, address=1, offset_min=60, telegrams=16, alarms=False):
    model = Model("x", "y", "z", "mbus", "s", "l", tuple(registers),
                  Manner(True, telegrams, 261, offset_min, alarms))
    return MbusReader(model, Meter("1", "1", "a", address, "x", 500, None), VirtualClock())


def taken(wires, one, count):
    take = Take()
    converse(one.read(tuple(range(count)), take), wires)
    return take


def test_registers_are_records_in_their_own_unit_and_scaler():
    wires = Wires([Slave(1, HEAT, [ENERGY + VOLUME + "1f", "0a5a5506" + CLOCK])])
    take = taken(wires, reader([
        register("energy", "energy", 30, 3), register("volume", "volume", 13, -2),
        register("flow", "flow temperature", 9, -1)]), 3)
    assert take.values == {0: 1000, 1: 1234568, 2: 655}   # Half to even: 12345.678 m3.
    assert not take.errors and not take.refused
    assert take.turns == 2


def test_no_more_telegrams_are_asked_for_than_hold_what_is_wanted():
    wires = Wires([Slave(1, HEAT, [ENERGY + "1f", VOLUME + "1f", CLOCK])])
    assert taken(wires, reader([register("energy", "energy", 30, 0)]), 1).values == {0: 1000000}
    assert len(wires.turns) == 2


def test_storage_tariff_function_and_the_nth_of_equals_choose():
    wires = Wires([Slave(1, HEAT, [
        ("0406010000004406020000008410060300000014060400000004060500000004863c06000000")])])
    take = taken(wires, reader([
        register("a", "energy", 30, 3), register("b", "energy", 30, 3, storage=1),
        register("c", "energy", 30, 3, tariff=1),
        register("d", "energy", 30, 3, function="maximum"), register("e", "energy", 30, 3, nth=1),
        register("f", "energy", 30, 3, modifiers=("negative only",))]), 6)
    assert take.values == {0: 1, 1: 2, 2: 3, 3: 4, 4: 5, 5: 6}


def test_what_is_missing_or_in_another_unit_is_refused_as_that():
    wires = Wires([Slave(1, HEAT, ["040f01000000"])])       # Joule.
    take = taken(wires, reader([
        register("energy", "energy", 30, 3), register("power", "power", 27, 0)]), 2)
    assert take.values == {}
    assert type(take.refused[0]) is NoSuchRecord
    assert "wanted Wh, the meter sends J" in str(take.refused[0])
    assert "sends no such record" in str(take.refused[1])


def test_what_is_no_number_and_what_was_measured_in_error_is_no_value():
    wires = Wires([Slave(1, HEAT, ["0c2bbdebdddd3406e803000004931501000000"])])
    take = taken(wires, reader([
        register("power", "power", 27, 0), register("energy", "energy", 30, 0),
        register("volume", "volume", 13, 0)]), 3)
    assert take.values == {0: None, 1: None, 2: None}


def test_what_came_before_a_failure_is_kept_and_the_rest_may_be_asked_again():
    slave = Slave(1, HEAT, [ENERGY + "1f", VOLUME])
    hear = slave.hear
    slave.hear = lambda said: b"" if said[1] == 0x5B else hear(said)
    take = taken(Wires([slave]), reader([
        register("energy", "energy", 30, 3), register("volume", "volume", 13, 0)]), 2)
    assert take.values == {0: 1000}
    assert take.refused == {}
    assert type(take.errors[0]) is LineSilent


def test_a_secondary_address_of_the_configuration_is_selected():
    wires = Wires([Slave(0, HEAT, [ENERGY]), Slave(0, "1111111124232804", [VOLUME])])
    take = taken(wires, reader([register("energy", "energy", 30, 3)], "12345678FFFFFFFF"), 1)
    assert take.values == {0: 1000}


def test_the_meters_clock_is_utc_where_its_zone_is_known():
    wires = Wires([Slave(1, HEAT, [ENERGY + CLOCK])])
    assert converse(reader([]).read_clock(), wires).utc_s == 1394705460   # 10:11 UTC.
    unknown = converse(reader([], offset_min=None).read_clock(), wires)
    assert unknown.utc_s is None and "2014-03-13T11:11" in unknown.doubt
    raises(CannotDo, lambda: converse(reader([]).read_clock(), Wires([Slave(1, HEAT, [ENERGY])])))


def test_setting_the_clock_sends_what_reading_understands():
    slave = Slave(1, HEAT, [ENERGY])
    converse(reader([]).set_clock(1394705460), Wires([slave]))
    assert slave.got[0][:3] == b"\x51\x04\x6d"
    assert moment_f(slave.got[0][3:]).text() == "2014-03-13T11:11"
    for utc_s in (951782400, 1394705460, 4102444740):
        there = moment_f(utc_to_moment_f(utc_s, -300))
        assert moment_to_utc(there, -300).utc_s == utc_s


def test_summer_time_is_an_hour_more():
    summer = moment_f(bytes.fromhex("0b8bcd13"))
    assert moment_to_utc(summer, 60).utc_s == 1394705460 - 3600


def codes(medium, data):
    answer = decode_answer(Frame(8, 1, 0x72, bytes.fromhex("78563412242328%02x00000000" % medium)
                                 + bytes.fromhex(data)))
    return [obis_to_text(one.obis) if one.obis else one.reason for one in coded(answer)]


def test_obis_codes_by_medium():
    assert codes(4, ENERGY + VOLUME + "0a5a5506" + "0a5e5506" + "0b61550600" + "042b01000000"
                 + "043b01000000" + CLOCK + "0c7878563412") == [
        "6-0:1.0.0", "6-0:2.0.0", "6-0:10.0.0", "6-0:11.0.0", "6-0:12.0.0", "6-0:8.0.0",
        "6-0:9.0.0", "0-0:1.0.0", "0-0:96.1.0"]
    assert codes(0x0A, ENERGY) == ["5-0:1.0.0"]
    assert codes(0x0D, "04863b01000000" + "04863c01000000") == ["6-0:1.0.0", "5-0:1.0.0"]
    assert codes(4, "04863c01000000") == ["modified: negative only"]
    assert codes(7, VOLUME + "4c1378563412") == ["8-0:1.0.0", "8-0:1.2.0"]
    assert codes(6, VOLUME) == ["9-0:1.0.0"]
    assert codes(3, VOLUME + "0c933a78563412" + "0c933e78563412") == [
        "7-0:3.0.0", "an earlier record has the same code", "7-0:3.2.0"]
    assert codes(2, "0403e8030000841003e803000004833ce803000004fb02e8030000"
                 "04fdc8fc01e803000004abfc0201000000142b0100000004fb2c00000000") == [
        "1-0:1.8.0", "1-0:1.8.1", "1-0:2.8.0", "1-0:3.8.0", "1-0:32.7.0", "1-0:41.7.0",
        "1-0:1.6.0", "1-0:14.7.0"]


def test_what_has_no_code_is_listed_with_its_reason():
    assert codes(4, "848040" + "13" + "01000000" + "84" + "0206" + "01000000" + "0f01") == [
        "subunit 2: its maker says what it measures", "storage 4: its maker says of when it is",
        "manufacturer specific"]
    assert codes(0x0F, VOLUME) == ["medium 0f has no value group"]


def swept(wires, one):
    """The events of one sweep, as (code, note)."""
    taken(wires, one, 1)
    return [tuple(event)[1:] for event in converse(one.read_events(0), wires)]


def test_what_the_status_byte_says_is_an_event_when_it_changes():
    slave = Slave(1, HEAT, [ENERGY])
    wires, one = Wires([slave]), reader([register("energy", "energy", 30, 3)])
    assert swept(wires, one) == []
    slave.status = 0x0C
    turns = len(wires.turns)
    assert swept(wires, one) == [(12, "status 0c: power low, permanent error")]
    assert swept(wires, one) == []
    slave.status = 0x04
    assert swept(wires, one) == [(4, "status 04: power low")]
    slave.status = 0
    assert swept(wires, one) == [(0, "status 00: all is well again")]
    assert len(wires.turns) == turns + 8         # The events cost no turn of their own.
    slave.status = 0x04
    taken(wires, one, 1)
    assert converse(one.read_events(0), wires)[0].at_s == VirtualClock().now_s()


def test_an_alarm_is_told_once_until_it_ends():
    slave = Slave(1, HEAT, [ENERGY])
    wires = Wires([slave])
    one = reader([register("energy", "energy", 30, 3)], alarms=True)
    assert swept(wires, one) == []
    slave.alarm = 5
    assert swept(wires, one) == [(0x105, "alarm 05")]
    assert swept(wires, one) == []
    slave.alarm = None
    assert swept(wires, one) == []
    slave.alarm = 5
    assert swept(wires, one) == [(0x105, "alarm 05")]
    slave.silent = True
    raises(LineSilent, lambda: converse(one.read_events(0), wires))
