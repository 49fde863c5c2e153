"""What a delta batch builds on: the batch it names, and the last values that batch left behind.

Heads are the last value of every register of each (register set, meter), carried from base to base,
so that a row that was missed in between costs nothing. Left out: how they stand in columns
(rows1.py), and who keeps them (the gateway in RAM, the head-end in a table).
"""

from collections import namedtuple

from wum_shared import fields
from wum_shared.ids import DIGEST_SIZE
from wum_shared.messages import sequence_field
from wum_shared.order import in_order
from wum_shared.rows import Row

HEADS_MAX = 8192               # Values a base keeps: 64 meters x 128 registers. More: no base.


class Base(namedtuple("Base", ("last_sequence", "digest"))):
    """The batch that a delta names, of the same incarnation and schema."""

    __slots__ = ()
    last_sequence: int
    digest: bytes


def base_field(value: object) -> Base:
    """A decoded base as its record. Raises Malformed."""
    parts = fields.record(value, 2, "base")
    return Base(sequence_field(parts[0], "base last-sequence"),
                fields.octets(parts[1], DIGEST_SIZE, "base digest"))


def heads_after(
        heads: dict[tuple[int, int], tuple[int, ...]] | None, rows: tuple[Row, ...],
) -> dict[tuple[int, int], tuple[int, ...]]:
    """Heads of a batch with `rows` that was built on `heads`; None: a full one.

    An absent value leaves what stood there; 0 where nothing ever did.
    """
    after = dict(heads or {})
    for row in in_order(rows, _sequence):
        before = after.get((row.register_set, row.meter))
        after[row.register_set, row.meter] = tuple([
            (before[place] if before else 0) if value is None else value
            for place, value in enumerate(row.values)])
    return after


def heads_size(heads: dict[tuple[int, int], tuple[int, ...]]) -> int:
    """How many values these are; a base has at most HEADS_MAX."""
    return sum([len(values) for values in heads.values()])


def _sequence(row: Row) -> int:
    return row.sequence
