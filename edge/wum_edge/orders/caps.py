"""How many acts that take power from people a concentrator does in an hour, and how scattered.

The last line of defence: whoever has the head-end with all its keys can order no more than this.
Counted by a clock that nobody sets; after a start, what the journal has of the last hour counts.
"""

from wum_edge.orders.journal import BEGUN, Entry
from wum_shared.orders import DISCONNECT, DONE, LIMIT, SECONDARY, UNKNOWN

CAPPED_KINDS = (DISCONNECT, LIMIT, SECONDARY)
CAP_PER_HOUR = 10
DELAY_MS = 60_000             # A random moment up to here: a street does not go dark at once.
_HOUR_MS = 3_600_000


class Cap:
    """Counts what was begun."""

    def __init__(self, per_hour: int = CAP_PER_HOUR, delay_ms: int = DELAY_MS) -> None:
        self.per_hour = per_hour
        self.delay_ms = delay_ms
        self._begun_ms: list[int] = []

    def remember(self, entries: list[Entry], now_s: int, now_ms: int) -> None:
        """After a start: what may have happened within an hour, or at a time that cannot be."""
        for entry in entries:
            if entry.kind in CAPPED_KINDS and entry.state in (BEGUN, DONE, UNKNOWN) and (
                    entry.at_s > now_s - _HOUR_MS // 1000):
                self._begun_ms += [now_ms] * entry.weight

    def has_room(self, kind: int, weight: int, waiting: int, now_ms: int) -> bool:
        """Whether so many meters more may be switched, beside those that wait for their moment."""
        self._begun_ms = [at for at in self._begun_ms if now_ms - at < _HOUR_MS]
        return kind not in CAPPED_KINDS or (
            len(self._begun_ms) + waiting + weight <= self.per_hour)

    def begun(self, kind: int, weight: int, now_ms: int) -> None:
        """One was begun, on so many meters."""
        if kind in CAPPED_KINDS:
            self._begun_ms += [now_ms] * weight
