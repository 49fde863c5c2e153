"""What a relay does three times and once a minute, and a gateway's heartbeat.

Left out: everything that happens because a frame has come.
"""

from wum_edge.mesh.frames import NOTE
from wum_edge.mesh.gradient import RANK_MAX

HEARTBEAT_US = 600_000_000
MINUTE_US = 60_000_000
_TICK_US = 20_000_000        # A dead gateway is to be noticed sooner than minutes pass.
_KEEP_MINUTES = 10           # Between two words to the store of who was heard until when.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Upkeep:
    """`at_us`: when `tick` is to be called."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.at_us = relay.now + _TICK_US
        self._minute_us = relay.now + MINUTE_US
        self._heartbeat_us = relay.now + HEARTBEAT_US
        self._minutes, self._windows = 0, b""

    def tick(self) -> None:
        """A third of a minute is over."""
        relay = self._relay
        self.at_us = relay.now + _TICK_US
        relay.role.tick()
        if relay.gradient.silence(relay.now, relay.neighbours, relay.trickle.stretch):
            relay.settle()
        if relay.now >= self._minute_us:
            self._minute_us = relay.now + MINUTE_US
            self._minute()

    def _minute(self) -> None:
        relay = self._relay
        if relay.gradient.rank >= RANK_MAX:
            relay.unreceipted.postpone(relay.now)
        for item in relay.custody.everything():      # Patience begins when the last piece is gone.
            if item.origin == relay.setting.address and item.mark != NOTE:
                relay.unreceipted.sent_again(item.number, relay.now)
        for number in relay.unreceipted.overdue(relay.now):
            relay.answers.lost(number)
        relay.speech.relax()
        used = relay.ledger.spent_us(relay.now) * 100 // relay.ledger.limit_us
        relay.gradient.price_q4 = 16 << max(min((used - 45) // 10, 5), 0)
        self._minutes += 1
        if self._minutes % _KEEP_MINUTES == 0:
            self._keep()
        if relay.gradient.is_gateway:
            relay.orders.ask_for_missing()
            if relay.now >= self._heartbeat_us:
                self.beat()
        relay.settle()

    def _keep(self) -> None:
        relay = self._relay
        windows = relay.guard.kept([other.address for other in relay.neighbours.all()])
        if windows != self._windows:
            self._windows = windows
            relay.tell(("keep", windows))

    def beat(self) -> None:
        """A gateway lives: what it told before is old."""
        gradient = self._relay.gradient
        self._heartbeat_us = self._relay.now + HEARTBEAT_US
        gradient.heartbeat = gradient.heartbeat + 1 & 255
