"""Whether this station is a gateway: told so, or because there is none and it may be one.

Left out: the uplink itself, of which a port knows.
"""

from wum_edge.mesh.frames import Malformed
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.setting import Setting

# Without any gateway, and more by chance, so that one is the first. After a start others may still
# be about to tell of one; who had a way and lost it knows that there is none.
PATIENCE_US, LOST_PATIENCE_US = 60_000_000, 20_000_000
_CHANCE_US, _LOST_CHANCE_US = 60_000_000, 35_000_000
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Role:
    """`is_standby`: there is an uplink, to be used when nobody else has one."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.is_standby = False
        self._alone_us: int | None = None
        self._had_way = False

    def begin(self) -> None:
        """Be a gateway from now on; what was on its way through us has arrived."""
        relay = self._relay
        self._set(True)
        relay.gradient.become_gateway(relay.setting.address, relay.chance() & 255)
        relay.trickle.reset(relay.now, relay.chance())
        relay.trickle.hurry(relay.now, relay.chance())
        items = relay.custody.everything()
        relay.custody.release(items)
        for item in items:
            try:
                relay.arrive(item)
            except Malformed:
                relay.count("malformed")

    def end(self) -> None:
        """Be one no more: what is not whole goes on to another."""
        relay = self._relay
        self._set(False)
        relay.gradient.resign()
        for item in relay.gathering.give_up():
            relay.custody.forget(item.key)
            relay.custody.take(item, 2)
        relay.answers.wake(relay.now)
        relay.settle()
        relay.trickle.reset(relay.now, relay.chance())
        relay.trickle.hurry(relay.now, relay.chance())

    def _set(self, is_gateway: bool) -> None:
        relay = self._relay
        relay.setting = Setting(relay.setting.address, is_gateway, relay.setting.ways,
                                relay.setting.duty_permyriad)
        relay.channel.serve(is_gateway)
        relay.trickle.serve(is_gateway)

    def tick(self) -> None:
        """Once a minute or oftener."""
        relay = self._relay
        patience_us = LOST_PATIENCE_US if self._had_way else PATIENCE_US
        self._had_way |= relay.gradient.rank < RANK_MAX
        if relay.gradient.is_gateway or not self.is_standby or relay.gradient.rank < RANK_MAX:
            self._alone_us = None
        elif self._alone_us is None:
            self._alone_us = relay.now + relay.chance() % (
                _LOST_CHANCE_US if self._had_way else _CHANCE_US)
            # To the second: two that look three times a minute would serve at once.
            relay.upkeep.at_us = min(relay.upkeep.at_us, self._alone_us + patience_us)
        elif relay.now - self._alone_us >= patience_us:
            self._alone_us = None
            self.begin()
            relay.tell(("serving",))
        else:
            relay.upkeep.at_us = min(relay.upkeep.at_us, self._alone_us + patience_us)
