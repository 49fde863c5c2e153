"""Batches of others that a gateway has handed to its broker, until the head-end answers them.

A broker confirms what it then loses, when it or the head-end restarts; who sent the batch is
minutes of airtime away, and waits for long before it sends it once more. So the gateway hands it
over again, as its own delivery does. Nothing is opened: an answer does not tell which batch it is
of, and counts for the oldest. Where that is wrong a batch is handed over twice, or its origin sends
it again from its archive: nothing depends on what stands here. Left out: the queue (carriage.py).
"""

from wum_edge.uplink.broker import Broker

KEPT_MAX = 128               # Of all origins.
KEPT_BYTES_MAX = 256 * 1024
OF_ONE_MAX = 4               # Delivery has as many under way (uplink/lanes.py).
TRIES_MAX = 6                # What the head-end sets aside as not genuine is never answered.


class Batch:
    """One that went out and was not answered."""

    __slots__ = ("concentrator", "due_ms", "name", "sealed", "tries")

    def __init__(self, concentrator: bytes, name: str, sealed: bytes, now_ms: int) -> None:
        self.concentrator, self.name, self.sealed = concentrator, name, sealed
        self.tries, self.due_ms = 1, now_ms + Broker.answer_ms

    def went_out_again(self, now_ms: int) -> None:
        self.due_ms = now_ms + min(Broker.answer_ms << self.tries, Broker.answer_max_ms)
        self.tries += 1


class Unanswered:
    """Those of all origins, the oldest first."""

    def __init__(self) -> None:
        self._kept: list[Batch] = []
        self._bytes = 0
        self._is_alive = True            # An answer has come since anything was last due.
        self._probe_ms = 0

    @property
    def size(self) -> int:
        return len(self._kept)

    def add(self, concentrator: bytes, name: str, sealed: bytes, now_ms: int) -> None:
        """It went out for the first time. The oldest makes room."""
        of_it = [one for one in self._kept if one.concentrator == concentrator]
        if len(of_it) >= OF_ONE_MAX:
            self._drop(of_it[0])
        self._kept.append(Batch(concentrator, name, sealed, now_ms))
        self._bytes += len(sealed)
        while len(self._kept) > KEPT_MAX or self._bytes > KEPT_BYTES_MAX:
            self._drop(self._kept[0])

    def answered(self, concentrator: bytes) -> None:
        """The head-end has said something to it."""
        self._is_alive = True
        for one in self._kept:
            if one.concentrator == concentrator:
                self._drop(one)
                return

    def session_began(self, now_ms: int) -> None:
        """What the connection before had in hand may be lost."""
        self._is_alive = True
        for one in self._kept:
            one.due_ms = min(one.due_ms, now_ms + Broker.reconnect_ms)

    def due(self, now_ms: int) -> list[Batch]:
        """What is to go out once more; while nothing at all is answered one alone, as a probe."""
        found = [one for one in self._kept if one.due_ms <= now_ms]
        if not found or (not self._is_alive and now_ms < self._probe_ms):
            return []
        if not self._is_alive:
            found = found[:1]
        self._is_alive = False
        self._probe_ms = now_ms + Broker.answer_ms
        return found

    def again(self, one: Batch, now_ms: int) -> None:
        """It went out once more."""
        one.went_out_again(now_ms)
        if one.tries >= TRIES_MAX:
            self._drop(one)

    def forget(self, concentrator: bytes) -> None:
        for one in [one for one in self._kept if one.concentrator == concentrator]:
            self._drop(one)

    def _drop(self, one: Batch) -> None:
        self._kept.remove(one)
        self._bytes -= len(one.sealed)
