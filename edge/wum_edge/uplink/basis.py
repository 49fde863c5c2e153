"""The batch that the next one may build on: the last acknowledged as stored, in RAM alone.

After a restart, under another schema, once a day and whenever the head-end does not know the base,
a batch goes out in full. Left out: how a delta is written (wum_shared/bases.py).
"""

from collections import namedtuple

from wum_shared.bases import HEADS_MAX, Base, heads_after, heads_size
from wum_shared.rows import Row

CHAIN_MS = 23 * 3600000 + 1800000   # Then a full batch: of 24 hourly ones at least one is full.


class Heads(namedtuple("Heads", ("base", "schema_id", "values", "full_at_ms"))):
    """A batch with the values it leaves behind; `full_at_ms`: when its chain began in full."""

    __slots__ = ()
    base: Base
    schema_id: bytes
    values: dict[tuple[int, int], tuple[int, ...]]
    full_at_ms: int


class Basis:
    """Holds two batches at most: the acknowledged one, and the newest that was sent."""

    def __init__(self) -> None:
        self._stored: Heads | None = None
        self._sent: Heads | None = None

    def usable(self, schema_id: bytes, now_ms: int) -> Heads | None:
        """What a batch of this schema may build on now."""
        stored = self._stored
        if stored is None or stored.schema_id != schema_id or (
                now_ms - stored.full_at_ms >= CHAIN_MS):
            return None
        return stored

    def built(
            self, base: Base, schema_id: bytes, rows: tuple[Row, ...], before: Heads | None,
            now_ms: int) -> None:
        """Note the batch just built on `before`. One without rows leaves nothing to build on."""
        if not rows:
            return
        values = heads_after(before.values if before else None, rows)
        if heads_size(values) <= HEADS_MAX:
            self._sent = Heads(base, schema_id, values, before.full_at_ms if before else now_ms)

    def stored(self, digest: bytes) -> None:
        """The head-end stored this batch. An older one than the newest is not built on."""
        if self._sent is not None and self._sent.base.digest == digest:
            self._stored, self._sent = self._sent, None

    def unknown(self) -> None:
        """The head-end does not have a base that was named: begin anew."""
        self._stored = self._sent = None
