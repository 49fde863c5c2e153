"""Rows as PostgreSQL's binary COPY format, made from arrays: no object per row or reading.

Left out: the database (store.py). A row is a fixed run of bytes, all rows of a group side by side
in one array; where values are absent, their bytes are taken out in one go.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from wum_cloud.ingest.columns import Numbers
from wum_cloud.ingest.opened import Group
from wum_cloud.registry.quantities import COLUMNS
from wum_cloud.registry.schemas.layout import Layout
from wum_shared.status import ABSENT

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

# Columns of the staging table before those of the registers, and their types in network order.
_KEY_COLUMNS = (
    ("source", ">i2"), ("sequence", ">i8"), ("meter_id", ">i8"), ("captured_at", ">i8"),
    ("profile", ">i2"), ("register_set_id", ">i4"), ("time_quality", ">i2"),
)
STAGED_COLUMNS = (*[name for name, _ in _KEY_COLUMNS], "statuses", *COLUMNS, "extra")

SOURCES_MAX = 32767             # `source` is a smallint: batches in one transaction.
_POSTGRES_EPOCH_S = 946684800   # 2000-01-01T00:00:00Z
_NULL = -1
_ARRAY_HEAD = 20                # Dimensions, flags, element type, length, lower bound: 4 each.
_INT4, _INT8 = 23, 20           # Element types.

_Records = NDArray[np.void]


def staged_rows(
        group: Group, *, source: int, meter_ids: Numbers, register_set_id: int, layout: Layout,
) -> Iterator[bytes]:
    """The rows of `group` for COPY, in pieces, without header and trailer.

    `source` tells batches of one transaction apart. `meter_ids` are numbers of the database, by
    index of the schema.
    """
    flagged = np.zeros(len(group), np.bool_)
    if group.statuses is not None:
        flagged = np.any(group.statuses, axis=1)
    if not flagged.any():
        yield _plain(group, source, meter_ids, register_set_id, layout).tobytes()
        return
    if not flagged.all():
        plain = group.where(~flagged)
        yield _plain(plain, source, meter_ids, register_set_id, layout).tobytes()
    yield _with_statuses(group.where(flagged), source, meter_ids, register_set_id, layout)


def _plain(
        group: Group, source: int, meter_ids: Numbers, register_set_id: int, layout: Layout,
) -> _Records:
    """Rows without any status: every register has a value."""
    fixed, extras = _places(layout)
    records = _blank_records(len(group), fixed, len(extras), 0)
    _fill_keys(records, group, source, meter_ids, register_set_id, layout.profile)
    for column, place in fixed.items():
        records[column] = group.values[place]
    for at, place in enumerate(extras):
        records["extra_%d" % at] = group.values[place]
    return records


def _with_statuses(
        group: Group, source: int, meter_ids: Numbers, register_set_id: int, layout: Layout,
) -> bytes:
    statuses = group.statuses
    assert statuses is not None
    fixed, extras = _places(layout)
    records = _blank_records(len(group), fixed, len(extras), len(layout.registers))
    _fill_keys(records, group, source, meter_ids, register_set_id, layout.profile)
    for place in range(len(layout.registers)):
        records["status_%d" % place] = statuses[:, place]
    keep = np.ones((len(group), records.dtype.itemsize), np.bool_)
    absent = (statuses & ABSENT).astype(np.bool_)
    for column, place in fixed.items():
        _fill(records, keep, column, group.values[place], absent[:, place])
    for at, place in enumerate(extras):
        _fill(records, keep, "extra_%d" % at, group.values[place], absent[:, place])
    if extras:
        missing = absent[:, extras].sum(axis=1)
        records["extra:size"] = _ARRAY_HEAD + 12 * len(extras) - 8 * missing
        records["extra:nulls"] = missing > 0
    return records.view(np.uint8).reshape(len(group), -1)[keep].tobytes()


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


def _fill_keys(
        records: _Records, group: Group, source: int, meter_ids: Numbers, register_set_id: int,
        profile: int,
) -> None:
    assert 0 <= source <= SOURCES_MAX
    records["source"] = source
    records["sequence"] = group.sequence
    records["meter_id"] = meter_ids[group.meter]
    records["captured_at"] = (group.captured_at_s - _POSTGRES_EPOCH_S) * 1_000_000
    records["profile"] = profile
    records["register_set_id"] = register_set_id
    records["time_quality"] = group.time_quality


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
        rows: int, fixed: dict[str, int], extras: int, statuses: int) -> _Records:
    """Rows with every size in its place and every value 0."""
    fields: list[tuple[str, str]] = [("count", ">i2")]
    sizes: dict[str, int] = {"count": len(STAGED_COLUMNS)}
    for name, form in _KEY_COLUMNS:
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
