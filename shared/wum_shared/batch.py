"""The batch: the archive's records of one span of sequence numbers, as columns.

Left out: sealing (cose.py) and where records come from. The head-end decodes the same layout
with NumPy; this file is the reference and what a concentrator runs. Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields
from wum_shared.columns import append_column, read_column
from wum_shared.errors import Malformed
from wum_shared.ids import INCARNATION_SIZE, SCHEMA_SIZE
from wum_shared.messages import (
    METERS_MAX,
    NOTE_MAX,
    REGISTER_SETS_MAX,
    REGISTERS_MAX,
    SEQUENCE_MAX,
    Schema,
    sequence_field,
    time_field,
    versioned,
)
from wum_shared.status import ABSENT

BATCH_BYTES_MAX = 256 * 1024   # Opened; a day of 64 meters x 12 registers is about 30 kB.
ROWS_MAX = 16384
RECORDS_MAX = 32768            # Rows, missed rows and events of one batch together.
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


class Missed(namedtuple("Missed", (
        "sequence", "meter", "register_set", "captured_at_s", "time_quality", "outcome",
        "note"))):
    """A row that a meter did not give, and why: `outcome` is one of status.OUTCOMES."""

    __slots__ = ()
    sequence: int
    meter: int
    register_set: int
    captured_at_s: int
    time_quality: int
    outcome: int
    note: str


class Event(namedtuple("Event", ("sequence", "at_s", "time_quality", "kind", "meter", "note"))):
    """Something that happened on the concentrator; `meter` is an index or None."""

    __slots__ = ()
    sequence: int
    at_s: int
    time_quality: int
    kind: int
    meter: int | None
    note: str


class Lost(namedtuple("Lost", ("first_sequence", "last_sequence", "reason", "note"))):
    """Sequence numbers whose records are gone, and why: `reason` is one of status.LOST."""

    __slots__ = ()
    first_sequence: int
    last_sequence: int
    reason: int
    note: str


class Batch(namedtuple("Batch", (
        "incarnation", "first_sequence", "last_sequence", "schema_id", "rows", "missed",
        "events", "lost"))):
    """Every sequence number from first to last is in exactly one of the four lists."""

    __slots__ = ()
    incarnation: bytes
    first_sequence: int
    last_sequence: int
    schema_id: bytes
    rows: tuple[Row, ...]
    missed: tuple[Missed, ...]
    events: tuple[Event, ...]
    lost: tuple[Lost, ...]


def encode_batch(batch: Batch) -> bytes:
    """CBOR of a batch. The same records always give the same bytes."""
    rows = sorted(batch.rows, key=_place)  # No ties: a sequence number stands once.
    base_s = min([row.captured_at_s for row in rows]) if rows else 0
    columns = bytearray()
    groups: list[list[int]] = []
    start = 0
    while start < len(rows):
        end = _group_end(rows, start)
        group = rows[start:end]
        groups.append([group[0].register_set, group[0].time_quality, len(group)])
        _append_group(columns, group, batch.first_sequence, base_s)
        start = end
    return cbor.encode([
        fields.VERSION, batch.incarnation, batch.first_sequence, batch.last_sequence,
        batch.schema_id, base_s, groups, bytes(columns), _flags(rows),
        [list(m) for m in batch.missed], [list(e) for e in batch.events],
        [list(x) for x in batch.lost],
    ])


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
    for place in range(len(group[0].values)):
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


def decode_batch(data: bytes, schema: Schema) -> Batch:
    """The batch in `data`, read by the schema that it names. Rows come by group, meter, sequence.

    Raises Malformed, Unsupported. The caller has looked the schema up with `peek_batch`.
    """
    parts = versioned(data, 12, "batch", BATCH_BYTES_MAX)
    first = sequence_field(parts[2], "batch first-sequence")
    last = fields.number(parts[3], first, SEQUENCE_MAX, "batch last-sequence")
    rows = _rows(parts, first, schema)
    batch = Batch(
        fields.octets(parts[1], INCARNATION_SIZE, "batch incarnation"), first, last,
        fields.octets(parts[4], SCHEMA_SIZE, "batch schema"),
        rows,
        tuple([missed_field(m) for m in fields.items(parts[9], RECORDS_MAX, "batch missed")]),
        tuple([event_field(e) for e in fields.items(parts[10], RECORDS_MAX, "batch events")]),
        tuple([lost_field(x) for x in fields.items(parts[11], RECORDS_MAX, "batch lost")]),
    )
    _check_accounted(batch)
    return batch


def peek_batch(data: bytes) -> tuple[bytes, int, int, bytes]:
    """(incarnation, first sequence, last sequence, schema id) of an opened batch.

    Raises Malformed, Unsupported.
    """
    parts = versioned(data, 12, "batch", BATCH_BYTES_MAX)
    first = sequence_field(parts[2], "batch first-sequence")
    return (
        fields.octets(parts[1], INCARNATION_SIZE, "batch incarnation"), first,
        fields.number(parts[3], first, SEQUENCE_MAX, "batch last-sequence"),
        fields.octets(parts[4], SCHEMA_SIZE, "batch schema"),
    )


def _rows(parts: list[object], first: int, schema: Schema) -> tuple[Row, ...]:
    base_s = time_field(parts[5], "batch base-time")
    columns = parts[7]
    if type(columns) is not bytes:
        raise Malformed("batch columns: wanted bytes, got %s" % fields.shown(columns))
    rows: list[Row] = []
    at = 0
    for value in fields.items(parts[6], REGISTER_SETS_MAX * 3, "batch groups"):
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
    return _with_flags(rows, fields.items(parts[8], ROWS_MAX * REGISTERS_MAX, "batch flags"))


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


def missed_field(value: object) -> Missed:
    """A decoded missed row as its record. Raises Malformed."""
    parts = fields.record(value, 7, "missed")
    return Missed(
        sequence_field(parts[0], "missed sequence"),
        fields.number(parts[1], 0, METERS_MAX - 1, "missed meter"),
        fields.number(parts[2], 0, REGISTER_SETS_MAX - 1, "missed register-set"),
        time_field(parts[3], "missed captured-at"),
        fields.number(parts[4], 0, 2, "missed time-quality"),
        fields.number(parts[5], 1, 255, "missed outcome"),
        fields.text(parts[6], NOTE_MAX, "missed note"),
    )


def event_field(value: object) -> Event:
    """A decoded event as its record. Raises Malformed."""
    parts = fields.record(value, 6, "event")
    meter = parts[4]
    return Event(
        sequence_field(parts[0], "event sequence"),
        time_field(parts[1], "event at"),
        fields.number(parts[2], 0, 2, "event time-quality"),
        fields.number(parts[3], 1, 255, "event kind"),
        None if meter is None else fields.number(meter, 0, METERS_MAX - 1, "event meter"),
        fields.text(parts[5], NOTE_MAX, "event note"),
    )


def lost_field(value: object) -> Lost:
    """A decoded lost range as its record. Raises Malformed."""
    parts = fields.record(value, 4, "lost")
    first = sequence_field(parts[0], "lost first-sequence")
    return Lost(
        first, fields.number(parts[1], first, SEQUENCE_MAX, "lost last-sequence"),
        fields.number(parts[2], 1, 255, "lost reason"),
        fields.text(parts[3], NOTE_MAX, "lost note"),
    )


def _check_accounted(batch: Batch) -> None:
    """Every sequence number of the span stands exactly once: a gap cannot hide in a batch."""
    spans = [(r.sequence, r.sequence) for r in batch.rows]
    spans += [(m.sequence, m.sequence) for m in batch.missed]
    spans += [(e.sequence, e.sequence) for e in batch.events]
    spans += [(x.first_sequence, x.last_sequence) for x in batch.lost]
    expected = batch.first_sequence
    for first, last in sorted(spans):
        if first != expected:
            raise Malformed("batch: sequence %d is not accounted for, or twice" % min(
                first, expected))
        expected = last + 1
    if expected != batch.last_sequence + 1:
        raise Malformed("batch: the records end at %d, wanted %d" % (
            expected - 1, batch.last_sequence))
