"""Rows as PostgreSQL's binary COPY format, made from arrays: no object per row or reading.

Left out: the database (store.py). A row is a fixed run of bytes, all rows of a table side by side
in one array; where values are absent, their bytes are taken out in one go.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wum_cloud.ingest.columns import Numbers
from wum_cloud.ingest.rows.table import Table, order_of
from wum_cloud.registry.quantities import COLUMNS
from wum_cloud.registry.schemas.layout import Layout
from wum_shared.status import ABSENT

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

# Columns before those of the registers, with their types in network order.
_KEY = (("meter_id", ">i8"), ("captured_at", ">i8"), ("profile", ">i2"),
        ("register_set_id", ">i4"), ("time_quality", ">i2"))
_ORIGIN = (("source", ">i2"), ("sequence", ">i8"))
_REST = ("statuses", *COLUMNS, "extra")
ROW_COLUMNS = (*[name for name, _ in _KEY], *_REST)
STAGED_COLUMNS = (*[name for name, _ in _ORIGIN], *ROW_COLUMNS)

_POSTGRES_EPOCH_S = 946684800   # 2000-01-01T00:00:00Z
_NULL = -1
_ARRAY_HEAD = 20                # Dimensions, flags, element type, length, lower bound: 4 each.
_INT4, _INT8 = 23, 20           # Element types.

_Records = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows as bytes, one after the other; row n is data[starts[n]:starts[n + 1]]."""

    table: Table
    data: bytes
    starts: Numbers


def copy_rows(tables: list[Table], *, with_origin: bool) -> tuple[bytes, bool]:
    """(all rows in COPY format by meter, capture time and profile, whether a key stands twice).

    With their origin rows fit STAGED_COLUMNS, else ROW_COLUMNS.
    """
    blocks = [block for table in tables for block in _blocks(table, with_origin)]
    order, has_duplicates = order_of([block.table for block in blocks])
    return b"".join([HEADER, *_runs(blocks, order), TRAILER]), has_duplicates


def _runs(blocks: list[_Block], order: Numbers) -> list[bytes]:
    """The bytes of the rows in `order`: as long pieces of one block as there are."""
    if len(blocks) == 1:  # Its table is in order already.
        return [blocks[0].data]
    sizes = [len(block.table) for block in blocks]
    block_of = np.repeat(np.arange(len(blocks)), sizes)[order]
    row = order - np.repeat(np.cumsum([0, *sizes[:-1]]), sizes)[order]
    firsts = np.flatnonzero(np.diff(block_of, prepend=-1))
    lasts = np.append(firsts[1:], len(order)) - 1
    return [
        blocks[at].data[blocks[at].starts[first]:blocks[at].starts[last + 1]]
        for at, first, last in zip(
            block_of[firsts].tolist(), row[firsts].tolist(), row[lasts].tolist(), strict=True)]


def _blocks(table: Table, with_origin: bool) -> list[_Block]:
    if table.statuses is None:
        return [_plain(table, with_origin)]
    flagged = np.any(table.statuses, axis=1)
    found = []
    if not flagged.all():
        found.append(_plain(table.where(~flagged), with_origin))
    if flagged.any():
        found.append(_with_statuses(table.where(flagged), with_origin))
    return found


def _plain(table: Table, with_origin: bool) -> _Block:
    """Rows without any status: every register has a value."""
    fixed, extras = _places(table.layout)
    records = _blank_records(len(table), fixed, len(extras), 0, with_origin)
    _fill_keys(records, table, with_origin)
    for column, place in fixed.items():
        records[column] = table.values[place]
    for at, place in enumerate(extras):
        records["extra_%d" % at] = table.values[place]
    return _Block(table, records.tobytes(), np.arange(len(table) + 1) * records.dtype.itemsize)


def _with_statuses(table: Table, with_origin: bool) -> _Block:
    statuses = table.statuses
    assert statuses is not None
    fixed, extras = _places(table.layout)
    records = _blank_records(
        len(table), fixed, len(extras), len(table.layout.registers), with_origin)
    _fill_keys(records, table, with_origin)
    for place in range(len(table.layout.registers)):
        records["status_%d" % place] = statuses[:, place]
    keep = np.ones((len(table), records.dtype.itemsize), np.bool_)
    absent = (statuses & ABSENT).astype(np.bool_)
    for column, place in fixed.items():
        _fill(records, keep, column, table.values[place], absent[:, place])
    for at, place in enumerate(extras):
        _fill(records, keep, "extra_%d" % at, table.values[place], absent[:, place])
    if extras:
        missing = absent[:, extras].sum(axis=1)
        records["extra:size"] = _ARRAY_HEAD + 12 * len(extras) - 8 * missing
        records["extra:nulls"] = missing > 0
    data = records.view(np.uint8).reshape(len(table), -1)[keep].tobytes()
    return _Block(table, data, np.cumsum([0, *keep.sum(axis=1)]))


def _fill(
        records: _Records, keep: NDArray[np.bool_], column: str, values: Numbers,
        absent: NDArray[np.bool_],
) -> None:
    """Write one register; where it is absent, its size says null and its bytes go."""
    records[column] = values
    if absent.any():
        records[column + ":size"][absent] = _NULL
        fields = records.dtype.fields
        assert fields is not None
        start = fields[column][1]
        keep[absent, start:start + 8] = False


def _fill_keys(records: _Records, table: Table, with_origin: bool) -> None:
    if with_origin:
        records["source"] = table.source
        records["sequence"] = table.sequence
    records["meter_id"] = table.meter_id
    records["captured_at"] = (table.captured_at_s - _POSTGRES_EPOCH_S) * 1_000_000
    records["profile"] = table.layout.profile
    records["register_set_id"] = table.register_set_id
    records["time_quality"] = table.time_quality


def _places(layout: Layout) -> tuple[dict[str, int], list[int]]:
    """(place of each register that has a column, places of those in `extra`, in their order)."""
    fixed = {}
    extras = []
    for place, column in enumerate(layout.columns):
        if column in COLUMNS:
            fixed[column] = place
        else:
            extras.append(place)
    return fixed, extras


def _blank_records(
        rows: int, fixed: dict[str, int], extras: int, statuses: int, with_origin: bool,
) -> _Records:
    """Rows with every size in its place and every value 0."""
    columns = STAGED_COLUMNS if with_origin else ROW_COLUMNS
    fields: list[tuple[str, str]] = [("count", ">i2")]
    sizes: dict[str, int] = {"count": len(columns)}
    for name, form in (*_ORIGIN, *_KEY) if with_origin else _KEY:
        fields += [(name + ":size", ">i4"), (name, form)]
        sizes[name + ":size"] = int(form[2:])
    _add_array(fields, sizes, "statuses", "status", _INT4, statuses)
    for column in COLUMNS:
        fields.append((column + ":size", ">i4"))
        sizes[column + ":size"] = 8 if column in fixed else _NULL
        if column in fixed:
            fields.append((column, ">i8"))
    _add_array(fields, sizes, "extra", "extra", _INT8, extras)
    blank = np.zeros(1, np.dtype(fields))
    for name, size in sizes.items():
        blank[name] = size
    return np.repeat(blank, rows)


def _add_array(
        fields: list[tuple[str, str]], sizes: dict[str, int], name: str, element: str,
        element_type: int, length: int,
) -> None:
    """A one-dimensional array of `length` elements; null where it has none."""
    fields.append((name + ":size", ">i4"))
    if not length:
        sizes[name + ":size"] = _NULL
        return
    element_size = 4 if element_type == _INT4 else 8
    head = {"dimensions": 1, "nulls": 0, "type": element_type, "length": length, "from": 1}
    for part, number in head.items():
        fields.append(("%s:%s" % (name, part), ">i4"))
        sizes["%s:%s" % (name, part)] = number
    for at in range(length):
        fields += [("%s_%d:size" % (element, at), ">i4"),
                   ("%s_%d" % (element, at), ">i%d" % element_size)]
        sizes["%s_%d:size" % (element, at)] = element_size
    sizes[name + ":size"] = _ARRAY_HEAD + length * (4 + element_size)
