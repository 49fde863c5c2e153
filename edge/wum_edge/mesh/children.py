"""Those that send through us: what waits there, what of it we have, what they are to be told.

Left out: the channel (relay.py).
"""

from wum_edge.mesh.frames import BURST_MAX, RECEIPTS_MAX, waiting_bit

CHILDREN_MAX = 64
ROUTES_MAX = 300
_RECEIPTS_KEPT = 64
_FRUITLESS_MAX = 8           # Polls without an answer; after that the child must ask again.
_HOLD_US = 400_000
_SNR_KEEPS = 3               # Of four: one ask may have come through a fade.
_TURN = 64                   # What a frame counts, over the number of origins in its burst.
_NOTHING: list[tuple[int, int, int]] = []    # One for all: 64 lists take 2 kB. Nobody adds to it.
_RECEIPT_US = 20_000_000     # So long a receipt waits for company, or for a poll that goes anyway.


def arrived_frames(arrived: int) -> int:
    """How many bits of the map are set."""
    count = 0
    while arrived:
        count += arrived & 1
        arrived >>= 1
    return count


class Child:
    """One of them. `frames` is what it said waits there."""

    __slots__ = ("answered", "arrived", "away_until_us", "frames", "fruitless", "number",
                 "receipt_us", "receipts", "served_us", "snr_q4", "told", "turn")

    def __init__(self, number: int = 0) -> None:
        self.number = number         # Of the last poll: after a restart it begins somewhere else.
        self.answered = -1           # No burst yet.
        self.frames = self.arrived = self.fruitless = 0
        self.away_until_us = self.served_us = self.snr_q4 = 0
        self.receipts: dict[int, tuple[int, int]] = {}
        self.told = _NOTHING
        self.receipt_us = 0
        self.turn = 0                # What its origins had, each.


class Children:
    """The table, and the way down to every origin that was heard through one of them."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._routes: dict[int, int] = {}
        self._turn = 0               # Of the child that was polled last.

    def get(self, address: int) -> Child | None:
        return self._children.get(address)

    def ask(self, t_us: int, address: int, frames: int, snr_q4: int) -> None:
        """It has something for us."""
        child = self.know(t_us, address)
        if not child.frames:         # Who had nothing to send has saved nothing up.
            child.turn = max(child.turn, self._turn)
        child.frames, child.fruitless, child.away_until_us = max(frames, 1), 0, t_us
        child.snr_q4 = snr_q4 if not child.snr_q4 else (
            _SNR_KEEPS * child.snr_q4 + snr_q4) // (_SNR_KEEPS + 1)
        self.learn(address, address)

    def know(self, t_us: int, address: int) -> Child:
        """It sends through us."""
        child = self._children.get(address)
        if child is None:
            if len(self._children) >= CHILDREN_MAX:
                self._make_room()
            child = self._children[address] = Child(t_us // 1024 % 255)
        return child

    def _make_room(self) -> None:
        """Who has nothing for us goes first, and of those that wait, whose origins had most: it is
        not known as one that waits any more, and will ask. Who has waited longest never goes.
        """
        least = min([(1 if child.frames else 0, -child.turn if child.frames else child.served_us,
                      address) for address, child in self._children.items()])
        del self._children[least[2]]

    def next(self, t_us: int) -> int | None:
        """Address of the one whose origins had least, of those that may be polled now."""
        best = None
        for address, child in self._children.items():  # Any order: the least of triples is sought.
            if child.frames and child.away_until_us <= t_us:
                entry = (child.turn, child.served_us, address)
                if best is None or entry < best:
                    best = entry
        return best[2] if best else None

    def count_waiting(self) -> int:
        """How many wait."""
        return sum([1 for child in self._children.values() if child.frames])

    def load(self) -> int:
        """Frames that wait, of each as many as a burst has at most."""
        return sum([min(child.frames, BURST_MAX) for child in self._children.values()])

    def next_told(self, t_us: int) -> int | None:
        """Address of one for which receipts have waited long enough."""
        due = [(child.receipt_us, address)
               for address, child in self._children.items()  # Any order: the least is sought.
               if child.receipts and child.away_until_us <= t_us and child.receipt_us <= t_us]
        return min(due)[1] if due else None

    def wake_us(self, t_us: int) -> int | None:
        """When the next one may be polled, if that is not now; None if none waits."""
        least = None
        for child in self._children.values():    # Any order: the least is sought.
            if child.frames:
                at_us = child.away_until_us
            elif child.receipts:
                at_us = max(child.receipt_us, child.away_until_us)
            else:
                continue
            if at_us > t_us and (least is None or at_us < least):
                least = at_us
        return least

    def waiting(self, counter: int) -> int:
        """A bit for everyone that waits, as a poll with this counter tells it."""
        bits = 0
        for address, child in self._children.items():  # Any order: bits are OR-ed.
            if child.frames:
                bits |= 1 << waiting_bit(address, counter)
        return bits

    def answered(self, t_us: int, address: int, arrived: int, backlog: int, last: int,
                 origins: int = 1) -> None:
        """Its answer to our last poll is over; the counter of its last frame ended in `last`, and
        it had pieces of so many origins.
        """
        child = self._children.get(address)
        if child is None:            # It had to make room while it was polled.
            return
        child.answered, child.arrived = last, arrived
        child.frames, child.fruitless, child.served_us = backlog, 0, t_us
        self._turn = max(self._turn, child.turn)
        child.turn += arrived_frames(arrived) * _TURN // max(origins, 1)
        for origin, number, before in child.told:
            if child.receipts.get(origin) == (number, before):
                del child.receipts[origin]
        child.told = _NOTHING

    def polled(self, address: int, grant: int, until_us: int) -> None:
        """Another polls it: so much less waits for us. What did not get there it asks for anew."""
        child = self._children.get(address)
        if child is not None and child.frames:
            child.frames = max(child.frames - grant, 0)
            child.away_until_us = max(child.away_until_us, until_us)

    def spare(self, address: int, until_us: int) -> None:
        """Leave a child alone until it may send more."""
        child = self._children.get(address)
        if child is not None:
            child.away_until_us = until_us

    def unanswered(self, t_us: int, address: int, chance: int, patience: int = 1) -> None:
        """It kept silent. `patience`: so many times as long it is left alone."""
        child = self._children.get(address)
        if child is None:
            return
        child.fruitless += 1
        child.served_us = t_us
        hold_us = _HOLD_US * patience
        child.away_until_us = t_us + (hold_us << min(child.fruitless, 3)) + chance % hold_us
        if child.fruitless >= _FRUITLESS_MAX:
            child.frames, child.told = 0, _NOTHING
            child.receipts.clear()       # Its origins will send again, through somebody else.

    def route(self, origin: int) -> int | None:
        """The child through which an origin is reached."""
        return self._routes.get(origin)

    def lose(self, address: int) -> None:
        """A child that does not answer leads nowhere."""
        for origin in sorted(self._routes):
            if self._routes[origin] == address:
                del self._routes[origin]

    def learn(self, origin: int, address: int) -> None:
        """What is for `origin` goes to this child."""
        if origin in self._routes or len(self._routes) < ROUTES_MAX:
            self._routes[origin] = address

    def receipt(self, t_us: int, origin: int, number: int, before: int, price_q4: int) -> None:
        """Keep word for an origin until its child is polled; the longer, the dearer airtime is."""
        child = self._children.get(self._routes.get(origin, -1))
        if child is not None and (origin in child.receipts
                                  or len(child.receipts) < _RECEIPTS_KEPT):
            if not child.receipts:
                child.receipt_us = t_us + _RECEIPT_US * price_q4 // 16
            child.receipts[origin] = (number, before)

    def receipts(self, t_us: int, address: int, is_dear: bool = False
                 ) -> list[tuple[int, int, int]]:
        """What the child is to be told now; it is kept until the child answers. Where airtime is
        dear, each of them waits for company: one that names 33 objects costs as much as one of one.
        """
        child = self._children[address]
        child.told = _NOTHING if is_dear and t_us < child.receipt_us else [
            (origin,) + child.receipts[origin] for origin in sorted(child.receipts)[:RECEIPTS_MAX]]
        return child.told
