"""Quantities into register words and back, by pymodbus' converters: not the gateway's codec.

Left out: where the quantities come from (consumer.py) and who answers with the words
(meters/modbus.py).
"""

import struct
from fractions import Fraction
from typing import Any

from pymodbus.client.mixin import ModbusClientMixin

from wum_simulator.catalog import Register
from wum_simulator.consumer import MICRO
from wum_simulator.quantities import is_counter

_MIXIN: Any = ModbusClientMixin   # Its class methods are the converters; no client is made.
_TYPES: dict[str, Any] = {name.lower(): kind for name, kind in _MIXIN.DATATYPE.__members__.items()}


def words_of(register: Register, micro: int) -> list[int]:
    """The words by which `register` shows a quantity of `micro` x 10^-6 in its unit.

    An integer counter shows what is complete and starts again at 0 when it is full; any other
    integer register is rounded, and stands at its end when the quantity is past it.
    """
    raw: int | float
    # raw = micro / (10^6 x scale), exactly, as above / below.
    above, below = micro * register.scale.denominator, MICRO * register.scale.numerator
    if register.type.startswith("float"):
        raw = above / below      # Python divides integers to the nearest float.
    elif is_counter(register.obis):
        raw = _turned_over(register, above // below)
    else:
        raw = _within(register, (2 * above + below) // (2 * below))
    words: list[int] = _MIXIN.convert_to_registers(
        raw, _TYPES[register.type], word_order=_order(register))
    return _as_sent(register, words)


def at_resolution(register: Register, micro: int) -> int:
    """What a meter without words shows, as an integer of 10^scaler: the digits that it writes.

    A counter shows what is complete; anything else is rounded.
    """
    exact = Fraction(micro, MICRO) / Fraction(10) ** register.scaler
    return exact.__floor__() if is_counter(register.obis) else (2 * exact + 1).__floor__() // 2


def scaled_of(register: Register, words: list[int]) -> int | None:
    """What a gateway is to keep for these words: an integer of 10^scaler, half to even.

    None for a float that is no number.
    """
    raw = _MIXIN.convert_from_registers(
        _as_sent(register, words), _TYPES[register.type], word_order=_order(register))
    if raw != raw or raw in (float("inf"), float("-inf")):
        return None
    return round(Fraction(raw) * register.scale / Fraction(10) ** register.scaler)


def _order(register: Register) -> str:
    return "little" if register.word_order in ("little-word", "little") else "big"


def _as_sent(register: Register, words: list[int]) -> list[int]:
    """Some makers turn the two bytes of each word round, which pymodbus does not."""
    if register.word_order in ("big", "little-word"):
        return words
    return [word >> 8 | (word & 0xFF) << 8 for word in words]


def _bits(register: Register) -> int:
    return 8 * struct.calcsize(">" + _TYPES[register.type].value[0])


def _turned_over(register: Register, count: int) -> int:
    if register.type.startswith("uint"):
        return count % (1 << _bits(register))
    return _within(register, count)


def _within(register: Register, number: int) -> int:
    bits = _bits(register)
    if register.type.startswith("uint"):
        return min(max(number, 0), (1 << bits) - 1)
    return min(max(number, -(1 << bits - 1)), (1 << bits - 1) - 1)
