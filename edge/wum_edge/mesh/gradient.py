"""Which neighbours lead to a gateway, and what we tell of it: several parents, and no loop.

A neighbour is feasible when its rank is below every rank that we ever told under the heartbeat of
that gateway which it tells of (the condition of DSDV and Babel, RFC 8966, 2.4). Unlike there it may
be an older one, for not everybody tells every heartbeat: what we told is kept for each.
Left out: links (neighbours.py), when to tell (trickle.py).
"""

from wum_edge.mesh.frames import ALL, UNREACHABLE
from wum_edge.mesh.neighbours import RANK_US, Neighbour, Neighbours

RANK_MAX = 0xF000
GATEWAYS_MAX = 8
_HEARTBEATS_KEPT = 6         # An hour of them.
# A gateway sends a beacon twice a minute; after three that did not come it is taken for dead.
GATEWAY_SILENT_US = 120_000_000
# A new first parent must cost less by an eighth, or by a hop that loses nothing: an eighth of a
# way of thirty hops would keep a parent that hears one frame in four.
_HYSTERESIS = 8
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
        self._hop = max(burst_us // RANK_US, 1)
        # By gateway: heartbeats and the least rank told under each, what was told last at the end.
        self._told: dict[int, list[tuple[int, int]]] = {}

    def become_gateway(self, address: int, heartbeat: int) -> None:
        self.rank, self.gateway, self.heartbeat = 0, address, heartbeat
        self.parent = None

    def resign(self) -> None:
        """We are no gateway any more; nobody should come to us for what we told as one."""
        self.rank, self.parent = UNREACHABLE, None

    def silence(self, t_us: int, neighbours: Neighbours, stretch: int = 1) -> bool:
        """Whether a gateway next to us was not heard for so long that it must be dead: `stretch`
        times as long as where the law leaves time enough for beacons.
        """
        found = False
        for other in neighbours.all():
            if other.rank == 0 and t_us - other.heard_at_us > GATEWAY_SILENT_US * stretch:
                other.rank, found = UNREACHABLE, True
        return found

    @property
    def is_gateway(self) -> bool:
        return self.rank == 0

    def told(self) -> None:
        """Our rank goes on the air: nobody above it is feasible now, under its heartbeat."""
        if self.rank >= RANK_MAX or self.gateway == ALL:
            return
        told = self._told.get(self.gateway)
        if told is None:
            if len(self._told) >= GATEWAYS_MAX:
                self._told.clear()
            told = self._told[self.gateway] = []
        if told and told[-1][0] == self.heartbeat and told[-1][1] <= self.rank:
            return
        least = min([self.rank] + [rank for beat, rank in told if beat == self.heartbeat])
        kept = [entry for entry in told if entry[0] != self.heartbeat]
        self._told[self.gateway] = kept[1 - _HEARTBEATS_KEPT:] + [(self.heartbeat, least)]

    def is_feasible(self, other: Neighbour) -> bool:
        """Whether what it has told cannot lead back to us."""
        if other.rank >= RANK_MAX or other.gateway == ALL:
            return False
        told = self._told.get(other.gateway)
        if told is None or is_newer(other.heartbeat, told[-1][0]) and (
                other.heartbeat not in [beat for beat, _ in told]):
            return True
        ranks = [rank for beat, rank in told if beat == other.heartbeat]
        # Of an old one that we do not remember anybody may rest on us.
        return other.rank < min(ranks or [rank for _, rank in told])

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
        return self.is_feasible(other) and self._is_better(other, parent)

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
            if other.address == self_before and not self._is_better(best, other):
                best = other
        self.parent, self.gateway, self.heartbeat = best.address, best.gateway, best.heartbeat
        self.rank = min(best.rank + self._own_cost(best), RANK_MAX)
        return before >= RANK_MAX or self.rank > before + before // 2

    def _is_better(self, other: Neighbour, parent: Neighbour) -> bool:
        """Whether it is worth to leave `parent` for `other`."""
        cost = self._cost(parent)
        return self._cost(other) < cost - min(cost // _HYSTERESIS, self._hop)

    def _own_cost(self, other: Neighbour) -> int:
        price_q4 = 16 if other.wired else self.price_q4      # No law holds on a wire.
        return max(other.cost(self._burst_us) * price_q4 // 16, 1)

    def _cost(self, other: Neighbour) -> int:
        return other.rank + self._own_cost(other)
