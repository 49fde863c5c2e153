"""Columns of integers as bytes: differences, zigzag, LEB128. One number costs 1..10 bytes.

Left out: what a column means (messages.py). Numbers are -2**62..2**62-1, so that every
difference fits 64 bits signed and NumPy can decode a whole batch at once.
"""

from wum_shared.errors import Malformed

VALUE_MIN = -(2**62)
VALUE_MAX = 2**62 - 1
_VARINT_MAX = 10  # Bytes of a zigzag difference of up to 64 bits.


def append_column(out: bytearray, numbers: list[int]) -> None:
    """Append one column to `out`: its first number, then the difference to the one before."""
    before = 0
    for number in numbers:
        assert VALUE_MIN <= number <= VALUE_MAX
        step = number - before
        before = number
        zigzag = step << 1 if step >= 0 else ((-step) << 1) - 1
        while zigzag > 0x7F:
            out.append(zigzag & 0x7F | 0x80)
            zigzag >>= 7
        out.append(zigzag)


def read_column(data: bytes, at: int, count: int) -> tuple[list[int], int]:
    """`count` numbers of the column that starts at `at`, and where the next one starts.

    Raises Malformed when the bytes end early, a number is not in its shortest form, or a
    value leaves -2**62..2**62-1.
    """
    numbers = []
    value = 0
    for _ in range(count):
        zigzag, at = _read_varint(data, at)
        value += zigzag >> 1 if not zigzag & 1 else -((zigzag + 1) >> 1)
        if not VALUE_MIN <= value <= VALUE_MAX:
            raise Malformed("columns: value %d at byte %d is out of range" % (value, at))
        numbers.append(value)
    return numbers, at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place in range(_VARINT_MAX):
        if at >= len(data):
            raise Malformed("columns: end after %d bytes, in the middle of a number" % at)
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if place and not byte:
                raise Malformed("columns: number before byte %d is not in its shortest form" % at)
            return number, at
    raise Malformed("columns: number before byte %d is longer than %d bytes" % (at, _VARINT_MAX))
