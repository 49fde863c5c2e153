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
_AGAIN_US = 250_000          # First patience behind a frame without an answer; it doubles.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Downward:
    """What waits here for those behind our children."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._held: list[tuple[int, int, Item]] = []     # Child, gateway, piece.
        self._seen: list[tuple[int, int]] = []
        self._at_us = 0
        self._number = relay.chance() & 255
        self._out: list[tuple[int, int, Item]] = []
        self._child = self._tries = 0

    @property
    def size(self) -> int:
        return len(self._held)

    def is_due(self, t_us: int) -> bool:
        return bool(self._held) and t_us >= self._at_us

    def deadline_us(self) -> int | None:
        return self._at_us if self._held and self._at_us > self._relay.now else None

    def take(self, gateway: int, item: Item) -> bool:
        """Custody of a piece for somebody else; False: no way, or no room."""
        child = self._relay.children.route(item.origin)
        if child is None or len(self._held) >= HELD_MAX:
            self._relay.count("no way down" if child is None else "no room down")
            return False
        self._held.append((child, gateway, item))
        return True

    def send(self) -> None:
        """A frame for the child that is first, as the channel is ours."""
        relay = self._relay
        if not self._out:
            self._choose()
        gateway = self._out[0][1]
        body = encode_down(gateway, [item for _, _, item in self._out])
        if relay.send(DOWN, self._child, self._number, body, 0, has_cad=True):
            self._tries += 1
            wait_us = 2 * HOST_US + _AGAIN_US + airtime_us(
                relay.setting.ways[0], HEADER_SIZE + len(body) + TAG_SIZE)
            more_us = _AGAIN_US << min(self._tries - 1, 5)
            self._at_us = relay.now + wait_us + relay.chance() % more_us

    def refused(self) -> None:
        """The channel was busy: that was no try."""
        self._tries = max(self._tries - 1, 0)
        self._at_us = self._relay.now

    def _choose(self) -> None:
        child, gateway, _ = self._held[0]
        room = BODY_MAX - DOWN_HEAD
        self._child, self._tries = child, 0
        self._number = self._number + 1 & 255
        for entry in self._held:
            if entry[:2] == (child, gateway) and entry[2].size <= room:
                self._out.append(entry)
                room -= entry[2].size

    def expire(self) -> None:
        """A child that never answers: its pieces are given up; their gateway sends them again."""
        if self._out and self._tries >= _TRIES_MAX and self._relay.now >= self._at_us:
            self._relay.count("lost down")
            self._relay.children.lose(self._child)
            self._finish()

    def got(self, header: Header) -> None:
        """An answer of a child."""
        if self._out and header.source == self._child and header.aux == self._number:
            self._finish()

    def _finish(self) -> None:
        done = [item for _, _, item in self._out]
        self._held = [entry for entry in self._held if entry[2] not in done]
        self._out = []
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
