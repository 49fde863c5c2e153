"""Whether this station is a gateway: told so, or because there is none and it may be one.

Left out: the uplink itself, of which a port knows.
"""

from wum_edge.mesh.frames import ALL, Malformed
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.setting import Setting

# Without any gateway, and up to as much more by chance, so that one is the first. After a start
# others may still be about to tell of one; who had a way and lost it knows that there is none.
PATIENCE_US, _OF_LOST = 60_000_000, 3            # A third of it, and 7/12 by chance.
_LOST_CHANCE = (7, 12)
# Beside another gateway; doubled by chance, so that of two on standby one stays.
BESIDE_US = 600_000_000
# A gateway some hops away is heard by nobody around us: for want of a word of it we rest for once,
# and serve again if there is none.
SERVES_US = 21_600_000_000
_HEARD_US = 200_000_000      # A neighbour that was heard since knows of that other gateway.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Role:
    """`is_standby`: there is an uplink, to be used when nobody else has one."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.is_standby = False
        self.patience_us, self.serves_us = PATIENCE_US, SERVES_US
        self._alone_us: int | None = None
        self._had_way = False
        self._beside_us: int | None = None
        self._began_us = 0

    def begin(self) -> None:
        """Be a gateway from now on; what was on its way through us has arrived."""
        relay = self._relay
        self._began_us = relay.now
        self._set(True)
        relay.gradient.become_gateway(relay.setting.address, relay.chance() & 255)
        relay.trickle.reset(relay.now, relay.chance())
        relay.trickle.hurry(relay.now, relay.chance())
        items = relay.custody.everything()
        relay.custody.release(items)
        for item in items:
            try:
                relay.ends.arrive(item)
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
        rank = self._relay.gradient.rank
        if self.is_standby and self._relay.gradient.is_gateway:
            self._alone_us = None
            self._rest()
        elif self.is_standby and rank >= RANK_MAX:
            self._beside_us = None
            self._serve()
        else:
            self._alone_us = self._beside_us = None
        self._had_way |= rank < RANK_MAX

    def _serve(self) -> None:
        """There is no gateway: after a while this one is."""
        relay = self._relay
        patience_us = chance_us = self.patience_us * relay.trickle.stretch
        if self._had_way:
            patience_us //= _OF_LOST
            chance_us = chance_us * _LOST_CHANCE[0] // _LOST_CHANCE[1]
        if self._alone_us is None:
            self._alone_us = relay.now + relay.chance() % chance_us
        if relay.now - self._alone_us >= patience_us:
            self._alone_us = None
            self.begin()
            relay.tell(("serving",))
        else:                    # To the second: two that look three times a minute serve at once.
            relay.upkeep.at_us = min(relay.upkeep.at_us, self._alone_us + patience_us)

    def _rest(self) -> None:
        """There is another gateway, or may be: after a while this one is none."""
        relay = self._relay
        is_beside = self._is_beside_another()
        if not is_beside:
            self._beside_us = None
        elif self._beside_us is None:
            self._beside_us = relay.now + relay.chance() % BESIDE_US
        if relay.now - self._began_us >= self.serves_us or (
                self._beside_us is not None and relay.now - self._beside_us >= BESIDE_US):
            self._beside_us = None
            self.end()
            relay.tell(("resting",))

    def _is_beside_another(self) -> bool:
        """Whether a neighbour has a way to a gateway that is not this one."""
        relay = self._relay
        for other in relay.neighbours.all():
            if other.rank < RANK_MAX and other.gateway not in (ALL, relay.setting.address) and (
                    relay.now - other.heard_at_us < _HEARD_US * relay.trickle.stretch):
                return True
        return False
