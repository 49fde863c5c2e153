"""What stands before the numbers of a version 1 batch: headings of groups, cells of the flags.

Left out: rows (rows1.py) and cells (packed.py). The concentrator's reference reads with this, and
so does the head-end, which goes on with arrays.
"""

from collections import namedtuple

from wum_shared import fields
from wum_shared.errors import Malformed
from wum_shared.messages import REGISTERS_MAX, Schema
from wum_shared.packed import BY_METER, Cell, read_cell
from wum_shared.rice import read_leb, unzigzag
from wum_shared.rows import GROUPS_MAX, ROWS_MAX

_BIAS_MAX = 2**53


class Heading(namedtuple("Heading", (
        "register_set", "time_quality", "rows", "sequence_bias", "sequence", "meter_bias",
        "meter", "time_bias", "forms"))):
    """What stands before the numbers of a group; `sequence` and `meter` are cells."""

    __slots__ = ()
    register_set: int
    time_quality: int
    rows: int
    sequence_bias: int
    sequence: Cell
    meter_bias: int
    meter: Cell
    time_bias: int
    forms: list[int]           # Of captured-at and of each register.


def read_headings(
        groups: object, columns: bytes, schema: Schema,
) -> tuple[list[Heading], list[Cell], int]:
    """(headings, the cells of flag places and of statuses, where the numbers begin).

    Raises Malformed.
    """
    found: list[Heading] = []
    rows = cells = at = 0
    for value in fields.items(groups, GROUPS_MAX, "batch groups"):
        group = fields.record(value, 3, "group")
        index = fields.number(group[0], 0, len(schema.register_sets) - 1, "group register-set")
        quality = fields.number(group[1], 0, 2, "group time-quality")
        count = fields.number(group[2], 1, ROWS_MAX - rows, "group rows")
        if found and (index, quality) <= found[-1][:2]:
            raise Malformed("batch groups: out of order, or one stands twice")
        rows += count
        width = len(schema.register_sets[index].registers)
        cells += count * width
        heading, at = _read_heading(columns, at, (index, quality, count), width)
        found.append(heading)
    flags: list[Cell] = []
    if found:
        count, at = read_leb(columns, at)
        fields.number(count, 0, min(cells, ROWS_MAX * REGISTERS_MAX), "batch flags")
        for _ in range(2 if count else 0):
            cell, at = read_cell(columns, at, count)
            flags.append(cell)
    return found, flags, at


def _read_heading(
        data: bytes, at: int, group: tuple[int, int, int], width: int) -> tuple[Heading, int]:
    sequence_bias, at = _read_bias(data, at)
    sequence, at = read_cell(data, at, group[2])
    meter_bias, at = _read_bias(data, at)
    meter, at = read_cell(data, at, group[2])
    time_bias, at = _read_bias(data, at)
    size = (width + 4) // 4    # Captured-at and the registers, four to a byte.
    packed = data[at:at + size]
    if len(packed) != size or packed[-1] >> 2 * ((width + 1) - 4 * (size - 1)):
        raise Malformed("columns: the forms of %d columns end early or are not filled up" % width)
    forms = [packed[n >> 2] >> 2 * (n & 3) & 3 for n in range(width + 1)]
    return Heading(*(group + (
        sequence_bias, sequence, meter_bias, meter, time_bias, forms))), at + size


def _read_bias(data: bytes, at: int) -> tuple[int, int]:
    number, at = read_leb(data, at)
    return fields.number(unzigzag(number), -_BIAS_MAX, _BIAS_MAX, "columns bias"), at


def lead_cells(headings: list[Heading], flags: list[Cell]) -> list[Cell]:
    """The cells of the first section: sequence and meter of each group, then the flags."""
    cells = []
    for heading in headings:
        cells += [heading.sequence, heading.meter]
    return cells + flags


def cell_lengths(heading: Heading, lengths: list[int]) -> list[list[int]]:
    """Lengths of the cells of each column of a group whose meters have `lengths` rows each."""
    by_meter = [len(lengths)] + [length - 1 for length in lengths if length > 1]
    in_sequence = [1] + ([heading.rows - 1] if heading.rows > 1 else [])
    return [by_meter if form & BY_METER else in_sequence for form in heading.forms]
