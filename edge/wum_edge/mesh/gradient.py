"""Which neighbours lead to a gateway, and what we tell of it: several parents, and no loop.

A neighbour is feasible when its rank is below every rank that we ever told of that gateway's
heartbeat, or when its heartbeat is newer (the condition of DSDV and Babel, RFC 8966, 2.4).
Left out: links (neighbours.py), when to tell (trickle.py).
"""

from wum_edge.mesh.frames import ALL, UNREACHABLE
from wum_edge.mesh.neighbours import Neighbour, Neighbours

RANK_MAX = 0xF000
GATEWAYS_MAX = 8
# A gateway sends a beacon twice a minute; after three that did not come it is taken for dead.
GATEWAY_SILENT_US = 120_000_000
_HYSTERESIS = 7              # A new first parent must cost less than 7/8 of the old one.
_FORGET_US = 3_600_000_000   # What a neighbour told an hour ago is no ground to stand on.


def is_newer(one: int, other: int) -> bool:
    """Whether heartbeat `one` comes after `other`; they count to 255 and begin again."""
    return 0 < (one - other & 255) < 128


class Gradient:
    """Our place: `rank`, `gateway`, `heartbeat`, and the parents that it rests on."""

    def __init__(self, burst_us: int) -> None:
        self.rank, self.gateway, self.heartbeat = UNREACHABLE, ALL, 0
        self.parent: int | None = None
        self.price_q4 = 16           # What our own duty adds: 16 is nothing.
        self.has_parents = False
        self._burst_us = burst_us
        self._told: dict[int, tuple[int, int]] = {}

    def become_gateway(self, address: int, heartbeat: int) -> None:
        self.rank, self.gateway, self.heartbeat = 0, address, heartbeat
        self.parent = None

    def resign(self) -> None:
        """We are no gateway any more; nobody should come to us for what we told as one."""
        self.rank, self.parent = UNREACHABLE, None

    def silence(self, t_us: int, neighbours: Neighbours) -> bool:
        """Whether a gateway next to us was not heard for so long that it must be dead."""
        found = False
        for other in neighbours.all():
            if other.rank == 0 and t_us - other.heard_at_us > GATEWAY_SILENT_US:
                other.rank, found = UNREACHABLE, True
        return found

    @property
    def is_gateway(self) -> bool:
        return self.rank == 0

    def told(self) -> None:
        """Our rank goes on the air: from now on nobody above it is feasible."""
        if self.rank >= RANK_MAX or self.gateway == ALL:
            return
        old = self._told.get(self.gateway)
        if old is None or is_newer(self.heartbeat, old[0]) or (
                self.heartbeat == old[0] and self.rank < old[1]):
            if old is None and len(self._told) >= GATEWAYS_MAX:
                self._told.clear()
            self._told[self.gateway] = (self.heartbeat, self.rank)

    def is_feasible(self, other: Neighbour) -> bool:
        """Whether what it has told cannot lead back to us."""
        if other.rank >= RANK_MAX or other.gateway == ALL:
            return False
        told = self._told.get(other.gateway)
        return told is None or is_newer(other.heartbeat, told[0]) or other.rank < told[1]

    def parents(self, t_us: int, neighbours: Neighbours) -> list[Neighbour]:
        """Those that lead to a gateway, the cheapest first; who does not answer comes last."""
        found = []
        for other in neighbours.all():
            if self.is_feasible(other) and t_us - other.heard_at_us < _FORGET_US:
                away = other.away_until_us > t_us
                found.append((1 if away else 0, self._cost(other), other.address, other))
        found.sort()         # No ties: addresses differ.
        return [entry[3] for entry in found]

    def concerns(self, other: Neighbour, neighbours: Neighbours) -> bool:
        """Whether what `other` has told may change our choice: most of what is told does not."""
        parent = None if self.parent is None else neighbours.get(self.parent)
        if parent is None or other is parent:
            return True
        return self.is_feasible(other) and (
            self._cost(other) * 8 < self._cost(parent) * _HYSTERESIS)

    def settle(self, t_us: int, neighbours: Neighbours) -> bool:
        """Choose anew; True when others should soon know of it."""
        if self.is_gateway:
            return False
        parents = [other for other in self.parents(t_us, neighbours)
                   if other.away_until_us <= t_us]
        self.has_parents = bool(parents)
        before, self_before = self.rank, self.parent
        if not parents:
            self.rank, self.parent = UNREACHABLE, None
            return before < RANK_MAX
        best = parents[0]
        for other in parents:
            if other.address == self_before and (
                    self._cost(best) * 8 >= self._cost(other) * _HYSTERESIS):
                best = other
        self.parent, self.gateway, self.heartbeat = best.address, best.gateway, best.heartbeat
        self.rank = min(best.rank + self._own_cost(best), RANK_MAX)
        return before >= RANK_MAX or self.rank > before + before // 2

    def _own_cost(self, other: Neighbour) -> int:
        price_q4 = 16 if other.wired else self.price_q4      # No law holds on a wire.
        return max(other.cost(self._burst_us) * price_q4 // 16, 1)

    def _cost(self, other: Neighbour) -> int:
        return other.rank + self._own_cost(other)
