"""The batch: the archive's records of one span of sequence numbers, as columns.

Version 1 is what is written; version 0 is read for ever. Left out: sealing (cose.py) and where
records come from. The head-end decodes the same layout with NumPy; this file is the reference and
what a concentrator runs. Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields, rows, rows1, single
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
_FIELDS_0 = 12                 # Version 0 tells its flags apart.
_FIELDS_1 = (8, 9, 11, 12)     # Three at the end where there are other records than rows, and one
                               # more in a delta.
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
        heads: dict[tuple[int, int], tuple[int, ...]] | None = None,
        schema: Schema | None = None) -> bytes:
    """CBOR of a batch in version 1. The same records always give the same bytes.

    With `base` and its `heads` (bases.py) a delta, which only who has them can read. With `schema`,
    the one that it names, a full batch of one meter takes fewer bytes (single.py).
    """
    assert (base is None) == (heads is None)
    others = _others(batch)
    parts: list[object] = [
        VERSION, batch.incarnation, batch.first_sequence,
        batch.last_sequence - batch.first_sequence, batch.schema_id]
    ordered = in_order(batch.rows, _sequence)
    if base is None and schema is not None and single.is_single(
            ordered, left_over(batch.first_sequence, batch.last_sequence, batch[5:]), schema):
        base_s, columns = single.encode_single(
            ordered, schema.register_sets[ordered[0].register_set].registers)
        parts += [base_s, ordered[0].meter, columns]
    else:
        parts += rows1.encode_rows(batch.rows, batch.first_sequence, heads)
    if any(others):
        parts += others
    return cbor.encode(parts + ([] if base is None else [list(base)]))


def left_over(
        first: int, last: int,
        others: "tuple[tuple[Missed, ...], tuple[Event, ...], tuple[Lost, ...]]",
) -> list[int] | None:
    """Sequence numbers of first..last that no other record than a row has; None where two records
    have one, or more are left than a single meter may have.
    """
    missed, events, lost = others
    spans = [(record.sequence, record.sequence) for record in missed]
    spans += [(event.sequence, event.sequence) for event in events]
    spans += [(x.first_sequence, x.last_sequence) for x in lost]
    free: list[int] = []
    at = first
    for start, end in in_order(spans, _sequence) + [(last + 1, last + 1)]:
        if start < at or len(free) + start - at > single.ROWS_MAX:
            return None
        free += [at + n for n in range(start - at)]    # A board counts no range past 2**31.
        at = end + 1
    return free


def encode_batch_0(batch: Batch) -> bytes:
    """CBOR of a batch in version 0, as concentrators wrote it before there was version 1."""
    base_s, groups, columns, flags = rows.encode_rows(batch.rows, batch.first_sequence)
    heading = [0, batch.incarnation, batch.first_sequence, batch.last_sequence, batch.schema_id]
    return cbor.encode(heading + [base_s, groups, columns, flags] + _others(batch))


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
    others = others_of(version, parts)
    known = records_of(others)
    if version:
        if (base_of(version, parts) is None) != (heads is None):
            raise Malformed("batch: a delta without its base, or a base for a full batch")
        if type(parts[6]) is int:
            read = _single_rows(parts, first, last, known, schema)
        else:
            read = rows1.decode_rows(parts[5], parts[6], parts[7], first, schema, heads)
    else:
        read = rows.decode_rows(parts[5], parts[6], parts[7], parts[8], first, schema)
    batch = Batch(*((incarnation, first, last, schema_id, read) + known))
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


def _single_rows(
        parts: list[object], first: int, last: int,
        others: tuple[tuple[Missed, ...], tuple[Event, ...], tuple[Lost, ...]], schema: Schema,
) -> tuple[Row, ...]:
    meter, sequences, told = read_single(parts, first, last, others, schema)
    return tuple([
        Row(sequence, meter, told.register_set, told.captured_at_s[at], told.time_quality,
            tuple(told.values[at]), tuple(told.statuses[at]))
        for at, sequence in enumerate(sequences)])


def read_single(
        parts: list[object], first: int, last: int,
        others: tuple[tuple[Missed, ...], tuple[Event, ...], tuple[Lost, ...]], schema: Schema,
) -> tuple[int, list[int], single.Told]:
    """(meter, sequence numbers, what the stream says) of a batch of one meter. Raises Malformed."""
    meter = fields.number(parts[6], 0, METERS_MAX - 1, "row meter")
    if len(parts) in (9, 12):
        raise Malformed("batch: a delta is not of a single meter's form")
    sequences = left_over(first, last, others)
    if not sequences:
        raise Malformed("batch: the records are not accounted for, or leave none or too many "
                        "to a single meter")
    return meter, sequences, single.decode_single(parts[7], parts[5], len(sequences), schema)


def batch_fields(value: object) -> tuple[int, list[object]]:
    """(version, fields) of a decoded batch. Raises Malformed, Unsupported.

    The version is looked at before the number of fields: another version may have more.
    """
    if type(value) is not list or not value:
        raise Malformed("batch: wanted a list, got %s" % fields.shown(value))
    version = fields.number(value[0], 0, 2**32 - 1, "batch version")
    if not version:
        return 0, fields.record(value, _FIELDS_0, "batch")
    if version != VERSION:
        raise Unsupported("batch: version %d, this side reads 0..%d" % (version, VERSION))
    if len(value) not in _FIELDS_1:
        raise Malformed("batch: wanted a list of 8, 9, 11 or 12 fields, got %d" % len(value))
    if len(value) in (9, 12):
        base_field(value[-1])
    return version, value


def others_of(version: int, parts: list[object]) -> list[object]:
    """Missed rows, events and losses among the fields of `batch_fields`. Raises Malformed."""
    if not version:
        return parts[9:12]
    others = parts[8:11] if len(parts) > 9 else [[], [], []]
    if len(parts) > 9 and others == [[], [], []]:
        raise Malformed("batch: three empty lists, which are left out")
    return others


def records_of(
        others: list[object],
) -> tuple[tuple[Missed, ...], tuple[Event, ...], tuple[Lost, ...]]:
    """The records in these three fields. Raises Malformed."""
    return (
        tuple([missed_field(m) for m in fields.items(others[0], RECORDS_MAX, "batch missed")]),
        tuple([event_field(e) for e in fields.items(others[1], RECORDS_MAX, "batch events")]),
        tuple([lost_field(x) for x in fields.items(others[2], RECORDS_MAX, "batch lost")]))


def base_of(version: int, parts: list[object]) -> Base | None:
    """The base that these fields name; None for a full batch. Raises Malformed."""
    return base_field(parts[-1]) if version and len(parts) in (9, 12) else None


def heading_fields(parts: list[object]) -> tuple[bytes, int, int, bytes]:
    """(incarnation, first sequence, last sequence, schema id); version 0 tells the last itself,
    every later one how far it is from the first. Raises Malformed.
    """
    first = sequence_field(parts[2], "batch first-sequence")
    if parts[0] == 0:
        last = fields.number(parts[3], first, SEQUENCE_MAX, "batch last-sequence")
    else:
        last = first + fields.number(parts[3], 0, SEQUENCE_MAX - first, "batch records")
    return (
        fields.octets(parts[1], INCARNATION_SIZE, "batch incarnation"), first, last,
        fields.octets(parts[4], SCHEMA_SIZE, "batch schema"))


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
