"""An opened batch as columns: bytes in, arrays out. What wum_shared.batch.decode_batch refuses is
refused here, and what it accepts comes out equal; no Python loop touches a reading.

Left out: seals, the registry, time limits (accept.py).
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from wum_cloud.ingest.bases.heads import Heads
from wum_cloud.ingest.columns import Numbers, read_tables
from wum_cloud.ingest.envelope import batch_fields
from wum_cloud.ingest.packed import Table, read_rows
from wum_cloud.ingest.runs import steps
from wum_shared import fields
from wum_shared.batch import (
    ROWS_MAX,
    Event,
    Lost,
    Missed,
    base_of,
    check_places,
    heading_fields,
    others_of,
    read_single,
    records_of,
)
from wum_shared.errors import Malformed
from wum_shared.messages import (
    METERS_MAX,
    REGISTERS_MAX,
    SEQUENCE_MAX,
    TIME_MAX_S,
    Schema,
    time_field,
)
from wum_shared.rows import GROUPS_MAX
from wum_shared.status import ABSENT

_LEADING = 3            # Columns before the registers: meter, sequence, captured-at.
_STATUS_MAX = 65535

Statuses = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Heading:
    """What a batch says of itself before its records are read."""

    incarnation: bytes
    first_sequence: int
    last_sequence: int
    schema_id: bytes


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one register set and one time quality: one array a column, one entry a row.

    `values` is registers x rows. `statuses` is rows x registers, or None where all are 0; a
    value whose status says ABSENT means nothing.
    """

    register_set: int
    time_quality: int
    meter: Numbers
    sequence: Numbers
    captured_at_s: Numbers
    values: Numbers
    statuses: Statuses | None

    def __len__(self) -> int:
        return len(self.meter)

    def where(self, keep: NDArray[np.bool_]) -> "Group":
        """The rows for which `keep` is true."""
        statuses = None if self.statuses is None else self.statuses[keep]
        return Group(
            self.register_set, self.time_quality, self.meter[keep], self.sequence[keep],
            self.captured_at_s[keep], self.values[:, keep], statuses)


@dataclass(frozen=True, slots=True)
class Opened:
    """Every record of one batch."""

    heading: Heading
    groups: tuple[Group, ...]
    missed: tuple[Missed, ...]
    events: tuple[Event, ...]
    lost: tuple[Lost, ...]


def heading_of(parts: list[object]) -> Heading:
    """What `parts` (envelope.batch_fields) say of the batch. Raises Malformed."""
    return Heading(*heading_fields(parts))


def read_batch(data: bytes, schema: Schema, heads: Heads | None = None) -> Opened:
    """The batch in `data`, read by the schema that it names; a delta by the heads of its base.

    Raises Malformed, Unsupported.
    """
    return read_records(batch_fields(data), schema, heads)


def read_records(parts: list[object], schema: Schema, heads: Heads | None = None) -> Opened:
    """As read_batch, from fields that were decoded before. Raises Malformed."""
    heading = heading_of(parts)
    base_s = time_field(parts[5], "batch base-time")
    if type(parts[7]) is not bytes:
        raise Malformed("batch columns: wanted bytes, got %s" % fields.shown(parts[7]))
    version = 1 if parts[0] else 0
    if version and (base_of(version, parts) is None) != (heads is None):
        raise Malformed("batch: a delta without its base, or a base for a full batch")
    others = records_of(others_of(version, parts))
    if version and type(parts[6]) is int:
        groups = _single(parts, heading, others, schema)
    elif version:
        groups = _groups(parts, parts[7], base_s, heading.first_sequence, schema, heads)
    else:
        groups = _groups_0(parts, parts[7], base_s, heading.first_sequence, schema)
    opened = Opened(heading, groups, *others)
    _check_accounted(opened)
    check_places(opened.missed, opened.events, schema)
    _check_order(opened, base_s)
    for group in opened.groups:
        _check_group(group, schema)
        if not parts[0]:
            _check_absent(group)
    return opened


def _single(
        parts: list[object], heading: Heading,
        others: tuple[tuple[Missed, ...], tuple[Event, ...], tuple[Lost, ...]], schema: Schema,
) -> tuple[Group, ...]:
    """As the contract's own code reads it, bit by bit: there are a few hundred readings, and arrays
    that small are no faster.
    """
    meter, sequences, told = read_single(
        parts, heading.first_sequence, heading.last_sequence, others, schema)
    statuses = np.array(told.statuses, np.int32)
    values = np.array([[value or 0 for value in row] for row in told.values], np.int64)
    return (Group(
        told.register_set, told.time_quality, np.full(len(sequences), meter, np.int64),
        np.array(sequences, np.int64), np.array(told.captured_at_s, np.int64), values.T,
        statuses if statuses.any() else None),)


def _groups(
        parts: list[object], columns: bytes, base_s: int, first: int, schema: Schema,
        heads: Heads | None,
) -> tuple[Group, ...]:
    tables, places, flags = read_rows(parts[6], columns, first, schema, heads)
    start = 0
    groups = []
    for table in tables:
        size = table.values[1:].size
        here = slice(*np.searchsorted(places, [start, start + size]))
        groups.append(_group_of(table, places[here] - start, flags[here], first, base_s))
        start += size
    return tuple(groups)


def _group_of(
        table: Table, places: Numbers, flags: Numbers, first: int, base_s: int) -> Group:
    captured_at_s = table.values[0] + base_s
    _check_range(captured_at_s, 0, TIME_MAX_S, "row captured-at")
    statuses = None
    if len(places):
        statuses = np.zeros(table.values[1:].T.shape, np.int32)
        statuses.reshape(-1)[places] = flags
    heading = table.heading
    return Group(heading.register_set, heading.time_quality, table.meter, table.sequence + first,
                 captured_at_s, table.values[1:], statuses)


def _groups_0(
        parts: list[object], columns: bytes, base_s: int, first: int, schema: Schema,
) -> tuple[Group, ...]:
    """As version 0 wrote them: differences in LEB128, flags in CBOR."""
    heads = []
    rows = 0
    for value in fields.items(parts[6], GROUPS_MAX, "batch groups"):
        parts_ = fields.record(value, 3, "group")
        index = fields.number(parts_[0], 0, len(schema.register_sets) - 1, "group register-set")
        quality = fields.number(parts_[1], 0, 2, "group time-quality")
        count = fields.number(parts_[2], 1, ROWS_MAX - rows, "group rows")
        rows += count
        heads.append((index, quality, count))
    widths = [len(schema.register_sets[index].registers) for index, _, _ in heads]
    tables = read_tables(
        columns, [(_LEADING + w, n) for w, (_, _, n) in zip(widths, heads, strict=True)])
    statuses = _statuses(
        fields.items(parts[8], ROWS_MAX * REGISTERS_MAX, "batch flags"),
        [(n, w) for w, (_, _, n) in zip(widths, heads, strict=True)])
    return tuple([
        _group(index, quality, table, statuses_, first, base_s)
        for (index, quality, _), table, statuses_ in zip(heads, tables, statuses, strict=True)])


def _group(
        register_set: int, quality: int, table: Numbers, statuses: Statuses | None,
        first: int, base_s: int,
) -> Group:
    # First sequence and base time are far below 2**62, so these sums do not wrap.
    sequence = table[1] + first
    captured_at_s = table[2] + base_s
    _check_range(table[0], 0, METERS_MAX - 1, "row meter")
    _check_range(sequence, 1, SEQUENCE_MAX, "row sequence")
    _check_range(captured_at_s, 0, TIME_MAX_S, "row captured-at")
    return Group(
        register_set, quality, table[0], sequence, captured_at_s, table[_LEADING:], statuses)


def _check_range(numbers: Numbers, least: int, most: int, what: str) -> None:
    if numbers.min() < least or numbers.max() > most:
        raise Malformed("%s: wanted %d..%d, got %d..%d" % (
            what, least, most, numbers.min(), numbers.max()))


def _statuses(flags: list[object], shapes: list[tuple[int, int]]) -> list[Statuses | None]:
    """Status flags as one table (rows x registers) for each shape; None where all are 0."""
    tables: list[Statuses | None] = [None] * len(shapes)
    if not flags:
        return tables
    row, place, status = _flag_columns(flags)
    start = 0
    for at, (rows, width) in enumerate(shapes):
        here = slice(*np.searchsorted(row, [start, start + rows]))
        if here.stop > here.start:
            _check_range(place[here], 0, width - 1, "flag register")
            table = np.zeros((rows, width), np.int32)
            table[row[here] - start, place[here]] = status[here]
            tables[at] = table
        start += rows
    if row[-1] >= start:
        raise Malformed("flag row: wanted 0..%d, got %d" % (start - 1, row[-1]))
    return tables


def _flag_columns(flags: list[object]) -> tuple[Numbers, Numbers, Numbers]:
    """(row, register, status) of all flags, each a column, in strictly rising order."""
    triples = [flag for flag in flags if type(flag) is list]
    if len(triples) != len(flags) or set(map(len, triples)) != {3}:
        raise Malformed("flags: wanted lists of 3 fields")
    flat: list[int] = list(chain.from_iterable(triples))
    if set(map(type, flat)) != {int} or not 0 <= min(flat) <= max(flat) <= _STATUS_MAX:
        raise Malformed("flags: wanted numbers of 0..%d" % _STATUS_MAX)
    table = np.array(flat, np.int64).reshape(-1, 3)
    row, place, status = table[:, 0], table[:, 1], table[:, 2]
    if not status.all():
        raise Malformed("flag status: wanted 1..%d, got 0" % _STATUS_MAX)
    order = row * REGISTERS_MAX + place
    if place.max() >= REGISTERS_MAX or (np.diff(order) <= 0).any():
        raise Malformed("flags: out of order, or a register past %d" % (REGISTERS_MAX - 1))
    return row, place, status


def _check_accounted(opened: Opened) -> None:
    """Every sequence number of the span stands exactly once: a gap cannot hide in a batch."""
    single = [group.sequence for group in opened.groups]
    others = [m.sequence for m in opened.missed] + [e.sequence for e in opened.events]
    firsts = np.concatenate([
        *single, np.array(others, np.int64),
        np.array([x.first_sequence for x in opened.lost], np.int64)])
    lasts = np.concatenate([
        *single, np.array(others, np.int64),
        np.array([x.last_sequence for x in opened.lost], np.int64)])
    order = np.argsort(firsts)
    firsts, lasts = firsts[order], lasts[order]
    heading = opened.heading
    wanted = np.concatenate([[heading.first_sequence], lasts + 1])
    got = np.concatenate([firsts, [heading.last_sequence + 1]])
    wrong = np.flatnonzero(wanted != got)
    if len(wrong):
        raise Malformed("batch: sequence %d is not accounted for, or twice" % min(
            wanted[wrong[0]], got[wrong[0]]))


def _check_order(opened: Opened, base_s: int) -> None:
    """One batch has one encoding: groups and records stand in order, times from the first one."""
    pairs = [(group.register_set, group.time_quality) for group in opened.groups]
    if sorted(set(pairs)) != pairs:
        raise Malformed("batch groups: out of order, or one stands twice")
    for numbers in ([m.sequence for m in opened.missed], [e.sequence for e in opened.events],
                    [x.first_sequence for x in opened.lost]):
        if sorted(numbers) != numbers:
            raise Malformed("batch: missed rows, events or losses are out of order")
    first_s = min([int(group.captured_at_s.min()) for group in opened.groups], default=0)
    if base_s != first_s:
        raise Malformed("batch base-time: wanted %d, got %d" % (first_s, base_s))


def _check_group(group: Group, schema: Schema) -> None:
    """Rows stand by meter and sequence, of meters that have the set."""
    if group.meter.max() >= len(schema.meters):
        raise Malformed("row meter: wanted 0..%d, got %d" % (
            len(schema.meters) - 1, group.meter.max()))
    has_set = np.array([group.register_set in meter.register_sets for meter in schema.meters])
    if not has_set[group.meter].all():
        raise Malformed("row: a meter does not have register set %d" % group.register_set)
    next_meter, next_sequence = steps(group.meter), steps(group.sequence)
    if ((next_meter < 0) | ((next_meter == 0) & (next_sequence < 0))).any():
        raise Malformed("batch rows: out of order")


def _check_absent(group: Group) -> None:
    """In version 0 an absent value repeats the one before."""
    if group.statuses is not None:
        absent = (group.statuses & ABSENT).astype(np.bool_).T
        before = np.pad(group.values, ((0, 0), (1, 0)))[:, :-1]
        if (group.values[absent] != before[absent]).any():
            raise Malformed("batch columns: the number under an absent value is not the one before")
