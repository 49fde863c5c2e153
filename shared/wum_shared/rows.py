"""Rows of a batch as columns: groups, columns, flags and base time of contract.cddl.

Left out: the batch around them (batch.py) and how one column is written (columns.py).
"""

from collections import namedtuple

from wum_shared import fields
from wum_shared.columns import append_column, read_column
from wum_shared.errors import Malformed
from wum_shared.messages import (
    METERS_MAX,
    REGISTER_SETS_MAX,
    REGISTERS_MAX,
    Schema,
    sequence_field,
    time_field,
)
from wum_shared.order import in_order
from wum_shared.status import ABSENT

ROWS_MAX = 16384               # A day of 64 meters read every quarter of an hour is 6144.
GROUPS_MAX = REGISTER_SETS_MAX * 3   # A group per register set and time quality.
_LEADING = 3                   # Columns before the registers: meter, sequence, captured-at.


class Row(namedtuple("Row", (
        "sequence", "meter", "register_set", "captured_at_s", "time_quality", "values",
        "statuses"))):
    """All registers of one register set of one meter at one capture time.

    `meter` and `register_set` are indices into the schema. `values` are scaled integers or
    None; `statuses` has one number of status flags for each; None goes with ABSENT.
    """

    __slots__ = ()
    sequence: int
    meter: int
    register_set: int
    captured_at_s: int
    time_quality: int
    values: tuple[int | None, ...]
    statuses: tuple[int, ...]


def encode_rows(
        rows: tuple[Row, ...], first_sequence: int,
) -> tuple[int, list[list[int]], bytes, list[list[int]]]:
    """(base time, groups, columns, flags) of `rows`, which may come in any order."""
    ordered = in_order(rows, _place)
    base_s = min([row.captured_at_s for row in ordered]) if ordered else 0
    columns = bytearray()
    groups: list[list[int]] = []
    start = 0
    while start < len(ordered):
        end = _group_end(ordered, start)
        group = ordered[start:end]
        groups.append([group[0].register_set, group[0].time_quality, len(group)])
        _append_group(columns, group, first_sequence, base_s)
        start = end
    return base_s, groups, bytes(columns), _flags(ordered)


def _place(row: Row) -> tuple[int, int, int, int]:
    return (row.register_set, row.time_quality, row.meter, row.sequence)


def _group_end(rows: list[Row], start: int) -> int:
    first = rows[start]
    end = start
    while end < len(rows) and (rows[end].register_set, rows[end].time_quality) == (
            first.register_set, first.time_quality):
        end += 1
    return end


def _append_group(columns: bytearray, group: list[Row], first_sequence: int, base_s: int) -> None:
    append_column(columns, [row.meter for row in group])
    append_column(columns, [row.sequence - first_sequence for row in group])
    append_column(columns, [row.captured_at_s - base_s for row in group])
    width = len(group[0].values)
    assert all(len(row.values) == len(row.statuses) == width for row in group)
    for place in range(width):
        before = 0
        column = []
        for row in group:
            value = row.values[place]
            assert (value is None) == bool(row.statuses[place] & ABSENT)
            if value is not None:
                before = value
            column.append(before)
        append_column(columns, column)


def _flags(rows: list[Row]) -> list[list[int]]:
    return [[at, place, row.statuses[place]] for at, row in enumerate(rows)
            for place in range(len(row.statuses)) if row.statuses[place]]


def decode_rows(
        base_time: object, groups: object, columns: object, flags: object, first: int,
        schema: Schema,
) -> tuple[Row, ...]:
    """The rows of these fields of a batch that starts at sequence `first`. Raises Malformed.

    Order and accounting are looked at by whoever has the whole batch.
    """
    base_s = time_field(base_time, "batch base-time")
    if type(columns) is not bytes:
        raise Malformed("batch columns: wanted bytes, got %s" % fields.shown(columns))
    rows: list[Row] = []
    at = 0
    for value in fields.items(groups, GROUPS_MAX, "batch groups"):
        group = fields.record(value, 3, "group")
        index = fields.number(group[0], 0, len(schema.register_sets) - 1, "group register-set")
        quality = fields.number(group[1], 0, 2, "group time-quality")
        count = fields.number(group[2], 1, ROWS_MAX - len(rows), "group rows")
        width = _LEADING + len(schema.register_sets[index].registers)
        table = []
        for _ in range(width):
            column, at = read_column(columns, at, count)
            table.append(column)
        rows.extend(_group_rows(table, index, quality, first, base_s))
    if at != len(columns):
        raise Malformed("batch columns: %d bytes after the last column" % (len(columns) - at))
    return _with_flags(rows, fields.items(flags, ROWS_MAX * REGISTERS_MAX, "batch flags"))


def _group_rows(
        table: list[list[int]], register_set: int, quality: int, first: int, base_s: int,
) -> list[Row]:
    rows = []
    for at in range(len(table[0])):
        values = tuple([column[at] for column in table[_LEADING:]])
        rows.append(Row(
            sequence_field(table[1][at] + first, "row sequence"),
            fields.number(table[0][at], 0, METERS_MAX - 1, "row meter"),
            register_set,
            time_field(table[2][at] + base_s, "row captured-at"),
            quality, values, (0,) * len(values),
        ))
    return rows


def _with_flags(rows: list[Row], flags: list[object]) -> tuple[Row, ...]:
    place_before = (-1, -1)
    for value in flags:
        flag = fields.record(value, 3, "flag")
        at = fields.number(flag[0], 0, len(rows) - 1, "flag row")
        row = rows[at]
        place = fields.number(flag[1], 0, len(row.values) - 1, "flag register")
        status = fields.number(flag[2], 1, 65535, "flag status")
        if (at, place) <= place_before:
            raise Malformed("flags: row %d, register %d is out of order" % (at, place))
        place_before = (at, place)
        values = list(row.values)
        statuses = list(row.statuses)
        statuses[place] = status
        if status & ABSENT:
            values[place] = None
        rows[at] = Row(*(row[:5] + (tuple(values), tuple(statuses))))
    return tuple(rows)


