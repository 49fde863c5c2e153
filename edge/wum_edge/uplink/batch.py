"""Archive records as one opened batch. Left out: sealing and sending (delivery.py).

Everything the archive has from a number on goes into the batch: rows, missed rows, events, and
what is lost, so that the head-end sees every number accounted for.
"""

from collections import namedtuple

from wum_edge.archive.reader import Limits, Span
from wum_edge.archive.ring import Archive
from wum_edge.uplink.basis import Basis
from wum_shared.bases import Base
from wum_shared.batch import Batch, Lost, encode_batch
from wum_shared.ids import batch_digest
from wum_shared.messages import SEQUENCE_MAX, Schema, decode_schema

# One batch: at most so many records, and so many bytes of them on flash. A value takes at most
# 1.5 times its bytes on flash, a row's own fields and flags at most 3 times: far from the 256 kB
# that the contract allows.
RECORDS_MAX = 1024
ARCHIVE_BYTES_MAX = 64 * 1024
# A batch of one meter is told with its schema at hand. One of a few meters takes less than this;
# where there are many, a batch of one is rare and not worth reading theirs.
SCHEMA_BYTES_READ_MAX = 4096


class Built(namedtuple("Built", (
        "first_sequence", "last_sequence", "schema_id", "opened", "digest"))):
    """An opened batch and what its acknowledgement must repeat."""

    __slots__ = ()
    first_sequence: int
    last_sequence: int
    schema_id: bytes
    opened: bytes
    digest: bytes


def build_next(
        archive: Archive, first: int, basis: Basis, now_ms: int,
        archive_bytes: int = ARCHIVE_BYTES_MAX) -> Built | None:
    """The batch that begins with record `first`; None when there is no such record.

    A delta where there is something to build on. `basis` learns of it.
    """
    span = archive.read(first, Limits(SEQUENCE_MAX, RECORDS_MAX, archive_bytes))
    return None if span is None else _based(archive, span, basis, now_ms)


def build_again(
        archive: Archive, first: int, last: int, basis: Basis | None, now_ms: int,
) -> Built | None:
    """The batch of records first..last once more, in full: whatever went wrong, it needs no base.

    `basis` learns of it; None where nothing is to build on it.
    """
    span = archive.read(first, Limits(last, last - first + 1, 1 << 30), again=basis is None)
    if span is None:
        return None
    built = _built_of(archive, span)
    if basis is not None:
        basis.built(Base(last, built.digest), span.schema_id, span.rows, None, now_ms)
    return built


def build_gap(
        archive: Archive, first: int, last: int, archive_bytes: int = ARCHIVE_BYTES_MAX,
) -> tuple[Built | None, tuple[Lost, ...]]:
    """A batch of records first.. up to `last`, in full, and what of them is lost.

    It stands beside the others: nothing builds on it. None: nothing can be read there.
    """
    span = archive.read(first, Limits(last, RECORDS_MAX, archive_bytes), again=True)
    return (None, ()) if span is None else (_built_of(archive, span), span.lost)


def build_lost(archive: Archive, first: int, last: int, schema_id: bytes, reason: int) -> Built:
    """A batch that says of records first..last only that they are lost, and why."""
    return _built_of(archive, Span(
        schema_id, first, last, (), (), (), (Lost(first, last, reason, ""),)))


def _based(archive: Archive, span: Span, basis: Basis, now_ms: int) -> Built:
    before = basis.usable(span.schema_id, now_ms) if span.rows else None
    if before is None:
        built = _built_of(archive, span)
    else:
        built = _built_of(archive, span, before.base, before.values)
    basis.built(
        Base(span.last_sequence, built.digest), span.schema_id, span.rows, before, now_ms)
    return built


def _built_of(
        archive: Archive, span: Span, base: Base | None = None,
        heads: dict[tuple[int, int], tuple[int, ...]] | None = None) -> Built:
    opened = encode_batch(Batch(
        archive.incarnation, span.first_sequence, span.last_sequence, span.schema_id,
        span.rows, span.missed, span.events, span.lost), base, heads,
        _schema_of_one_meter(archive, span) if base is None else None)
    return Built(span.first_sequence, span.last_sequence, span.schema_id, opened,
                 batch_digest(opened))


def _schema_of_one_meter(archive: Archive, span: Span) -> Schema | None:
    """What a batch of one meter needs to take fewer bytes; None where there are more meters."""
    for row in span.rows:
        if row.meter != span.rows[0].meter:
            return None
    encoded = archive.schema(span.schema_id) if span.rows else None
    if encoded is None or len(encoded) > SCHEMA_BYTES_READ_MAX:
        return None
    return decode_schema(encoded)
