"""Pieces on their way down: custody from a parent, one frame at a time to a child that says it.

Left out: what a gateway sends down and repeats (orders.py), the channel (relay.py).
"""

from wum_edge.mesh import frames
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.downframes import DOWN_HEAD, decode_down, encode_down
from wum_edge.mesh.frames import BODY_MAX, DOWN, GOT, HEADER_SIZE, TAG_SIZE, Header, Item
from wum_edge.mesh.timing import HOST_US

HELD_MAX = 48                # Pieces; what comes above is not acknowledged.
_SEEN_MAX = 256
_TRIES_MAX = 6
_ANSWER_US = 50_000          # Until its answer has come, if one does: nothing else is sent.
_AGAIN_US = 250_000          # First patience behind a frame without an answer; it doubles.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Flight:
    """A frame for one child that has not said that it has it."""

    __slots__ = ("due_us", "entries", "number", "tries")

    def __init__(self, number: int, entries: list[tuple[int, int, Item]], t_us: int) -> None:
        self.number, self.entries = number, entries
        self.due_us, self.tries = t_us, 0


class Downward:
    """What waits here for those behind our children. One frame is under way to each of them: a
    child that does not answer holds nobody else's up.
    """

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._held: list[tuple[int, int, Item]] = []     # Child, gateway, piece.
        self._seen: list[tuple[int, int]] = []
        self._flights: dict[int, Flight] = {}            # By child.
        self._at_us = 0                                  # Before then an answer may come.
        self._number = relay.chance() & 255
        self._last = 0                                   # Whom we have sent to.

    @property
    def size(self) -> int:
        return len(self._held)

    def is_due(self, t_us: int) -> bool:
        return t_us >= self._at_us and self._next(t_us) is not None

    def deadline_us(self) -> int | None:
        """When something is due, if that is later than now."""
        times = [self._flights[child].due_us if child in self._flights else self._at_us
                 for child in {entry[0] for entry in self._held}]
        due_us = max(min(times), self._at_us) if times else 0
        return due_us if due_us > self._relay.now else None

    def take(self, gateway: int, item: Item) -> bool:
        """Custody of a piece for somebody else; False: no way, or no room."""
        child = self._relay.children.route(item.origin)
        if child is None or len(self._held) >= HELD_MAX:
            self._relay.count("no way down" if child is None else "no room down")
            return False
        self._held.append((child, gateway, item))
        return True

    def _next(self, t_us: int) -> int | None:
        """The child that is first of those whose turn it is."""
        for child, _, _ in self._held:
            flight = self._flights.get(child)
            if flight is None or flight.due_us <= t_us:
                return child
        return None

    def send(self) -> None:
        """A frame for the child that is first, as the channel is ours."""
        relay = self._relay
        child = self._next(relay.now)
        if child is None:
            return
        flight = self._flights.get(child) or self._choose(child)
        body = encode_down(flight.entries[0][1], [item for _, _, item in flight.entries])
        self._last = child
        if relay.send(DOWN, child, flight.number, body, 0, has_cad=True):
            flight.tries += 1
            self._at_us = relay.now + 2 * HOST_US + _ANSWER_US + airtime_us(
                relay.setting.ways[0], HEADER_SIZE + len(body) + TAG_SIZE)
            more_us = _AGAIN_US << min(flight.tries - 1, 5)
            flight.due_us = self._at_us + _AGAIN_US - _ANSWER_US + relay.chance() % more_us

    def refused(self) -> None:
        """The channel was busy: that was no try."""
        flight = self._flights.get(self._last)
        self._at_us = self._relay.now
        if flight is not None:
            flight.tries, flight.due_us = max(flight.tries - 1, 0), self._relay.now

    def _choose(self, child: int) -> Flight:
        room, gateway = BODY_MAX - DOWN_HEAD, None
        entries = []
        for entry in self._held:
            if entry[0] == child and (gateway is None or entry[1] == gateway) and (
                    entry[2].size <= room):
                gateway = entry[1]
                entries.append(entry)
                room -= entry[2].size
        self._number = self._number + 1 & 255
        self._flights[child] = Flight(self._number, entries, self._relay.now)
        return self._flights[child]

    def expire(self) -> None:
        """A child that never answers: its pieces are given up; their gateway sends them again."""
        for child in list(self._flights):
            flight = self._flights[child]
            if flight.tries >= _TRIES_MAX and self._relay.now >= flight.due_us:
                self._relay.count("lost down")
                self._relay.children.lose(child)
                self._finish(child)

    def got(self, header: Header) -> None:
        """An answer of a child."""
        flight = self._flights.get(header.source)
        if flight is not None and header.aux == flight.number:
            self._finish(header.source)

    def _finish(self, child: int) -> None:
        done = self._flights.pop(child).entries
        self._held = [entry for entry in self._held if entry not in done]
        if child == self._last:
            self._at_us = 0

    def arrived(self, header: Header, body: bytes) -> None:
        """A frame of a parent. Raises Malformed."""
        relay = self._relay
        gateway, items = decode_down(body)
        if len(self._held) + len(items) > HELD_MAX:
            relay.count("no room down")
            return
        # Said first: nobody else may speak now. A piece without a way on is lost here, and sent
        # again by its gateway when nobody confirms it.
        relay.send(GOT, header.source, header.aux, b"", 0, has_cad=False)
        for item in items:
            if self._is_new(gateway, item):
                if item.origin == relay.setting.address:
                    relay.orders.arrived(gateway, item)
                else:
                    self.take(gateway, item)

    def _is_new(self, gateway: int, item: Item) -> bool:
        """Whether it did not come just before: the answer to it may have been lost."""
        key = (gateway, item.key)
        if key in self._seen:
            return False
        self._seen.append(key)
        if len(self._seen) > _SEEN_MAX:
            self._seen.pop(0)
        return True


def is_for(destination: int, address: int, groups: set[int]) -> bool:
    """Whether a frame to `destination` concerns this station."""
    if destination in (address, frames.ALL):
        return True
    return frames.GROUP <= destination < frames.GROUP + 256 and (
        destination - frames.GROUP in groups)
