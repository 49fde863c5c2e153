"""Pieces handed to a parent by wire, beside whatever the radio is at: no ask, no poll, no burst.

On a wire nobody collides, so nothing is gained by taking turns; and a burst on the radio, which
may take seconds, would hold the wire up. Each frame is answered by itself, some are under way at a
time. Left out: which way is a wire (neighbours.py), receipts, which come with polls as by radio.
docs/mesh-protocol.md, 6.
"""

from wum_edge.mesh import frames
from wum_edge.mesh.custody import ITEMS_MAX
from wum_edge.mesh.frames import HAND, TAKEN, Header, Item
from wum_edge.mesh.gradient import RANK_MAX

WINDOW = 8                   # Frames under way to a parent.
ROOM_KEPT = ITEMS_MAX // 3   # For children that come by radio: a wire would fill all in a moment.
_WAIT_US = 250_000           # For an answer; doubled with each try, three times.
_DOUBLINGS = 3
_SILENT_MAX = 4              # Tries without any answer: the wire is left for the radio ...
_TRIES_MAX = 12              # ... or so many, though others are answered.
_FULL_US = 500_000           # After a parent said that it has no room, or is no nearer.
# What a parent answers.
HAS_IT, IS_FULL, IS_NO_NEARER = 0, 1, 2
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Load:
    """The pieces of one frame that is under way."""

    __slots__ = ("begun_us", "due_us", "items", "parent", "priority", "tries")

    def __init__(self, parent: int, priority: int, items: list[Item], t_us: int) -> None:
        self.parent, self.priority, self.items = parent, priority, items
        self.begun_us, self.due_us, self.tries = t_us, 0, 0


class Handing:
    """Both sides of it."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._under_way: dict[int, Load] = {}    # By the counter of the frame.
        self._pause_us = self._taken_us = 0

    def serves(self) -> bool:
        """Whether what we hold goes to the first parent in this way."""
        relay = self._relay
        return relay.neighbours.is_wired(relay.gradient.parent or 0)

    def fill(self) -> None:
        """Send what there is, as far as the window lets us."""
        relay = self._relay
        if relay.gradient.is_gateway or relay.now < self._pause_us or not self.serves():
            return
        while len(self._under_way) < WINDOW:
            parent = relay.gradient.parent or 0
            priority, items = relay.custody.next_frame(parent)
            if not items:
                return
            self._send(Load(parent, priority, items, relay.now))

    def _send(self, load: Load) -> None:
        relay = self._relay
        load.due_us = relay.now + (_WAIT_US << min(load.tries, _DOUBLINGS))
        load.tries += 1
        heard = relay.heard(load.parent)
        body = frames.encode_data(relay.gradient.rank, heard & 255, load.items)
        counter = relay.speech.hand(HAND, load.parent, heard >> 8, body, load.priority)
        self._under_way[counter] = load

    def tick(self, t_us: int) -> None:
        """Send again what was not answered."""
        for counter in sorted(self._under_way):
            load = self._under_way.get(counter)
            if load is None or load.due_us > t_us:
                continue
            del self._under_way[counter]
            if load.tries >= (
                    _TRIES_MAX if self._taken_us > load.begun_us else _SILENT_MAX):
                self._lose(load.parent, load)
            elif self._relay.gradient.is_gateway or load.parent != self._relay.gradient.parent:
                self._relay.custody.keep(load.items)
            else:
                self._send(load)

    def _lose(self, parent: int, load: Load) -> None:
        """The wire is gone: all of it goes another way."""
        relay = self._relay
        relay.custody.keep(load.items)
        for counter in sorted(self._under_way):
            if self._under_way[counter].parent == parent:
                relay.custody.keep(self._under_way.pop(counter).items)
        other = relay.neighbours.get(parent)
        if other is not None:
            other.acknowledge(0, 2)
            other.wired = 0
        relay.settle()
        relay.answers.wake(relay.now)

    def deadline_us(self) -> int | None:
        """When `tick` or `fill` has something to do."""
        due = [load.due_us for load in self._under_way.values()]     # Any order: the least counts.
        if self._pause_us > self._relay.now and self.serves() and self._relay.custody.waiting():
            due.append(self._pause_us)
        return min(due) if due else None

    def heard(self, header: Header, body: bytes) -> None:
        """Pieces that a child hands us. Raises Malformed."""
        relay = self._relay
        rank, low, items = frames.decode_data(body)
        if not relay.guard.is_recent(header.aux << 8 | low):
            relay.count("handed in another life")
            return
        answer = HAS_IT
        if rank <= relay.gradient.rank or relay.gradient.rank >= RANK_MAX:
            answer = IS_NO_NEARER
            relay.trickle.hurry(relay.now, relay.chance())
        elif relay.polls.grantable() <= 0 or not (
                relay.gradient.is_gateway or relay.custody.free > ROOM_KEPT):
            answer = IS_FULL
        else:
            relay.children.know(relay.now, header.source)
            if not relay.polls.take_all(items, header):
                answer = IS_FULL
        relay.speech.hand(TAKEN, header.source, answer, frames.encode_taken(header.counter), 1)

    def taken(self, header: Header, body: bytes) -> None:
        """A parent's answer. Raises Malformed."""
        relay = self._relay
        counter = frames.decode_taken(body)
        load = self._under_way.get(counter)
        if load is None or load.parent != header.source:
            return
        del self._under_way[counter]
        self._taken_us = relay.now
        if header.aux != HAS_IT:
            relay.custody.keep(load.items)
            self._pause_us = relay.now + _FULL_US
            return
        relay.custody.release(load.items, load.parent)
        for item in load.items:
            if item.origin == relay.setting.address:
                relay.unreceipted.carried(item.number, load.parent)
        other = relay.neighbours.get(load.parent)
        if other is not None:
            other.acknowledge(1, 1)
