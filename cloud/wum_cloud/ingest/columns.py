"""A batch's columns as arrays: the layout of wum_shared/columns.py, all columns at once in NumPy.

Left out: what a column means (opened.py). A column is its first number and then differences,
each zigzag and LEB128; a handful of array operations decodes a whole batch.
"""

import numpy as np
from numpy.typing import NDArray

from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed

Numbers = NDArray[np.int64]

_LAST_PLACE = 9        # The tenth byte of a number holds bit 63 alone.
_SEVEN_BITS = np.uint8(0x7F)
_ONE = np.uint64(1)


def read_tables(data: bytes, shapes: list[tuple[int, int]]) -> list[Numbers]:
    """One table (columns x rows) for each (columns, rows) of `shapes`, in their order.

    Raises Malformed when the numbers are not exactly as many as the shapes want, one is not in
    its shortest form, or a value leaves -2**62..2**62-1: what wum_shared.columns refuses.
    """
    steps = _steps(data, sum([columns * rows for columns, rows in shapes]))
    tables = []
    at = 0
    for columns, rows in shapes:
        table = steps[at:at + columns * rows].reshape(columns, rows)
        at += columns * rows
        tables.append(_summed(table))
    return tables


def _summed(steps: Numbers) -> Numbers:
    # Sums wrap at 64 bits. A value in range plus any step of 64 bits that leaves the range still
    # leaves it after the wrap, so the first value that is out of range is always seen as such.
    table = np.cumsum(steps, axis=1, dtype=np.int64)
    if table.size and (table.min() < VALUE_MIN or table.max() > VALUE_MAX):
        raise Malformed("columns: a value is out of range")
    return table


def _steps(data: bytes, count: int) -> Numbers:
    numbers = _varints(np.frombuffer(data, np.uint8), count)
    return (numbers >> _ONE).view(np.int64) ^ -(numbers & _ONE).view(np.int64)


def _varints(raw: NDArray[np.uint8], count: int) -> NDArray[np.uint64]:
    ends = np.flatnonzero(raw <= _SEVEN_BITS)
    whole = len(raw) == (int(ends[-1]) + 1 if len(ends) else 0)
    if len(ends) != count or not whole:
        raise Malformed("columns: wanted %d numbers, got %d in %d bytes%s" % (
            count, len(ends), len(raw), "" if whole else ", the last one cut"))
    if len(raw) == count:  # Every number is one byte long.
        return raw.astype(np.uint64)
    starts = np.empty(count, np.int64)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    return _joined(raw, starts, ends)


def _joined(raw: NDArray[np.uint8], starts: Numbers, ends: Numbers) -> NDArray[np.uint64]:
    lengths = ends - starts                        # In bytes, less one.
    many = np.flatnonzero(lengths)
    if not raw[ends[many]].all():
        raise Malformed("columns: a number is not in its shortest form")
    numbers = (raw[starts] & _SEVEN_BITS).astype(np.uint64)
    for place in range(1, int(lengths.max()) + 1):
        byte = raw[starts[many] + place]
        if place > _LAST_PLACE or (place == _LAST_PLACE and byte.max() > 1):
            raise Malformed("columns: a number is longer than 64 bits")
        numbers[many] |= (byte & _SEVEN_BITS).astype(np.uint64) << np.uint64(7 * place)
        many = many[lengths[many] > place]
    return numbers
