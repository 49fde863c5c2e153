"""The gateway reads a meter that it has no code in common with: pymodbus' serial server."""

from collections.abc import Callable

import pytest
from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.ports.wire import Meters, Wire
from wum_edge import config
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.catalog import Model
from wum_edge.meters.modbus.ranges import plan
from wum_edge.meters.modbus.reader import ModbusReader
from wum_edge.meters.modbus.rtu import read_registers
from wum_edge.meters.turn import converse
from wum_edge.meters.visit import KnownMeter, Visit
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.line import SerialLine

Begin = Callable[[list[SimDevice]], Meters]
TYPES = {name.lower(): kind for name, kind in ModbusClientMixin.DATATYPE.__members__.items()}
MODELS = sorted(name for name, model in read_catalog().items()
                if model.protocol.startswith("modbus-"))


def words(unit: int, values: list[int], first: int = 0) -> SimDevice:
    return SimDevice(id=unit, simdata=[
        SimData(first, values=list(values), datatype=DataType.REGISTERS)])


@pytest.mark.parametrize("function", [3, 4])
def test_registers_are_read_over_a_real_tty(
        meters: Begin, line: SerialLine, function: int) -> None:
    meters([words(7, [11, 22, 33, 65535], first=100)])
    answer = converse(read_registers(7, function, 101, 3, 2000), line)
    assert answer.words == (22, 33, 65535)


def test_the_longest_answer_is_read(meters: Begin, line: SerialLine) -> None:
    meters([words(7, list(range(125)))])
    assert converse(read_registers(7, 3, 0, 125, 2000), line).words == tuple(range(125))


def test_an_exception_names_its_code(meters: Begin, line: SerialLine) -> None:
    meters([words(7, [1, 2])])
    with pytest.raises(Refused, match="exception 2"):
        converse(read_registers(7, 3, 500, 2, 2000), line)


def test_a_meter_that_is_not_there_is_silent_and_the_next_one_answers(
        meters: Begin, wire: Wire, line: SerialLine) -> None:
    meters([words(7, [1, 2])])
    wire.cut_off.add(8)
    with pytest.raises(LineSilent):
        converse(read_registers(8, 3, 0, 2, 100), line)
    assert converse(read_registers(7, 3, 0, 2, 2000), line).words == (1, 2)


def test_an_adapter_that_echoes_is_tolerated(
        meters: Begin, wire: Wire, line: SerialLine) -> None:
    wire.echo = True
    wire.cut_off.add(8)
    meters([words(7, [1, 2])])
    assert converse(read_registers(7, 3, 0, 2, 2000), line).words == (1, 2)
    with pytest.raises(LineSilent):
        converse(read_registers(8, 3, 0, 2, 100), line)


def test_noise_around_the_answer_is_passed_over(
        meters: Begin, wire: Wire, line: SerialLine) -> None:
    wire.up = lambda data: [(0.0, b"\x00\xff\x07"), (0.0, data), (0.0, b"\x55")]
    meters([words(7, [1, 2])])
    for _ in range(3):
        assert converse(read_registers(7, 3, 0, 2, 2000), line).words == (1, 2)


def test_a_damaged_answer_is_noticed_before_the_timeout(
        meters: Begin, wire: Wire, line: SerialLine) -> None:
    meters([words(7, [1, 2])])
    wire.up = lambda data: [(0.0, data[:-1] + bytes([data[-1] ^ 1]))]
    before = SystemClock().monotonic_ms()
    with pytest.raises(BadCheck):
        converse(read_registers(7, 3, 0, 2, 8000), line)
    assert SystemClock().monotonic_ms() - before < 4000


def test_an_answer_of_another_meter_is_told_apart_and_waited_past(
        meters: Begin, wire: Wire, line: SerialLine) -> None:
    from pymodbus.framer import FramerRTU
    from pymodbus.pdu import DecodePDU
    from pymodbus.pdu.register_message import ReadHoldingRegistersResponse

    stranger = FramerRTU(DecodePDU(False)).buildFrame(
        ReadHoldingRegistersResponse(dev_id=9, registers=[5, 6]))
    meters([words(7, [1, 2])])
    wire.up = lambda data: [(0.0, stranger), (0.05, data)]
    answer = converse(read_registers(7, 3, 0, 2, 2000), line)
    assert answer.words == (1, 2) and answer.foreign == 1
    wire.up = lambda data: [(0.0, stranger)]
    with pytest.raises(ForeignAnswer, match="unit 9"):
        converse(read_registers(7, 3, 0, 2, 200), line)


def simulated(model: Model, *, with_gaps: bool) -> tuple[SimDevice, list[int]]:
    """A meter of that model whose registers pymodbus converted, and what must be archived."""
    data, wanted = [], []
    used: set[int] = set()
    for place, register in enumerate(model.registers):
        source = register.source
        value = 1000 + 37 * place if source.count > 1 else 501 + place
        raw: float | int = value + 0.5 if source.type.startswith("float") else value
        order = source.word_order
        sent = ModbusClientMixin.convert_to_registers(
            raw, TYPES[source.type], word_order="big" if order == "big" else "little")
        data.append(SimData(source.address, values=sent, datatype=DataType.REGISTERS))
        used.update(range(source.address, source.address + source.count))
        # raw x scale / 10^scaler; six digits more, so that no power of ten is a fraction.
        exact = raw * source.scale.factor * 10 ** (source.scale.power - register.scaler + 6)
        wanted.append(round(exact / 10**6))
    if with_gaps:
        asked = {address for r in plan(model.registers, model.manner.limits)
                 for address in range(r.first, r.first + r.count)}
        data += [SimData(address, values=0, datatype=DataType.REGISTERS)
                 for address in asked - used]
    return SimDevice(id=3, simdata=sorted(data, key=lambda d: d.address)), wanted


@pytest.mark.parametrize("name", MODELS)
def test_every_model_of_the_catalogue_is_read_from_a_meter_made_of_its_facts(
        name: str, meters: Begin, line: SerialLine) -> None:
    """Values that pymodbus turned into registers come back, to the archived digit."""
    model = read_catalog()[name]
    device, wanted = simulated(model, with_gaps=True)
    meters([device])
    visit = Visit(KnownMeter(0, 0, config.Meter("M", "dp", "a", 3, name, 2000, None), model))
    row, = visit.attempt(line, SystemClock())
    assert row is not None and visit.error is None
    assert list(row.values) == wanted
    assert set(row.statuses) == {0}


def test_a_meter_that_refuses_gaps_gives_all_its_registers_all_the_same(
        meters: Begin, line: SerialLine) -> None:
    model = read_catalog()["eastron-sdm630"]
    device, wanted = simulated(model, with_gaps=False)
    meters([device])
    known = KnownMeter(0, 0, config.Meter("M", "dp", "a", 3, model.model, 2000, None), model)
    row, = Visit(known).attempt(line, SystemClock())
    assert row is not None and list(row.values) == wanted
    assert known.counters.exception == 1 and isinstance(known.reader, ModbusReader) and (
        len(known.reader.ranges) > 1)
