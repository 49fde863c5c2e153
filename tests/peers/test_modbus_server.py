"""Our master talks to pymodbus' server, over a pty and over TCP: every function it has."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymodbus import ModbusDeviceIdentification
from pymodbus.pdu.device import ModbusControlBlock
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.ports.wire import Meters, Wire, tcp_meters
from wum_edge import config
from wum_edge.errors import ForeignAnswer, Refused
from wum_edge.meters.modbus import functions
from wum_edge.meters.modbus.pdu import read_words
from wum_edge.meters.modbus.rtu import RtuStation
from wum_edge.meters.modbus.station import Station
from wum_edge.meters.modbus.tcp import TcpStation
from wum_edge.meters.turn import Line, Turn, converse
from wum_edge.ports.linux.line import SerialLine
from wum_edge.ports.linux.tcp_line import TcpLine

UNIT = 7
IDENTITY = {0: b"Maker", 1: b"M-7", 2: b"1.02"}


def device() -> SimDevice:
    """Four blocks of their own: coils, inputs, holding and input registers."""
    return SimDevice(
        id=UNIT,
        simdata=([SimData(0, values=[True, False] * 20, datatype=DataType.BITS)],
                 [SimData(0, values=[False, True, True] * 10, datatype=DataType.BITS)],
                 [SimData(100, values=list(range(1000, 1130)), datatype=DataType.REGISTERS)],
                 [SimData(100, values=list(range(2000, 2130)), datatype=DataType.REGISTERS)]))


@pytest.fixture(params=["rtu", "tcp"])
def met(request: pytest.FixtureRequest) -> Iterator[tuple[Line, Callable[[], Station]]]:
    """A line with the device behind it, and what makes a station of it."""
    if request.param == "tcp":
        with tcp_meters([device()]) as port:
            line = TcpLine(config.Line("a", f"tcp://127.0.0.1:{port}", 9600, "N", 1, 8))
            yield line, lambda: TcpStation(UNIT, 2000)
            line.close()
        return
    wire = Wire()
    meters = Meters(wire, [device()])
    tty = SerialLine(config.Line("a", wire.near.path, 9600, "N", 1, 8))
    yield tty, lambda: RtuStation(UNIT, 2000)
    tty.close()
    meters.close()
    wire.close()


Met = tuple[Line, Callable[[], Station]]


def test_bits_and_registers_of_all_four_kinds_are_read(met: Met) -> None:
    line, station = met[0], met[1]()
    assert converse(functions.read_bits(station, 1, 0, 5), line) == (
        True, False, True, False, True)
    assert converse(functions.read_bits(station, 2, 0, 9), line) == (
        False, True, True, False, True, True, False, True, True)
    assert converse(functions.read_words(station, 3, 100, 125), line) == tuple(range(1000, 1125))
    assert converse(functions.read_words(station, 4, 101, 3), line) == (2001, 2002, 2003)


def test_what_is_written_is_read_back(met: Met) -> None:
    line, station = met[0], met[1]()
    converse(functions.write_coil(station, 3, True), line)
    converse(functions.write_coils(station, 8, (True,) * 5), line)
    bits = converse(functions.read_bits(station, 1, 0, 14), line)
    assert bits[3] and all(bits[8:13])
    converse(functions.write_register(station, 100, 0xBEEF), line)
    converse(functions.write_registers(station, 101, (1, 2, 3)), line)
    assert converse(functions.read_words(station, 3, 100, 5), line) == (0xBEEF, 1, 2, 3, 1004)
    assert converse(functions.exchange_words(station, 100, 3, 101, (77, 78)), line) == (
        0xBEEF, 77, 78)


def test_the_station_says_what_it_is(met: Met) -> None:
    ModbusControlBlock().Identity.update(ModbusDeviceIdentification(info_name={
        "VendorName": "Maker", "ProductCode": "M-7", "MajorMinorRevision": "1.02"}))
    assert converse(functions.identify(met[1]()), met[0]) == IDENTITY


def test_what_is_not_there_is_refused_with_the_code(met: Met) -> None:
    line, station = met[0], met[1]()
    for conversation in (functions.read_words(station, 3, 5000, 2),
                         functions.write_registers(station, 5000, (1,))):
        with pytest.raises(Refused) as refused:
            converse(conversation, line)
        assert refused.value.code == 2


def test_an_answer_of_an_earlier_transaction_is_not_taken_for_ours() -> None:
    with tcp_meters([device()]) as port:
        line = TcpLine(config.Line("a", f"tcp://127.0.0.1:{port}", 9600, "N", 1, 8))
        with pytest.raises(ForeignAnswer):
            converse(_crossed(TcpStation(UNIT, 300, 1), TcpStation(UNIT, 300, 2)), line)
        line.close()


def _crossed(asked: TcpStation, hears: TcpStation) -> Any:
    """Say the question of one station and hear with the ears of another."""
    said = next(asked.ask(read_words(3, 100, 2)))
    conversation = hears.ask(read_words(3, 100, 2))
    turn = next(conversation)
    assert isinstance(said, Turn) and isinstance(turn, Turn)
    heard = yield Turn(said.say, turn.is_whole, turn.timeout_ms)
    conversation.send(heard)
