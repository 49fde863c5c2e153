"""What begins and what ends at this station: objects and words of its own, and at a gateway those
of everybody.

Left out: what is on its way through (custody.py), when it is sent (answers.py).
"""

from wum_edge.mesh.frames import NOTE, Item
from wum_edge.mesh.objects import cut

_NOTES_MAX = 8               # Words of ours that are on their way up.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Ends:
    """The numbers that are given to what is ours; both begin behind all that were used before."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._object = self._note = relay.guard.reserved_to & 0xFFFF

    def submit(self, content: bytes, priority: int) -> int | None:
        """Take an object of ours into custody; its number, or None when there is no room now."""
        relay, number = self._relay, self._object
        if relay.setting.is_gateway:
            self._object = number + 1 & 0xFFFF
            relay.tell(("deliver", relay.setting.address, number, content))
            relay.tell(("done", number))
            return number
        pieces = cut(relay.setting.address, number, content)
        if not relay.custody.has_room(len(pieces), priority):
            return None
        self._object = number + 1 & 0xFFFF
        for piece in pieces:
            relay.custody.take(piece, priority)
        relay.unreceipted.sent(number, relay.now)
        relay.answers.wake(relay.now)
        relay.speech.plan()
        return number

    def resubmit(self, number: int, content: bytes, here: int, priority: int) -> bool:
        """Take those pieces of an object of ours that are not in the bit map `here`."""
        relay = self._relay
        mark = 1 + relay.chance() % (NOTE - 1)
        pieces = [Item(item.origin, number, item.fragment, item.is_last, item.content, mark)
                  for item in cut(relay.setting.address, number, content)
                  if not here >> item.fragment & 1]
        if not relay.custody.has_room(len(pieces), priority):
            return False
        for piece in pieces:
            relay.custody.take(piece, priority)
        relay.answers.wake(relay.now)
        relay.speech.plan()
        return True

    def withdraw(self, number: int) -> None:
        """Nobody needs an object of ours any more."""
        self._relay.custody.withdraw(self._relay.setting.address, number)
        self._relay.unreceipted.forget(number)

    def arrive(self, item: Item) -> None:
        """A piece has reached us, a gateway."""
        relay = self._relay
        if item.mark == NOTE:
            relay.orders.heard(item.origin, item.content)
            return
        content = relay.gathering.add(item, relay.now)
        if content is not None:
            relay.tell(("deliver", item.origin, item.number, content))
        receipt = relay.gathering.receipt(item.origin)
        if receipt is not None:
            relay.children.receipt(relay.now, item.origin, receipt[0], receipt[1],
                                   relay.gradient.price_q4)

    def note(self, word: bytes, priority: int) -> None:
        """Send a word of the mesh up to any gateway."""
        relay = self._relay
        if relay.gradient.is_gateway:
            relay.orders.heard(relay.setting.address, word)
            return
        self._note = self._note + 1 & 0xFFFF
        if relay.custody.free and relay.custody.notes(relay.setting.address) < _NOTES_MAX:
            relay.custody.take(Item(relay.setting.address, self._note, 0, True, word, NOTE),
                               priority)
            relay.answers.wake(relay.now)
