"""Limiter and activity calendar of the simulated meter, set by the gateway's reader."""

import pytest

from tests.simulator.dlms_bench import Played, model_of, reader_of, wire_of
from wum_edge.errors import MeterError
from wum_edge.meters.dlms import axdr, control
from wum_edge.meters.dlms.errors import AccessRefused
from wum_edge.meters.reader import CannotDo
from wum_edge.meters.turn import converse

SCRIPT = b"\0\0\x0a\0\x64\xff"
DAY = (control.Switch(b"\0\0\0\0", SCRIPT, 1), control.Switch(b"\x06\0\0\0", SCRIPT, 2))
TWO_RATES = control.Calendar(
    b"2026", (control.Season(b"S1", b"\xff\xff\x01\x01\xff\0\0\0\0\x80\0\0", b"W1"),),
    (control.Week(b"W1", (1, 1, 1, 1, 1, 2, 2)),),
    (control.Day(1, DAY), control.Day(2, DAY[:1])))


@pytest.mark.parametrize(("mechanism", "protection"), [("lls", 0), ("gmac", 0x30)])
@pytest.mark.parametrize("pdu_bytes", [1024, 96])
def test_a_calendar_is_written_to_the_passive_half_and_activated(
        mechanism, protection, pdu_bytes):
    played = Played(mechanism, protection)
    played.cosem.faults.pdu_bytes = pdu_bytes        # The small one takes blocks both ways.
    reader, line = reader_of(played), wire_of(played)
    before = converse(reader.read_calendar(), line)
    assert before.active.name == b"ONE" and before.passive.days == ()
    converse(reader.set_calendar(TWO_RATES), line)
    found = converse(reader.read_calendar(), line)
    assert (found.active, found.passive) == (before.active, TWO_RATES)
    converse(reader.activate_calendar(), line)
    assert converse(reader.read_calendar(), line).active == TWO_RATES


def test_a_calendar_that_no_meter_should_take_is_not_written():
    assert control.faults(TWO_RATES) == []
    played = Played()
    reader, line = reader_of(played), wire_of(played)
    with pytest.raises(MeterError, match="week b'W1': day profile 2 is not there"):
        converse(reader.set_calendar(TWO_RATES._replace(days=TWO_RATES.days[:1])), line)
    assert not [one for one in played.cosem.asked if one.startswith("set")]
    with pytest.raises(MeterError, match="it has no day profile"):
        converse(reader.activate_calendar(), line)
    assert not [one for one in played.cosem.asked if one.startswith("act")]


def test_a_meter_that_says_yes_and_does_nothing_is_found_out():
    played = Played()
    reader, line = reader_of(played), wire_of(played)
    played.calendar.set = lambda number, data: None
    with pytest.raises(MeterError, match="the meter took the name and has others now"):
        converse(reader.set_calendar(TWO_RATES), line)
    del played.calendar.set
    converse(reader.set_calendar(TWO_RATES), line)
    played.calendar.act = lambda number, data: None
    with pytest.raises(MeterError, match="the meter says yes, and b'ONE' is active still"):
        converse(reader.activate_calendar(), line)
    played.limiter.set = lambda number, data: None
    with pytest.raises(MeterError, match="wanted a threshold of 2500, the meter says 2300"):
        converse(reader.set_limit(250, 0), line)


def test_a_limit_is_set_in_the_meters_own_scaler_and_type_or_not_at_all():
    played = Played("lls")
    reader, line = reader_of(played), wire_of(played)
    found = converse(reader.read_limit(), line)
    assert found.scale == (-1, 35) and found.limiter.threshold_normal == 2300
    assert found.limiter.monitored.obis == played.registers[8].obis
    assert converse(reader.set_limit(2405, -1), line).limiter.threshold_active == 2405
    assert converse(reader.set_limit(3, 2), line).limiter.threshold_normal == 3000
    for value, exponent, why in ((24055, -2, "steps of 10"), (1 << 32, 0, "does not fit"),
                                 (-1, 0, "does not fit")):
        with pytest.raises(MeterError, match=why):
            converse(reader.set_limit(value, exponent), line)
    assert played.limiter.attributes[4] == axdr.Data(axdr.UINT32, 3000)
    played.registers[8].refusals[3] = 3
    with pytest.raises(MeterError, match="does not say in which unit"):
        converse(reader.set_limit(1, 0), line)


@pytest.mark.parametrize(("code", "name"), [
    (2, "temporary-failure"), (3, "read-write-denied"), (4, "object-undefined"),
    (12, "type-unmatched"), (250, "other-reason")])
def test_every_refusal_of_a_setting_has_its_name(code, name):
    played = Played()
    reader, line = reader_of(played), wire_of(played)
    played.limiter.refusals[4] = played.calendar.refusals[2] = played.switch.refusals[3] = code
    for conversation in (reader.set_limit(1, 0), reader.read_calendar(), reader.read_switch()):
        with pytest.raises(AccessRefused) as caught:
            converse(conversation, line)
        assert (caught.value.code, caught.value.result) == (code, name)
    played.calendar.refusals.clear()
    played.calendar.refusals[6] = code
    assert converse(reader.read_calendar(), line).passive is None


def test_the_switch_says_its_state_where_there_is_one():
    played = Played()
    reader, line = reader_of(played), wire_of(played)
    assert converse(reader.read_switch(), line) == (True, "connected")
    converse(reader.switch(False), line)
    assert converse(reader.read_switch(), line) == (False, "disconnected")
    model = model_of(played)
    bare = reader_of(played, model._replace(manner=model.manner._replace(switch=False)))
    for conversation in (bare.read_switch(), bare.switch(True)):
        with pytest.raises(CannotDo, match="has no switch"):
            converse(conversation, line)
