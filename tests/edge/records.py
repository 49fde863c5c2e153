"""Records, schemas and archives for tests of archive, uplink and agent."""

from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import Archive, Stamp
from wum_shared.batch import Event, Missed, Row
from wum_shared.ids import schema_id
from wum_shared.messages import (
    Meter,
    Register,
    RegisterSet,
    Schedule,
    Schema,
    encode_schema,
)
from wum_shared.status import (
    ABSENT,
    EVENT_STARTED,
    LATE,
    REFUSED,
    SILENT,
    SYNCHRONISED,
)

CONCENTRATOR = b"concentr"
INCARNATION = b"first-ar"
OTHER_INCARNATION = b"other-ar"
START_S = 1760000000
STAMP = Stamp(START_S, SYNCHRONISED)
EVERYTHING = Limits(2**53, 1 << 20, 1 << 30)
SEGMENT_BYTES = 6 * 1024
LIMIT_BYTES = 48 * 1024


def schema_of(meters=4, registers=3, tenant="default"):
    """A schema of `meters` meters that share one register set."""
    columns = tuple([Register(bytes([1, 0, place, 8, 0, 255]), 0, 30)
                     for place in range(registers)])
    return Schema(
        tenant, CONCENTRATOR, START_S,
        tuple([Meter("M-%d" % i, "dp-M-%d" % i, "model", (0,), (0,)) for i in range(meters)]),
        (RegisterSet(0, columns),), (Schedule(900, 0),))


SCHEMA = encode_schema(schema_of())
SCHEMA_ID = schema_id(SCHEMA)


def row(number, meter=0, registers=3):
    """A row whose values are known from `number` alone, so that an invented one is noticed.

    They jump, so that no coding makes them small: a few rows fill a segment.
    """
    values = tuple([(number * 1000 + place) * 0x9E3779B97F4A7C15 % 2**60
                    for place in range(registers)])
    return Row(0, meter, 0, START_S + number, SYNCHRONISED, values, (0,) * registers)


def hole(number, meter=1):
    """A row with a value that is absent and one that came late."""
    return Row(0, meter, 0, START_S + number, SYNCHRONISED, (None, -number, 2**40 + number),
               (ABSENT | REFUSED, LATE, 0))


def missed(number, meter=2, note=None):
    """A row that a meter did not give."""
    return Missed(0, meter, 0, START_S + number, SYNCHRONISED, SILENT,
                  "no byte within %d ms" % number if note is None else note)


def event(number, note="agent started"):
    """Something that happened."""
    return Event(0, START_S + number, SYNCHRONISED, EVENT_STARTED, None, note)


def mixed(start, count):
    """`count` records of every kind, known from their numbers."""
    makers = (row, hole, missed, event)
    return [makers[number % 4](number) for number in range(start, start + count)]


def numbered(record, sequence):
    """The record as the archive gives it back."""
    return type(record)(*((sequence,) + tuple(record)[1:]))


def archive_on(flash, incarnation=INCARNATION, limit_bytes=LIMIT_BYTES):
    """An archive with small segments, and its schema kept."""
    archive = Archive(flash, limit_bytes, incarnation, segment_bytes=SEGMENT_BYTES)
    archive.keep_schema(SCHEMA)
    return archive


def read_all(archive, first=1, limits=EVERYTHING):
    """(records by number, lost ranges) of all spans from `first` on; each number stands once."""
    records, lost, expected = {}, [], first
    while expected < archive.next_sequence:
        span = archive.read(expected, limits)
        assert span is not None, "nothing to read at %d" % expected
        assert span.first_sequence == expected
        seen = []
        for record in span.rows + span.missed + span.events:
            records[record.sequence] = record
            seen.append((record.sequence, record.sequence))
        for gone in span.lost:
            lost.append(gone)
            seen.append((gone.first_sequence, gone.last_sequence))
        for start, end in sorted(seen):
            assert start == expected, "number %d is missing or twice" % expected
            expected = end + 1
        assert expected == span.last_sequence + 1
    return records, lost
