"""Who is heard, how well what we send gets there, and what the way over each of them costs.

Left out: which of them is chosen (gradient.py). A link's quality is what was acknowledged of what
we sent; what we hear of the other side only begins the estimate, for links are not symmetric.
"""

from wum_edge.mesh.frames import UNREACHABLE

NEIGHBOURS_MAX = 64
RANK_US = 4_000              # A rank is a time on the air, in this unit.
ONE = 1024                   # A quality of 1.
_COUNTS_MAX = 6              # Of 16: what a burst counts against all that was before, at most.
# A way costs up to 64 times as much when what goes over it vanishes: who lies about its rank, or
# is deaf to its own parents, is gone round, and nobody is given up for good.
_BLAME_MAX = 6
_WIRE_MISSES = 3             # Beacons in a row that come by radio alone end the use of a wire.
_LEAST = 32                  # Quality never falls below 1/32: a way that bad is still a way.
# Quality that is assumed from the margin (in quarter dB above the threshold) of what is heard.
_ASSUMED = ((48, 1000), (32, 940), (20, 800), (8, 500), (0, 200))


class Neighbour:
    """One station that we hear. Times in microseconds of our clock."""

    __slots__ = ("address", "asked_at_us", "away_until_us", "blame", "gateway", "heard_at_us",
                 "heartbeat", "is_measured", "margin_q4", "quality", "rank", "told_at_us", "vain",
                 "wired")

    def __init__(self, address: int) -> None:
        self.address = address
        self.gateway, self.heartbeat, self.rank = 0xFFFF, 0, UNREACHABLE
        self.quality = 0
        self.is_measured = False
        self.margin_q4 = 0
        self.heard_at_us = self.told_at_us = self.away_until_us = 0
        self.asked_at_us = self.blame = 0
        self.vain = 0                # Asks since it was heard last.
        self.wired = 0               # Above 0: what we send it goes by wire.

    def hear(self, t_us: int, margin_q4: int) -> None:
        """A frame of its was received with so much margin."""
        if self.heard_at_us:
            self.margin_q4 = (7 * self.margin_q4 + margin_q4) // 8
        else:
            self.margin_q4 = margin_q4
        self.heard_at_us, self.vain = t_us, 0
        if not self.is_measured:
            self.quality = assumed(self.margin_q4)

    def came(self, is_wire: bool, is_broadcast: bool) -> None:
        """A new frame of its came by wire, or by radio. A broadcast goes out on both, and the first
        to arrive counts: by radio only if the wire has lost it. What is for us alone and comes by
        radio tells that the other side has given up the wire.
        """
        if is_wire:
            self.wired = _WIRE_MISSES
        elif self.wired:
            self.wired = self.wired - 1 if is_broadcast else 0

    def tell(self, t_us: int, gateway: int, heartbeat: int, rank: int) -> bool:
        """What it says of itself; True when that is new."""
        is_new = (gateway, heartbeat, rank) != (self.gateway, self.heartbeat, self.rank)
        self.gateway, self.heartbeat, self.rank = gateway, heartbeat, rank
        self.told_at_us = t_us
        return is_new

    def acknowledge(self, arrived: int, sent: int) -> None:
        """Of `sent` frames that it answered so many had arrived."""
        self.is_measured = True
        counts = min(sent, _COUNTS_MAX)
        quality = self.quality * (16 - counts) + counts * ONE * arrived // max(sent, 1)
        self.quality = max(quality // 16, _LEAST)

    def vanished(self) -> None:
        """An object that it had taken of us never came to a gateway."""
        self.blame = min(self.blame + 2, _BLAME_MAX)

    def delivered(self) -> None:
        """One did."""
        self.blame = max(self.blame - 1, 0)

    def cost(self, burst_us: int) -> int:
        """Expected rank units to get a full frame (`burst_us` on the air) to it."""
        if not self.quality:
            return UNREACHABLE
        if self.wired:
            burst_us = RANK_US
        return max((burst_us * ONE // self.quality << self.blame) // RANK_US, 1)


def assumed(margin_q4: int) -> int:
    """Quality to begin with."""
    for least, quality in _ASSUMED:
        if margin_q4 >= least:
            return quality
    return 100


class Neighbours:
    """The table. The one that serves least makes room when it is full."""

    def __init__(self) -> None:
        self._by_address: dict[int, Neighbour] = {}
        self._in_order: list[Neighbour] = []

    def get(self, address: int) -> Neighbour | None:
        return self._by_address.get(address)

    def all(self) -> list[Neighbour]:
        """In order of address, so that two Pythons decide alike."""
        if not self._in_order:
            self._in_order = [self._by_address[address] for address in sorted(self._by_address)]
        return self._in_order

    def hear(self, t_us: int, address: int, margin_q4: int) -> Neighbour | None:
        """Note a frame of `address`; None if the table is full of better ones."""
        found = self._by_address.get(address)
        if found is None:
            if len(self._by_address) >= NEIGHBOURS_MAX and not self._make_room(margin_q4):
                return None
            found = self._by_address[address] = Neighbour(address)
            self._in_order = []
        found.hear(t_us, margin_q4)
        return found

    def is_wired(self, address: int) -> bool:
        """Whether this one is reached by wire."""
        found = self._by_address.get(address)
        return found is not None and found.wired > 0

    def has_wired(self) -> bool:
        """Whether anybody is reached by wire."""
        return any(other.wired > 0 for other in self.all())

    def _make_room(self, margin_q4: int) -> bool:
        worst = None
        for other in self.all():
            if not other.is_measured and (worst is None or other.margin_q4 < worst.margin_q4):
                worst = other
        if worst is None or worst.margin_q4 >= margin_q4:
            return False
        del self._by_address[worst.address]
        self._in_order = []
        return True
