"""Our requests are those pymodbus decodes, its answers are those we decode: every function."""

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.bit_message import (
    ReadCoilsResponse,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsResponse,
    WriteSingleCoilResponse,
)
from pymodbus.pdu.file_message import (
    FileRecord,
    ReadFileRecordRequest,
    ReadFileRecordResponse,
)
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
    ReadWriteMultipleRegistersResponse,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterResponse,
)

from wum_edge.errors import Refused
from wum_edge.meters.modbus import functions
from wum_edge.meters.modbus.pdu import read_file_record
from wum_edge.meters.modbus.rtu import RtuStation
from wum_edge.meters.modbus.tcp import TcpStation
from wum_edge.meters.turn import Hearing, Line, converse

if TYPE_CHECKING:
    from wum_edge.meters.modbus.station import Station

UNIT = 17
SERVER = DecodePDU(True)
RTU, TCP = FramerRTU(SERVER), FramerSocket(SERVER)
BITS = {1: ReadCoilsResponse, 2: ReadDiscreteInputsResponse}
WORDS = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}
words_lists = st.lists(st.integers(0, 65535), min_size=1, max_size=120)
bit_lists = st.lists(st.booleans(), min_size=1, max_size=300)


class Peer(Line):
    """Decodes each request with pymodbus and says the answer that it is given, framed by it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: Any = None

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        if not say:
            return b""
        framer: Any = TCP if say[2:4] == b"\0\0" and say[6] == UNIT and say[0] != UNIT else RTU
        used, unit, transaction, pdu = framer.decode(say)
        assert (used, unit) == (len(say), UNIT)
        self.asked = SERVER.decode(pdu)
        self.answer.dev_id = UNIT
        self.answer.transaction_id = transaction
        heard: bytes = framer.buildFrame(self.answer)
        is_whole(heard)
        return heard


def both(begin: Any, answer: Any) -> list[tuple[Any, Any]]:
    """(result, request as pymodbus decoded it) over RTU and TCP."""
    found = []
    rtu = RtuStation(UNIT, 100)
    rtu.echoes = False
    stations: list[Station] = [rtu, TcpStation(UNIT, 100, 0x0500)]
    for station in stations:
        peer = Peer(answer)
        found.append((converse(begin(station), peer), peer.asked))
    return found


@settings(max_examples=60, deadline=None)
@given(function=st.sampled_from([1, 2]), first=st.integers(0, 65000), bits=bit_lists)
def test_bits(function: int, first: int, bits: list[bool]) -> None:
    for got, asked in both(lambda s: functions.read_bits(s, function, first, len(bits)),
                           BITS[function](bits=list(bits))):
        assert got == tuple(bits)
        assert (asked.function_code, asked.address, asked.count) == (function, first, len(bits))


@settings(max_examples=60, deadline=None)
@given(function=st.sampled_from([3, 4]), first=st.integers(0, 65000), words=words_lists)
def test_words(function: int, first: int, words: list[int]) -> None:
    for got, asked in both(lambda s: functions.read_words(s, function, first, len(words)),
                           WORDS[function](registers=words)):
        assert got == tuple(words)
        assert (asked.function_code, asked.address, asked.count) == (function, first, len(words))


@settings(max_examples=60, deadline=None)
@given(address=st.integers(0, 65535), on=st.booleans(), word=st.integers(0, 65535))
def test_single_writes(address: int, on: bool, word: int) -> None:
    for _, asked in both(lambda s: functions.write_coil(s, address, on),
                         WriteSingleCoilResponse(address=address, bits=[on])):
        assert (asked.address, asked.bits[0]) == (address, on)
    for _, asked in both(lambda s: functions.write_register(s, address, word),
                         WriteSingleRegisterResponse(address=address, registers=[word])):
        assert (asked.address, asked.registers[0]) == (address, word)


@settings(max_examples=60, deadline=None)
@given(first=st.integers(0, 65000), bits=bit_lists, words=words_lists)
def test_writes_of_many(first: int, bits: list[bool], words: list[int]) -> None:
    for _, asked in both(lambda s: functions.write_coils(s, first, tuple(bits)),
                         WriteMultipleCoilsResponse(address=first, count=len(bits))):
        assert (asked.address, asked.bits[:len(bits)]) == (first, bits)
    for _, asked in both(lambda s: functions.write_registers(s, first, tuple(words)),
                         WriteMultipleRegistersResponse(address=first, count=len(words))):
        assert (asked.address, asked.registers) == (first, words)


@settings(max_examples=60, deadline=None)
@given(first=st.integers(0, 65000), read=words_lists, write=words_lists)
def test_reading_and_writing_in_one_turn(first: int, read: list[int], write: list[int]) -> None:
    for got, asked in both(
            lambda s: functions.exchange_words(s, first, len(read), first + 7, tuple(write)),
            ReadWriteMultipleRegistersResponse(registers=read)):
        assert got == tuple(read)
        assert (asked.read_address, asked.read_count) == (first, len(read))
        assert (asked.write_address, asked.write_registers) == (first + 7, write)


@settings(max_examples=60, deadline=None)
@given(file=st.integers(1, 65535), record=st.integers(0, 9000), words=words_lists)
def test_file_records(file: int, record: int, words: list[int]) -> None:
    data = b"".join(word.to_bytes(2, "big") for word in words)
    for got, _ in both(
            lambda s: functions.read_file_record(s, file, record, len(words)),
            ReadFileRecordResponse(records=[FileRecord(file, record, data)])):
        assert got == tuple(words)
    # pymodbus' server takes the length of the request for bytes, its client sends words.
    asked = ReadFileRecordRequest([FileRecord(file, record, record_length=len(data))])
    assert read_file_record(file, record, len(words)).pdu[1:] == asked.encode()


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=7))
def test_identification(texts: list[bytes]) -> None:
    objects = dict(enumerate(texts))
    for station in (RtuStation(UNIT, 100), TcpStation(UNIT, 100)):
        answer = ReadDeviceInformationResponse(1, dict(objects))
        peer = Peer(answer)
        assert converse(functions.identify(station), peer) == objects
        assert (peer.asked.read_code, peer.asked.object_id) == (1, 0)


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 8, 10, 11])
def test_exceptions(code: int) -> None:
    for begin, function in ((lambda s: functions.read_bits(s, 1, 0, 8), 1),
                            (lambda s: functions.write_registers(s, 0, (1,)), 16),
                            (lambda s: functions.identify(s), 43)):
        with pytest.raises(Refused) as refused:
            both(begin, ExceptionResponse(function, ExcCodes(code)))
        assert refused.value.code == code
