"""The batch: the archive's records of one span of sequence numbers, as columns.

Version 1 is what is written; version 0 is read for ever. Left out: sealing (cose.py) and where
records come from. The head-end decodes the same layout with NumPy; this file is the reference and
what a concentrator runs. Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields, rows, rows1
from wum_shared.bases import Base, base_field
from wum_shared.errors import Malformed, Unsupported
from wum_shared.ids import INCARNATION_SIZE, SCHEMA_SIZE
from wum_shared.messages import (
    METERS_MAX,
    REGISTER_SETS_MAX,
    SEQUENCE_MAX,
    Schema,
    note_field,
    sequence_field,
    time_field,
)
from wum_shared.order import in_order
from wum_shared.rows import ROWS_MAX as ROWS_MAX
from wum_shared.rows import Row as Row

BATCH_BYTES_MAX = 256 * 1024   # Opened; a day of 64 meters x 12 registers is about 30 kB.
VERSION = 1                    # Of the layout that is written.
FIELDS = {0: 12, 1: 11}        # Version: how many fields. Version 0 tells its flags apart.
BASE_AT = 11                   # In version 1 a delta has one more field, at the end.
RECORDS_MAX = 32768            # Missed rows, events or lost ranges; the bytes bound all of them.


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


def encode_batch(
        batch: Batch, base: Base | None = None,
        heads: dict[tuple[int, int], tuple[int, ...]] | None = None) -> bytes:
    """CBOR of a batch in version 1. The same records always give the same bytes.

    With `base` and its `heads` (bases.py) a delta, which only who has them can read.
    """
    assert (base is None) == (heads is None)
    base_s, groups, columns = rows1.encode_rows(batch.rows, batch.first_sequence, heads)
    named = [] if base is None else [list(base)]
    return cbor.encode(
        [VERSION] + _heading(batch) + [base_s, groups, columns] + _others(batch) + named)


def encode_batch_0(batch: Batch) -> bytes:
    """CBOR of a batch in version 0, as concentrators wrote it before there was version 1."""
    base_s, groups, columns, flags = rows.encode_rows(batch.rows, batch.first_sequence)
    return cbor.encode([0] + _heading(batch) + [base_s, groups, columns, flags] + _others(batch))


def _heading(batch: Batch) -> list[object]:
    return [batch.incarnation, batch.first_sequence, batch.last_sequence, batch.schema_id]


def _others(batch: Batch) -> list[object]:
    return [_by_sequence(batch.missed), _by_sequence(batch.events), _by_sequence(batch.lost)]


def _by_sequence(records: tuple[Missed | Event | Lost, ...]) -> list[list[object]]:
    return [list(record) for record in in_order(records, _sequence)]


def _sequence(record: tuple[int, ...]) -> int:
    return record[0]


def decode_batch(
        data: bytes, schema: Schema,
        heads: dict[tuple[int, int], tuple[int, ...]] | None = None) -> Batch:
    """The batch in `data`, read by the schema that it names. Rows come by group, meter, sequence.

    The caller has looked the schema up with `peek_batch`, and with `peek_base` the heads of the
    base that a delta names, from a batch of the same incarnation and schema. A batch of version 0
    has one encoding; in version 1 the writer chooses how a column is coded, and any choice is read.
    Raises Malformed, Unsupported.
    """
    version, parts = batch_fields(cbor.decode(data, most_bytes=BATCH_BYTES_MAX))
    incarnation, first, last, schema_id = heading_fields(parts)
    if version:
        if (base_of(version, parts) is None) != (heads is None):
            raise Malformed("batch: a delta without its base, or a base for a full batch")
        read = rows1.decode_rows(parts[5], parts[6], parts[7], first, schema, heads)
    else:
        read = rows.decode_rows(parts[5], parts[6], parts[7], parts[8], first, schema)
    others = others_of(version, parts)
    batch = Batch(
        incarnation, first, last, schema_id, read,
        tuple([missed_field(m) for m in fields.items(others[0], RECORDS_MAX, "batch missed")]),
        tuple([event_field(e) for e in fields.items(others[1], RECORDS_MAX, "batch events")]),
        tuple([lost_field(x) for x in fields.items(others[2], RECORDS_MAX, "batch lost")]),
    )
    _check_accounted(batch)
    for row in batch.rows:
        check_place(row.meter, row.register_set, schema, "row")
    check_places(batch.missed, batch.events, schema)
    if version and others != _others(batch):
        raise Malformed("batch: missed rows, events or losses are out of order")
    if not version and encode_batch_0(batch) != data:
        raise Malformed("batch: groups, rows or records out of order, another base time, or a "
                        "number under an absent value that does not repeat the one before")
    return batch


def batch_fields(value: object) -> tuple[int, list[object]]:
    """(version, fields) of a decoded batch. Raises Malformed, Unsupported.

    The version is looked at before the number of fields: another version may have more.
    """
    if type(value) is not list or not value:
        raise Malformed("batch: wanted a list, got %s" % fields.shown(value))
    version = fields.number(value[0], 0, 2**32 - 1, "batch version")
    if version not in FIELDS:
        raise Unsupported("batch: version %d, this side reads 0..%d" % (version, VERSION))
    if version and len(value) == BASE_AT + 1:
        base_field(value[BASE_AT])
        return version, value
    return version, fields.record(value, FIELDS[version], "batch")


def others_of(version: int, parts: list[object]) -> list[object]:
    """Missed rows, events and losses among the fields of `batch_fields`."""
    return parts[FIELDS[version] - 3:FIELDS[version]]


def base_of(version: int, parts: list[object]) -> Base | None:
    """The base that these fields name; None for a full batch. Raises Malformed."""
    return base_field(parts[BASE_AT]) if version and len(parts) > BASE_AT else None


def heading_fields(parts: list[object]) -> tuple[bytes, int, int, bytes]:
    """(incarnation, first sequence, last sequence, schema id); the same in every version.

    Raises Malformed.
    """
    first = sequence_field(parts[2], "batch first-sequence")
    return (
        fields.octets(parts[1], INCARNATION_SIZE, "batch incarnation"), first,
        fields.number(parts[3], first, SEQUENCE_MAX, "batch last-sequence"),
        fields.octets(parts[4], SCHEMA_SIZE, "batch schema"),
    )


def peek_batch(data: bytes) -> tuple[bytes, int, int, bytes]:
    """(incarnation, first sequence, last sequence, schema id) of an opened batch.

    Raises Malformed, Unsupported.
    """
    return heading_fields(batch_fields(cbor.decode(data, most_bytes=BATCH_BYTES_MAX))[1])


def peek_base(data: bytes) -> Base | None:
    """The base that an opened batch names; None for a full one. Raises Malformed, Unsupported."""
    version, parts = batch_fields(cbor.decode(data, most_bytes=BATCH_BYTES_MAX))
    return base_of(version, parts)


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
        note_field(parts[6], "missed note"),
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
        note_field(parts[5], "event note"),
    )


def lost_field(value: object) -> Lost:
    """A decoded lost range as its record. Raises Malformed."""
    parts = fields.record(value, 4, "lost")
    first = sequence_field(parts[0], "lost first-sequence")
    return Lost(
        first, fields.number(parts[1], first, SEQUENCE_MAX, "lost last-sequence"),
        fields.number(parts[2], 1, 255, "lost reason"),
        note_field(parts[3], "lost note"),
    )


def check_places(
        missed: tuple[Missed, ...], events: tuple[Event, ...], schema: Schema) -> None:
    """Refuse a missed row or an event of a meter that the schema lacks. Raises Malformed."""
    for record in missed:
        check_place(record.meter, record.register_set, schema, "missed")
    for event in events:
        if event.meter is not None:
            fields.number(event.meter, 0, len(schema.meters) - 1, "event meter")


def check_place(meter: int, register_set: int, schema: Schema, what: str) -> None:
    """Refuse a meter that is not in the schema, or a register set that is not that meter's.

    Raises Malformed.
    """
    fields.number(meter, 0, len(schema.meters) - 1, what + " meter")
    if register_set not in schema.meters[meter].register_sets:
        raise Malformed("%s: meter %d has no register set %d in the schema" % (
            what, meter, register_set))


def _check_accounted(batch: Batch) -> None:
    """Every sequence number of the span stands exactly once: a gap cannot hide in a batch."""
    spans = [(r.sequence, r.sequence) for r in batch.rows]
    spans += [(m.sequence, m.sequence) for m in batch.missed]
    spans += [(e.sequence, e.sequence) for e in batch.events]
    spans += [(x.first_sequence, x.last_sequence) for x in batch.lost]
    expected = batch.first_sequence
    for first, last in in_order(spans, _sequence):
        if first != expected:
            raise Malformed("batch: sequence %d is not accounted for, or twice" % min(
                first, expected))
        expected = last + 1
    if expected != batch.last_sequence + 1:
        raise Malformed("batch: the records end at %d, wanted %d" % (
            expected - 1, batch.last_sequence))
