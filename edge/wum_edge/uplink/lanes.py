"""Which record goes next: what is new, what is behind, and what the head-end asked for again.

The link has WINDOW places for batches under way, and the three lanes share them by rule: of the
places that become free the first are for lanes that have something to send and nothing under way,
so none starves; of the rest live records take what they need before the others do; and as long as
no live batch is under way, a place is kept free for one. Within a lane the oldest go first. Left
out: sending (delivery.py).
"""

from wum_edge.uplink.flight import Flight

LIVE = 0                      # Archived since the connection began, or since it fell behind.
BEHIND = 1                    # Older, and not acknowledged yet.
ASKED = 2                     # Asked for by the head-end: acknowledged once, most of it.

WINDOW = 4                    # Batches in flight. One after a timeout, until an answer comes.
LIVE_MAX = 256                # More records than this behind the newest are no longer live.
DONE_MAX = 16                 # Ranges acknowledged before their turn; then the live lane waits.


class Lanes:
    """Batches in flight, and what is acknowledged ahead of the cursor. In RAM alone: after a
    restart it is sent once more.
    """

    def __init__(self, next_sequence: int) -> None:
        self.flights: list[Flight] = []
        self.live_next = next_sequence   # The first record that no live batch has taken.
        self._done: list[tuple[int, int]] = []

    def reconnected(self, next_sequence: int) -> None:
        """What piled up while there was no connection is behind, and the newest goes ahead of it.
        """
        if next_sequence - self.live_next > LIVE_MAX and len(self._done) < DONE_MAX:
            self.live_next = next_sequence

    def has_place(self, lane: int, *, is_behind: bool, is_asked: bool) -> bool:
        """Whether a batch of this lane may be added, and the others keep the place they are due."""
        under_way = [0, 0, 0]
        for flight in self.flights:
            under_way[flight.lane] += 1
        if lane == ASKED and under_way[ASKED]:
            return False
        wanting = (True, is_behind, is_asked)
        kept = len([other for other in (LIVE, BEHIND, ASKED)
                    if other != lane and wanting[other] and not under_way[other]])
        return WINDOW - len(self.flights) > kept

    def behind(self, cursor: int) -> tuple[int, int] | None:
        """(first, last) of the oldest records behind that are neither in flight nor acknowledged.
        """
        first = cursor + 1
        taken = [(one.first, one.last) for one in self.flights if one.lane != ASKED]
        for begins, ends in sorted(taken + self._done):
            if begins > first:
                return first, min(begins, self.live_next) - 1
            first = max(first, ends + 1)
        return (first, self.live_next - 1) if first < self.live_next else None

    def done(self, flight: Flight, cursor: int) -> int:
        """Where the cursor may go, now that the head-end has this batch."""
        self.flights.remove(flight)
        if flight.lane != ASKED:
            self._done = _joined(sorted(self._done + [(flight.first, flight.last)]))
            if self._done[0][0] <= cursor + 1:
                cursor = max(cursor, self._done.pop(0)[1])
        return cursor


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for first, last in ranges:
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found
