"""Register words into scaled integers, by integer arithmetic only, and exact scales.

Left out: which register is which (catalog.py). A float on the way would round: MicroPython's
have 32 bits on many boards.
"""

from collections import namedtuple

from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed

TYPES = {                    # Name: (words, kind).
    "uint16": (1, "unsigned"), "int16": (1, "signed"),
    "uint32": (2, "unsigned"), "int32": (2, "signed"),
    "uint64": (4, "unsigned"), "int64": (4, "signed"),
    "float32": (2, "float"), "float64": (4, "float"),
}
# Which way a number of the bytes A (highest), B, C, D stands: ABCD, as the standard has it, CDAB,
# BADC, DCBA.
WORD_ORDERS = ("big", "little-word", "little-byte", "little")
_FLOATS = {2: (8, 23), 4: (11, 52)}    # Words: bits of exponent and of fraction (IEEE 754).
_SCALE_DIGITS_MAX = 18


class Scale(namedtuple("Scale", ("factor", "power"))):
    """factor x 10^power, exactly."""

    __slots__ = ()
    factor: int
    power: int


def scale_from_text(text: str) -> Scale:
    """Scale of a decimal like 0.1, 1000 or -1. Raises Malformed; zero is no scale."""
    sign = -1 if text[:1] == "-" else 1
    whole, dot, part = text[sign < 0:].partition(".")
    digits = whole + part
    plain = whole and (part or not dot) and all("0" <= c <= "9" for c in digits)
    if not plain or len(digits) > _SCALE_DIGITS_MAX or not int(digits):
        raise Malformed("scale: wanted a decimal like 0.1 or 1000, got %r" % text)
    factor, power = int(digits), -len(part)
    while factor % 10 == 0:
        factor, power = factor // 10, power + 1
    return Scale(sign * factor, power)


def raw_number(words: tuple[int, ...], word_order: str) -> int:
    """The words (0..65535 each) as one unsigned number."""
    assert word_order in WORD_ORDERS
    low_first = word_order in ("little-word", "little")
    number = 0
    for place in range(len(words)):
        word = words[len(words) - 1 - place] if low_first else words[place]
        if word_order in ("little-byte", "little"):
            word = word >> 8 | (word & 0xFF) << 8
        number = number << 16 | word
    return number


def scaled(raw: int, type_name: str, scale: Scale, scaler: int) -> int | None:
    """`raw` of that type times `scale`, as an integer of 10^`scaler`; half is rounded to even.

    None for a float that is no number, and for what leaves -2**62..2**62-1.
    """
    words, kind = TYPES[type_name]
    if kind == "float":
        parts = _float_parts(raw, words)
        if parts is None:
            return None
        mantissa, exponent = parts
    else:
        mantissa, exponent = raw, 0
        if kind == "signed" and raw >> (16 * words - 1):
            mantissa -= 1 << (16 * words)
    power = scale.power - scaler
    above, below = mantissa * scale.factor, 1
    if exponent >= 0:
        above <<= exponent
    else:
        below <<= -exponent
    if power >= 0:
        above *= 10**power
    else:
        below *= 10**-power
    value = _rounded(above, below)
    return value if VALUE_MIN <= value <= VALUE_MAX else None


def rescaled(mantissa: int, power: int, scaler: int) -> int | None:
    """mantissa x 10^power as an integer of 10^`scaler`; half is rounded to even where digits are
    lost. None for what leaves -2**62..2**62-1.
    """
    shift = power - scaler
    value = mantissa * 10**shift if shift >= 0 else _rounded(mantissa, 10**-shift)
    return value if VALUE_MIN <= value <= VALUE_MAX else None


def _float_parts(raw: int, words: int) -> tuple[int, int] | None:
    """(mantissa, exponent) with value = mantissa x 2^exponent; None for NaN and infinity."""
    exponent_bits, fraction_bits = _FLOATS[words]
    top = (1 << exponent_bits) - 1
    exponent = raw >> fraction_bits & top
    mantissa = raw & (1 << fraction_bits) - 1
    if exponent == top:
        return None
    if exponent:             # A subnormal is below any digit that a scale can bring out.
        mantissa |= 1 << fraction_bits
    negative = raw >> (16 * words - 1)
    return -mantissa if negative else mantissa, exponent - (top >> 1) - fraction_bits


def _rounded(above: int, below: int) -> int:
    """above / below, half to even. `below` is positive."""
    quotient, remainder = divmod(above, below)
    twice = 2 * remainder
    if twice > below or (twice == below and quotient & 1):
        quotient += 1
    return quotient
