"""The gateway's DLMS reader against the simulated meter: all ways in, all it may refuse."""

import pytest

from tests.simulator.dlms_bench import (
    CODES,
    HOUR_S,
    KEYS,
    MECHANISMS,
    NOW_S,
    Ether,
    Played,
    model_of,
    read_all,
    reader_of,
    wire_of,
)
from wum_edge.errors import BadCheck, LineSilent, MeterError
from wum_edge.meters.dlms import axdr, hdlc
from wum_edge.meters.dlms.apdu import Attribute
from wum_edge.meters.dlms.ciphering import Keys
from wum_edge.meters.dlms.errors import AssociationRefused, CounterDecreased, NotGenuine
from wum_edge.meters.turn import converse
from wum_shared import status
from wum_simulator.meters.dlms_cosem import PlainCounters
from wum_simulator.meters.dlms_objects import CosemObject

VALUES = {place: 1000 * place + 7 for place in range(len(CODES))}
LAST_ROW_S = NOW_S // HOUR_S * HOUR_S


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("protection", [0, 0x10, 0x20, 0x30])
@pytest.mark.parametrize("dedicated", [False, True])
def test_every_register_is_read_by_every_mechanism_and_protection(
        mechanism, protection, dedicated):
    played = Played(mechanism, protection)
    reader, line = reader_of(played, dedicated=dedicated), wire_of(played)
    for _ in range(2):
        take = read_all(reader, line)
        assert take.values == VALUES and not take.errors and not take.refused
        assert take.meter_time.utc_s == played.now_s and take.meter_time.doubt == ""
        converse(reader.close(), line)


@pytest.mark.parametrize("address_bytes", [1, 2, 4])
def test_addresses_of_every_size_reach_the_meter(address_bytes):
    played = Played()
    reader = reader_of(played, address_bytes=address_bytes)
    assert read_all(reader, wire_of(played, address_bytes)).values == VALUES


def test_a_meter_behind_ethernet_is_read_and_released():
    played = Played("gmac", 0x30)
    reader = reader_of(played, model_of(played, "dlms-wrapper"))
    line = Ether(played)
    assert read_all(reader, line).values == VALUES
    converse(reader.close(), line)
    assert read_all(reader, line).values == VALUES


@pytest.mark.parametrize(("mechanism", "protection", "bytes_most", "turns"), [
    ("none", 0, 567, 5), ("gmac", 0x30, 909, 6)])
def test_a_sweep_takes_no_more_bytes_and_turns_than_the_best_plan(
        mechanism, protection, bytes_most, turns):
    played = Played(mechanism, protection)
    reader, line = reader_of(played, address_bytes=1), wire_of(played, 1)
    read_all(reader, line)           # The first contact asks for scalers and columns, too.
    converse(reader.read_profile(LAST_ROW_S, LAST_ROW_S), line)
    converse(reader.close(), line)
    line.bytes = line.turns = 0
    read_all(reader, line)
    assert len(converse(reader.read_profile(LAST_ROW_S, LAST_ROW_S), line)) == 1
    converse(reader.close(), line)
    assert line.bytes <= bytes_most and line.turns == turns


@pytest.mark.parametrize("limits", [
    hdlc.DEFAULTS, hdlc.Parameters(16, 16, 1, 1), hdlc.Parameters(64, 32, 7, 3),
    hdlc.Parameters(2030, 2030, 7, 7)])
def test_what_was_negotiated_is_used_both_ways(limits):
    played = Played()
    reader, line = reader_of(played), wire_of(played, limits=limits)
    assert read_all(reader, line).values == VALUES
    longest = max(len(frame.information) for frame in line.frames_said if frame.kind == hdlc.I)
    assert longest <= limits.receive_bytes
    assert (longest == limits.receive_bytes) == (limits.receive_bytes < 2030)


def test_any_one_frame_lost_or_damaged_is_asked_for_again():
    for limits in (hdlc.Parameters(32, 32, 3, 3), hdlc.Parameters(512, 512, 1, 1)):
        clean = Played()
        line = wire_of(clean, limits=limits)
        assert read_all(reader_of(clean), line).values == VALUES
        for turn in range(2, line.turns + 1):
            for lost in (
                    lambda data: b"", lambda data: data[:-3] + b"\x55" + data[-2:],
                    lambda data: b"\x7e\xa0\x7e\x13" + data[len(data) // 2:]):
                played = Played()
                line = wire_of(played, limits=limits)
                line.spoil = lambda now, data, turn=turn, lost=lost: (
                    lost(data) if now == turn else data)
                take = read_all(reader_of(played), line)
                assert take.values == VALUES, (turn, take.errors)
                line = wire_of(played, limits=limits)
                line.deafen = lambda now, data, turn=turn, lost=lost: (
                    lost(data) if now == turn else data)
                assert read_all(reader_of(played), line).values == VALUES, turn


def test_a_silent_meter_costs_one_timeout_and_a_noisy_one_few_turns():
    played = Played()
    reader, line = reader_of(played), wire_of(played)
    line.spoil = lambda now, data: b""
    take = read_all(reader, line)
    assert line.turns == 1 and [type(error) for error in take.errors] == [LineSilent]
    line.spoil = lambda now, data: b"\x7e\xa0\x55\x7e" * 9
    line.turns = 0
    take = read_all(reader, line)
    assert line.turns <= 4 and [type(error) for error in take.errors] == [BadCheck]
    line.spoil = None
    assert read_all(reader, line).values == VALUES


def test_an_association_that_timed_out_in_the_meter_is_opened_again():
    played = Played()
    reader, line = reader_of(played), wire_of(played)
    read_all(reader, line)
    line.link._connections.clear()
    take = read_all(reader, line)
    assert take.values == VALUES and not take.errors
    played.cosem.gone(16)            # The link stands, the association does not.
    assert read_all(reader, line).values == VALUES


def test_lists_are_split_where_the_meter_or_its_pdu_wants_it():
    for change in ({"lists_refused": True}, {"list_max": 5}, {"pdu_bytes": 64},
                   {"conformance": 0x001818}):
        played = Played()
        for name, value in change.items():
            setattr(played.cosem.faults, name, value)
        reader, line = reader_of(played), wire_of(played)
        take = read_all(reader, line)
        assert take.values == VALUES and not take.errors, change
        converse(reader.close(), line)
        first, line.turns = line.turns, 0
        assert read_all(reader, line).values == VALUES
        assert line.turns < first    # It has learnt.


def test_each_refusal_is_an_outcome_of_its_own():
    for code, outcome in ((2, status.TEMPORARY_FAILURE), (3, status.ACCESS_DENIED),
                          (4, status.OBJECT_UNDEFINED), (11, status.OBJECT_UNAVAILABLE),
                          (250, status.OTHER_REASON), (77, status.EXCEPTION)):
        played = Played()
        played.registers[5].refusals[2] = code
        reader, line = reader_of(played), wire_of(played)
        take = read_all(reader, line)
        assert take.refused[5].outcome == outcome and take.refused[5].code == code
        assert {**take.values, 5: None} == {**VALUES, 5: None} and 5 not in take.values
        assert take.again == ({5} if code == 2 else set())


def test_another_unit_is_refused_and_another_scaler_is_used():
    played = Played()
    for place, scaler, unit in ((0, 0, 31), (1, 3, 30), (8, -3, 35)):
        played.registers[place].attributes[3] = axdr.structure(
            axdr.Data(axdr.INT8, scaler), axdr.Data(axdr.ENUM, unit))
    take = read_all(reader_of(played), wire_of(played))
    assert take.refused[0].outcome == status.WRONG_UNIT and 0 not in take.values
    assert "counts in VAh, wanted Wh" in str(take.refused[0])
    assert take.values[1] == 1007 * 1000
    assert take.values[8] == 80      # 8007 mV are 80 dV, half to even.


def test_wrong_secrets_and_keys_are_refused_as_what_they_are():
    played = Played("lls")
    take = read_all(reader_of(played, secret=b"wrong"), wire_of(played))
    assert isinstance(take.errors[0], AssociationRefused)
    assert "authentication-failure" in str(take.errors[0])
    played = Played("md5")
    take = read_all(reader_of(played, secret=b"wrong"), wire_of(played))
    assert isinstance(take.errors[0], AssociationRefused)
    played = Played("gmac", 0x30)
    take = read_all(reader_of(played, keys=Keys(bytes(16), KEYS.authentication)), wire_of(played))
    assert isinstance(take.errors[0], AssociationRefused)


def test_what_is_not_genuine_never_becomes_a_reading():
    played = Played("gmac", 0x30)
    played.cosem.faults.wrong_tag = True
    take = read_all(reader_of(played), wire_of(played))
    assert take.errors and isinstance(take.errors[0], NotGenuine) and not take.values


def test_a_decrease_of_the_meters_invocation_counter_is_told():
    played = Played("gmac", 0x30)
    played.cosem.counters.next = 5000
    counters = PlainCounters()
    reader, line = reader_of(played, counters=counters), wire_of(played)
    assert read_all(reader, line).values == VALUES
    replaced = Played("gmac", 0x30)
    reader = reader_of(replaced, counters=counters)
    take = read_all(reader, wire_of(replaced))
    assert isinstance(take.errors[0], CounterDecreased)
    assert take.errors[0].outcome == status.COUNTER_DECREASED


def test_counters_are_reserved_before_use_and_never_used_twice():
    counters = PlainCounters(1)
    played = Played("gmac", 0x30)
    for _ in range(3):               # Three power cuts of the gateway.
        assert read_all(reader_of(played, counters=counters), wire_of(played)).values == VALUES
    assert counters.next == 1 + 3 * 256


@pytest.mark.parametrize("habit", [
    {}, {"range_refused": True}, {"columns_ignored": True}, {"null_repeats": True}])
@pytest.mark.parametrize("known", [False, True])
def test_profile_rows_are_read_with_every_habit_known_or_not(habit, known):
    played = Played()
    for name, value in habit.items():
        setattr(played.habits, name, value)
    quirks = {name: value for name, value in habit.items() if name != "null_repeats"}
    reader = reader_of(played, model_of(played, **(quirks if known else {})))
    line = wire_of(played)
    for _ in range(2):
        for first_s, rows in ((LAST_ROW_S, 1), (LAST_ROW_S - 5 * HOUR_S, 6),
                              (LAST_ROW_S - 99 * HOUR_S, 25)):
            found = converse(reader.read_profile(first_s, NOW_S), line)
            assert [row.captured_at_s for row in found] == [
                LAST_ROW_S - HOUR_S * back for back in range(rows - 1, -1, -1)]
            assert found[-1].values == (3012, 12) and found[-1].status == 8


@pytest.mark.parametrize(("zone", "quirks", "deviation_min"), [
    ((-60, -60), {}, None), ((0, 0), {}, None), ((-120, None), {}, -120),
    ((-60, 0), {"deviation": "ignored"}, -60), ((-60, 60), {"deviation": "inverted"}, None)])
def test_clocks_of_every_deviation_are_read_set_and_used(zone, quirks, deviation_min):
    played = Played(deviation_min=zone[0], said_min=zone[1])
    reader = reader_of(played, model_of(played, **quirks), deviation_min=deviation_min)
    line = wire_of(played)
    assert converse(reader.read_clock(), line).utc_s == NOW_S + 3
    if not quirks:
        converse(reader.set_clock(NOW_S), line)
        assert played.now_s == NOW_S
        found = converse(reader.read_profile(LAST_ROW_S, NOW_S), line)
        assert [row.captured_at_s for row in found] == [LAST_ROW_S]


def test_a_clock_without_deviation_is_no_moment_until_somebody_says_it():
    played = Played(said_min=None)
    reader, line = reader_of(played), wire_of(played)
    found = converse(reader.read_clock(), line)
    assert found.utc_s is None and found.doubt == "unspecified deviation"
    with pytest.raises(MeterError, match="set deviation_min in its access"):
        converse(reader.read_profile(0, NOW_S), line)
    played.clock.status = 0x03
    assert read_all(reader, line).meter_time.doubt == (
        "unspecified deviation, invalid value, doubtful value")


def test_events_come_once_and_in_order():
    played = Played()
    reader, line = reader_of(played), wire_of(played)
    found = converse(reader.read_events(NOW_S - 300), line)
    assert [(event.at_s, event.code) for event in found] == [
        (NOW_S - 200, 47), (NOW_S - 100, 48)]


def test_the_switch_is_confirmed_by_reading_it_back():
    played = Played("lls")
    reader, line = reader_of(played), wire_of(played)
    converse(reader.switch(False), line)
    assert not played.switch.connected
    converse(reader.switch(True), line)
    assert played.switch.connected
    played.switch.stuck = True
    with pytest.raises(MeterError, match="wanted disconnected, the meter says connected"):
        converse(reader.switch(False), line)


def test_long_attributes_are_written_in_blocks():
    played = Played("gmac", 0x30)
    played.cosem.faults.pdu_bytes = 128
    long = CosemObject(b"\0\0\x80\0\0\xff", {2: axdr.octets(b"")}, writable=(2,))
    played.cosem.objects[(1, long.obis)] = long
    reader, line = reader_of(played), wire_of(played)
    session = converse(reader.session(), line)
    wanted = axdr.octets(bytes(range(256)) * 3)
    converse(session.set(Attribute(1, long.obis, 2), wanted), line)
    assert long.attributes[2] == wanted
    assert converse(session.get(Attribute(1, long.obis, 2)), line) == wanted
