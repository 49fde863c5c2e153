"""Objects that go down: a gateway repeats them until somebody confirms; a station puts them
together, confirms, and hears what of its own is missing.

Left out: the way between (downward.py, ripple.py). Nothing is opened here.
"""

from wum_edge.mesh.downframes import (
    ADMITTED,
    CONFIRM,
    JOINING,
    RIPPLE_MAX,
    WANT,
    WANTED,
    confirm,
    decode_confirm,
    decode_want,
    want,
)
from wum_edge.mesh.frames import NOTE, Item, Malformed
from wum_edge.mesh.objects import Gathering, cut

ORDERS_MAX = 64
_AGAIN_US = 20_000_000       # First patience; it doubles.
_LOST = 3                    # Tries by a way, before it may be one that somebody on it has lost.
_TRIES_MAX = 7               # After 20 + 40 + ... s, 42 minutes, the caller is told.
_INCOMING_MAX = 16           # Objects of which a station has a part.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Order:
    """One object of a gateway's that nobody has confirmed."""

    __slots__ = ("content", "destination", "due_us", "number", "tries")

    def __init__(self, destination: int, number: int, content: bytes, t_us: int) -> None:
        self.destination, self.number, self.content = destination, number, content
        self.due_us, self.tries = t_us, 0


class Orders:
    """Both ends of the way down."""

    def __init__(self, relay: "Relay", number: int) -> None:
        self._relay = relay
        self._orders: list[Order] = []
        self._number = number & 0xFFFF
        self._incoming = Gathering(_INCOMING_MAX)

    @property
    def size(self) -> int:
        return len(self._orders)

    def give(self, destination: int, content: bytes) -> int | None:
        """A new object; its number, or None when too many are under way."""
        if len(self._orders) >= ORDERS_MAX:
            return None
        number = self.next_number()
        self._orders.append(Order(destination, number, content, self._relay.now))
        self.tick()
        return number

    def next_number(self) -> int:
        """Of an object or a ripple of ours: both count together. Its low byte is never 0, by which
        a station tells that it has no ripple.
        """
        self._number = self._number + 1 & 0xFFFF
        if not self._number & 255:
            self._number += 1
        return self._number

    def deadline_us(self) -> int | None:
        return min([order.due_us for order in self._orders]) if self._orders else None

    def tick(self) -> None:
        """Send what is due; give up what was sent too often."""
        relay = self._relay
        for order in [order for order in self._orders if order.due_us <= relay.now]:
            if order.tries >= _TRIES_MAX:
                self._orders.remove(order)
                relay.tell(("undelivered", order.destination, order.number))
                continue
            order.due_us = relay.now + (_AGAIN_US << order.tries)
            self._send(order)
            order.tries += 1

    def _send(self, order: Order) -> None:
        """By the stored way; every other time, and where there is none, by a flood to one."""
        relay = self._relay
        has_way = relay.children.route(order.destination) is not None
        if (order.tries & 1 or not has_way) and len(order.content) <= RIPPLE_MAX:
            relay.ripples.start(order.destination, order.content, 0, False, order.number)
            return
        is_lost = order.tries & 1 and order.tries >= _LOST and not relay.downward.size
        if is_lost or not has_way:       # Who is called answers, and the answer leaves a way.
            relay.ripples.start(order.destination, b"", 0, False)
        if not has_way:
            return
        for item in cut(order.destination, order.number, order.content):
            # `tries` in the mark: a relay that had it before would drop it.
            relay.downward.take(relay.setting.address, Item(
                item.origin, item.number, item.fragment, item.is_last, item.content,
                order.tries))

    def word(self, destination: int, word: bytes) -> None:
        """A word of the mesh to one station, sent once."""
        self._relay.downward.take(self._relay.setting.address, Item(
            destination, self.next_number(), 0, True, word, NOTE))

    def arrived(self, gateway: int, item: Item) -> None:
        """A piece for us. Raises Malformed."""
        if item.mark == NOTE:
            self._heed(item.content)
            return
        mine = Item(gateway, item.number, item.fragment, item.is_last, item.content, 0)
        content = self._incoming.add(mine, self._relay.now)
        if content is not None:
            self._relay.tell(("receive", gateway, item.number, content))
        if content is not None or self._incoming.is_done(gateway, item.number):
            self._relay.note(confirm(gateway, item.number))

    def _heed(self, word: bytes) -> None:
        relay = self._relay
        kind = word[0] if word else 0
        if kind == WANT:
            number, here = decode_want(word)
            if relay.unreceipted.sent_again(number, relay.now):
                relay.tell(("want", number, here))
        elif kind == ADMITTED:
            relay.porch.answer(word[1:])

    def heard(self, origin: int, word: bytes) -> None:
        """A word that has come up to us, a gateway. Raises Malformed."""
        relay = self._relay
        kind = word[0] if word else 0
        if kind == CONFIRM:
            gateway, number = decode_confirm(word)
            if gateway != relay.setting.address:
                relay.tell(("confirmed elsewhere", gateway, origin, number))
                return
            for order in [order for order in self._orders
                          if (order.destination, order.number) == (origin, number)]:
                self._orders.remove(order)
                relay.tell(("confirmed", origin, number))
        elif kind == JOINING:
            relay.tell(("join", origin, word[1:]))
        elif kind == WANTED:
            relay.wanting.beat()
        else:
            raise Malformed("word %d" % kind)

    def ask_for_missing(self) -> None:
        """Tell origins what has not come of objects that stand still."""
        for origin, number, here in self._relay.gathering.standing(self._relay.now):
            self._relay.count("want")
            self.word(origin, want(number, here))
