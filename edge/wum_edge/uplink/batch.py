"""Archive records as one opened batch. Left out: sealing and sending (delivery.py).

Everything the archive has from a number on goes into the batch: rows, missed rows, events, and
what is lost, so that the head-end sees every number accounted for.
"""

from collections import namedtuple

from wum_edge.archive.reader import Limits, Span
from wum_edge.archive.ring import Archive
from wum_shared.batch import Batch, Lost, encode_batch
from wum_shared.ids import batch_digest
from wum_shared.messages import SEQUENCE_MAX

# One batch: at most so many records, and so many bytes of them on flash. A value takes at most
# 1.5 times its bytes on flash, a row's own fields and flags at most 3 times: far from the 256 kB
# that the contract allows.
RECORDS_MAX = 1024
ARCHIVE_BYTES_MAX = 64 * 1024


class Built(namedtuple("Built", (
        "first_sequence", "last_sequence", "schema_id", "opened", "digest"))):
    """An opened batch and what its acknowledgement must repeat."""

    __slots__ = ()
    first_sequence: int
    last_sequence: int
    schema_id: bytes
    opened: bytes
    digest: bytes


def build_next(archive: Archive, first: int) -> Built | None:
    """The batch that begins with record `first`; None when there is no such record."""
    return _built(archive, archive.read(
        first, Limits(SEQUENCE_MAX, RECORDS_MAX, ARCHIVE_BYTES_MAX)))


def build_again(archive: Archive, first: int, last: int) -> Built | None:
    """The batch of records first..last once more.

    The same bytes as before, unless records have been lost since.
    """
    return _built(archive, archive.read(first, Limits(last, last - first + 1, 1 << 30)))


def build_lost(archive: Archive, first: int, last: int, schema_id: bytes, reason: int) -> Built:
    """A batch that says of records first..last only that they are lost, and why."""
    return _built_of(archive, Span(
        schema_id, first, last, (), (), (), (Lost(first, last, reason, ""),)))


def _built(archive: Archive, span: Span | None) -> Built | None:
    return None if span is None else _built_of(archive, span)


def _built_of(archive: Archive, span: Span) -> Built:
    opened = encode_batch(Batch(
        archive.incarnation, span.first_sequence, span.last_sequence, span.schema_id,
        span.rows, span.missed, span.events, span.lost))
    return Built(span.first_sequence, span.last_sequence, span.schema_id, opened,
                 batch_digest(opened))
