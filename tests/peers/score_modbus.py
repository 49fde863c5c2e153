"""The rows of Modbus: answers that pymodbus encoded from each model's facts, by make."""

from collections import Counter
from fractions import Fraction

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
)

from tests.peers.score import Score
from wum_edge import config
from wum_edge.meters.catalog import Model, Register
from wum_edge.meters.reader import Take
from wum_edge.meters.readers import reader_for
from wum_edge.meters.turn import Hearing, Line, converse
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock

UNIT = 3
SEED_NUMBERS = (0, 1, 4711, 65535)     # Raw numbers; what a type cannot hold is cut to its size.
RESPONSES = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}
_TYPES = {name.lower(): kind for name, kind in ModbusClientMixin.DATATYPE.__members__.items()}
_FRAMER = FramerRTU(DecodePDU(True))


def score() -> list[Score]:
    """One row a make."""
    tried: Counter[str] = Counter()
    decoded: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    for model in read_catalog().values():
        if model.protocol != "modbus-rtu":
            continue
        for number in SEED_NUMBERS:
            take = Take()
            meter = config.Meter("M", "dp", "a", UNIT, model.model, 500, None)
            places = tuple(range(len(model.registers)))
            wanted = _wanted(model, number)
            wire = _Meter(model, number)
            converse(reader_for(model, meter, SystemClock()).read(places, take), wire)
            tried[model.make] += wire.frames
            decoded[model.make] += take.turns
            equal[model.make] += take.turns if take.values == wanted else 0
    return [Score("modbus", make, tried[make], decoded[make], equal[make])
            for make in sorted(tried)]


class _Meter(Line):
    """Answers as pymodbus would for the words of all registers."""

    def __init__(self, model: Model, number: int) -> None:
        self.frames = 0
        self._words: dict[tuple[int, int], int] = {}
        for place, register in enumerate(model.registers):
            for offset, word in enumerate(_words(register, _raw(register, number + place))):
                source = register.source
                self._words[source.function, source.address + offset] = word

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        function, first, count = say[1], say[2] << 8 | say[3], say[4] << 8 | say[5]
        words = [self._words.get((function, at), 0) for at in range(first, first + count)]
        heard = bytes(_FRAMER.buildFrame(RESPONSES[function](dev_id=UNIT, registers=words)))
        self.frames += 1
        is_whole(heard)
        return heard


def _raw(register: Register, number: int) -> int:
    """An integer that the register can hold; a float holds these exactly."""
    bits = 16 * register.source.count
    if register.source.type.startswith("int"):
        return number & (1 << (bits - 1)) - 1
    return number & (1 << bits) - 1


def _words(register: Register, raw: int) -> list[int]:
    order = register.source.word_order
    words = ModbusClientMixin.convert_to_registers(
        float(raw) if register.source.type.startswith("float") else raw,
        _TYPES[register.source.type],
        word_order="little" if order in ("little-word", "little") else "big")
    if order in ("little-byte", "little"):
        return [word >> 8 | (word & 0xFF) << 8 for word in words]
    return list(words)


def _wanted(model: Model, number: int) -> dict[int, int | None]:
    """By Python's own fractions: raw x scale in units of 10^scaler, half to even."""
    wanted: dict[int, int | None] = {}
    for place, register in enumerate(model.registers):
        source = register.source
        raw = _raw(register, number + place)
        scale = Fraction(source.scale.factor) * Fraction(10) ** source.scale.power
        value = round(raw * scale / Fraction(10) ** register.scaler)
        wanted[place] = None if raw == source.absent else value
    return wanted
