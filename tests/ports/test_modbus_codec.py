"""Our Modbus frames and pymodbus' are the same frames, both ways."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
)

from wum_edge.errors import Refused
from wum_edge.meters.modbus.rtu import read_registers
from wum_edge.meters.turn import Hearing, Line, converse

REQUESTS = {3: ReadHoldingRegistersRequest, 4: ReadInputRegistersRequest}
RESPONSES = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}
SERVER = FramerRTU(DecodePDU(True))
units = st.integers(1, 247)
functions = st.sampled_from([3, 4])


class Scripted(Line):
    """Says one thing, whatever it is asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        is_whole(self.answer)
        return self.answer if say else b""


@settings(max_examples=300, deadline=None)
@given(unit=units, function=functions, first=st.integers(0, 65411), count=st.integers(1, 125))
def test_pymodbus_understands_our_requests(
        unit: int, function: int, first: int, count: int) -> None:
    said = next(read_registers(unit, function, first, count)).say
    used, device, _, pdu = SERVER.decode(said)
    assert (used, device) == (len(said), unit)
    heard = DecodePDU(True).decode(pdu)
    assert type(heard) is REQUESTS[function]
    assert (heard.address, heard.count) == (first, count)


@settings(max_examples=300, deadline=None)
@given(unit=units, function=functions,
       registers=st.lists(st.integers(0, 65535), min_size=1, max_size=125))
def test_we_understand_pymodbus_answers(
        unit: int, function: int, registers: list[int]) -> None:
    frame = SERVER.buildFrame(RESPONSES[function](dev_id=unit, registers=registers))
    answer = converse(read_registers(unit, function, 0, len(registers)), Scripted(frame))
    assert answer.words == tuple(registers)


@given(unit=units, function=functions, code=st.sampled_from([1, 2, 3, 4, 5, 6, 8, 10, 11]))
def test_we_understand_pymodbus_exceptions(unit: int, function: int, code: int) -> None:
    frame = SERVER.buildFrame(ExceptionResponse(function, ExcCodes(code), device_id=unit))
    with pytest.raises(Refused) as refused:
        converse(read_registers(unit, function, 0, 2), Scripted(frame))
    assert refused.value.code == code


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=260))
def test_any_bytes_end_in_an_outcome_and_never_in_a_value(data: bytes) -> None:
    from wum_edge.errors import MeterError

    with pytest.raises(MeterError):
        converse(read_registers(1, 3, 0, 100), Scripted(data))
