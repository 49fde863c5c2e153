"""A station that wants a way although a neighbour has one: its gateway raises its heartbeat.

A way that is longer than the one that was lost may lead back to who lost it, until a newer
heartbeat tells that it does not (gradient.py). So the wish goes up to the gateway, and the
heartbeat comes down by beacons: in seconds, and not in the ten minutes after which a gateway's
heart beats anyway. It is Babel's request for a sequence number (RFC 8966, 3.8.1.2). Left out: who
may be a parent.
"""

from wum_edge.mesh.downframes import WANTED

PASS_US = 20_000_000         # A station passes the wish of others on once in this time ...
BEAT_US = 10_000_000         # ... a gateway heeds it: 128 beats must not come in an hour's sleep.
_WAIT_US = 60_000_000        # So long a newer heartbeat is told at once.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Wanting:
    """What became of such a wish."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._passed_us: int | None = None
        self._beaten_us: int | None = None
        self._until_us = relay.now

    def heard(self) -> None:
        """A neighbour wants a way, and we have one."""
        relay = self._relay
        self._tell()
        if relay.gradient.is_gateway:
            self.beat()
        elif self._passed_us is None or relay.now - self._passed_us >= PASS_US:
            self._passed_us = relay.now
            self.carries()
            relay.note(bytes((WANTED,)), 0)

    def carries(self) -> None:
        """Such a wish goes up through us: what comes of it is to go down."""
        self._until_us = self._relay.now + _WAIT_US

    def renewed(self) -> None:
        """Our gateway's heartbeat is newer than before."""
        if self._relay.now < self._until_us:
            self._tell()

    def beat(self) -> None:
        """At the gateway."""
        relay = self._relay
        if self._beaten_us is None or relay.now - self._beaten_us >= BEAT_US:
            self._beaten_us = relay.now
            relay.upkeep.beat()
        self._tell()

    def _tell(self) -> None:
        """By a beacon, soon."""
        relay = self._relay
        relay.changeover.waited_for()
        relay.trickle.hurry(relay.now, relay.chance())
