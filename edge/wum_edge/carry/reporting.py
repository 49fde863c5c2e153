"""When a concentrator tells the head-end where it stands in its mesh, and what it tells.

At regular times, and soon after its way has changed. Left out: sealing and sending
(uplink/delivery.py). What is told is a picture: a report that is lost is made good by the next.
"""

from wum_edge.mesh.frames import ALL
from wum_edge.mesh.neighbours import ONE, Neighbour
from wum_edge.mesh.relay import Relay
from wum_shared.mesh import (
    AGE_MAX_S,
    LINKS_MAX,
    MARGIN_Q4_MAX,
    MEMBERSHIPS_MAX,
    NOBODY,
    RADIO,
    RANK_MAX,
    WIRE,
    MeshLink,
    MeshReport,
)
from wum_shared.order import in_order

CHANGED_MS = 30_000          # A new way is told so soon, and not more often than that.
FIRST_MS = 15_000            # After the start: by then a way is found, mostly.


class Reporting:
    """The times of one station's reports. `every_ms`: between two that nothing has hastened."""

    def __init__(self, every_ms: int, now_ms: int) -> None:
        self._every_ms = every_ms
        self._due_ms = now_ms + min(FIRST_MS, every_ms)
        self._earliest_ms = now_ms
        self._way: tuple[int, int] | None = None

    def is_due(self, relay: Relay, now_ms: int) -> bool:
        """Whether a report is to be sent now."""
        way = (relay.gradient.parent or NOBODY, relay.gradient.gateway)
        if way != self._way:
            self._way = way
            self._due_ms = min(self._due_ms, max(now_ms, self._earliest_ms))
        return now_ms >= self._due_ms

    def sent(self, now_ms: int) -> None:
        self._due_ms = now_ms + self._every_ms
        self._earliest_ms = now_ms + min(CHANGED_MS, self._every_ms)


def report_of(
        relay: Relay, network: int, now_us: int, at_s: int, every_s: int) -> MeshReport:
    """Where the station stands now; `at_s` by the concentrator's clock."""
    gradient = relay.gradient
    spent = relay.ledger.spent_us(now_us) * 1000 // relay.ledger.limit_us
    heard = in_order([other for other in relay.neighbours.all() if other.heard_at_us],
                     _newest_first)
    links = [MeshLink(
        other.address, WIRE if other.wired else RADIO, min(other.quality * 100 // ONE, 100),
        0 if other.wired else max(min(other.margin_q4, MARGIN_Q4_MAX), -MARGIN_Q4_MAX),
        min(max(now_us - other.heard_at_us, 0) // 1_000_000, AGE_MAX_S))
        for other in heard[:LINKS_MAX]]
    return MeshReport(
        network, relay.setting.address, at_s, gradient.is_gateway,
        NOBODY if gradient.gateway == ALL else gradient.gateway,
        min(gradient.rank, RANK_MAX), gradient.parent or NOBODY, relay.custody.size,
        min(spent, 1000), every_s, tuple(links), tuple(sorted(relay.groups)[:MEMBERSHIPS_MAX]))


def _newest_first(other: Neighbour) -> int:
    return -other.heard_at_us
