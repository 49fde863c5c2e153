"""pymodbus' client and minimalmodbus read the town's meters as our master does."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import minimalmodbus
import pytest
from pymodbus.client import ModbusSerialClient

from tests.simulator.running import Running, serving
from wum_edge import config
from wum_edge.meters.catalog import Model, Register
from wum_edge.meters.reader import Take
from wum_edge.meters.readers import reader_for
from wum_edge.meters.turn import converse
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.line import SerialLine

MODELS = ("eastron-sdm630", "abb-ab-series", "carlo-gavazzi-em340")
_FORMS = {"uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q",
          "int64": ">q", "float32": ">f", "float64": ">d"}


@pytest.fixture(params=MODELS)
def met(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Running, Model]]:
    with serving(tmp_path, "--meters", "2", "--model", request.param) as running:
        yield running, read_catalog()[request.param]


def ours(running: Running, model: Model) -> dict[int, int | None]:
    line = SerialLine(config.Line("a", str(running.link), 115200, "N", 1, 8))
    take = Take()
    meter = config.Meter("M", "dp", "a", 2, model.model, 1000, None)
    try:
        converse(reader_for(model, meter, SystemClock()).read(
            tuple(range(len(model.registers))), take), line)
    finally:
        line.close()
    assert not take.errors
    return take.values


def scaled(register: Register, words: list[int]) -> int:
    """What the words mean, by struct and fractions: half to even."""
    source = register.source
    ordered = words[::-1] if source.word_order == "little-word" else words
    raw = struct.unpack(_FORMS[source.type], struct.pack(f">{len(words)}H", *ordered))[0]
    scale = Fraction(source.scale.factor) * Fraction(10) ** source.scale.power
    return round(Fraction(raw) * scale / Fraction(10) ** register.scaler)


def test_pymodbus_reads_what_we_read(met: tuple[Running, Model]) -> None:
    running, model = met
    wanted = ours(running, model)
    client: Any = ModbusSerialClient(str(running.link), baudrate=115200, timeout=1)
    assert client.connect()
    try:
        for place, register in enumerate(model.registers):
            source = register.source
            read = (client.read_holding_registers if source.function == 3
                    else client.read_input_registers)
            answer = read(source.address, count=source.count, device_id=2)
            assert scaled(register, answer.registers) == wanted[place], register.name
    finally:
        client.close()


def test_minimalmodbus_reads_what_we_read(met: tuple[Running, Model]) -> None:
    running, model = met
    wanted = ours(running, model)
    instrument: Any = minimalmodbus.Instrument(str(running.link), 2)
    instrument.serial.baudrate = 115200
    instrument.serial.timeout = 1
    try:
        for place, register in enumerate(model.registers):
            source = register.source
            words = instrument.read_registers(source.address, source.count, source.function)
            assert scaled(register, words) == wanted[place], register.name
    finally:
        instrument.serial.close()
