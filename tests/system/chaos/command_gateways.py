"""Concentrators that take orders in the chaos: real desks and journals, judged at every act.

Left out: the faults and the run (commands.py), the head-end (command_headend.py).
"""

from dataclasses import dataclass

from wum_cloud.commands.sending.turns import turn
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner, SodiumVerifier
from wum_edge.orders.act import Act, Result
from wum_edge.orders.caps import Cap
from wum_edge.orders.desk import Desk
from wum_edge.orders.freshness import SLACK_S, Freshness
from wum_edge.orders.journal import Journal
from wum_edge.orders.trusted import Trusted
from wum_edge.uplink.broker import Dice
from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_shared.ids import concentrator_id
from wum_shared.messages import DirectionKey
from wum_shared.orders import DISCONNECT, DONE, FAILED, READ, Order
from wum_shared.topics import DOWN, ORDER, UP, topic
from wum_simulator.chaos.clocks import WrongClock
from wum_simulator.chaos.gateway import Silence, Violation
from wum_simulator.chaos.network import Broker
from wum_simulator.flash import TEARS, PowerCut, SimulatedFlash
from wum_simulator.world import Stream, VirtualWorld

START_S = 1_800_000_000
LATE_S = 10                  # Between two looks at what is due.
TICK_S = 2
ORDER_SEED = bytes(range(32))
GROUP, GROUP_KEY = b"everyone", DirectionKey(b"g" * 32, b"G" * 12)   # All are members.


@dataclass(frozen=True, slots=True)
class Parts:
    """What the simulation is made of; a test puts a broken part in."""

    desk: type[Desk] = Desk
    journal: type[Journal] = Journal
    freshness: type[Freshness] = Freshness
    turn: object = turn


class Chance(Dice):
    """Dice of one stream."""

    def __init__(self, chance: Stream) -> None:
        self.chance = chance

    def below(self, limit: int) -> int:
        """A number of 0..limit-1."""
        return self.chance.randrange(limit)


class Meters(Act):
    """What really happens: it takes a while, and does not always work."""

    def __init__(self, gateway: "Concentrator") -> None:
        self._gateway = gateway

    def check(self, order: Order) -> None:
        """Everything is possible."""

    def begin(self, order: Order, done: object) -> None:
        """It happens now; the outcome is known later, in this life or never."""
        gateway, life = self._gateway, self._gateway.life
        gateway.acted(order)
        works = gateway.chance.randrange(8) > 0
        gateway.failed |= set() if works else {order.id}

        def told() -> None:
            if gateway.life == life and gateway.desk is not None:
                gateway.guarded(lambda: done(Result(  # type: ignore[operator]
                    DONE if works else FAILED, 0, "", b"")))
        gateway.world.at(gateway.world.elapsed_s() + gateway.chance.randrange(1, 20), told,
                         plain=True)


class Concentrator:
    """One that is switched off and on, misled about time, and cut off."""

    def __init__(self, number: int, world: VirtualWorld, broker: Broker, parts: "Parts") -> None:
        self.world, self.broker, self._parts = world, broker, parts
        self.chance = world.dice.stream("concentrator", number)
        self.seed = self.chance.randbytes(32)
        self.key = SodiumSigner.public(self.seed)
        octets = self.chance.randbytes(88)
        self.keys = Keys(concentrator_id(self.key), "default", 1,
                         DirectionKey(octets[:32], octets[32:44]),
                         DirectionKey(octets[44:76], octets[76:88]))
        self.clock = WrongClock(world)
        self.flash = SimulatedFlash()
        self.desk: Desk | None = None
        self.happened: set[bytes] = set()
        self.failed: set[bytes] = set()
        self.life = self.cuts = self._counter = self._newest_s = 0
        self.is_replay = False

    def start(self) -> None:
        """Power comes."""
        if self.desk is not None:
            return
        self.life += 1
        try:
            trusted = Trusted(SodiumCipher(), SodiumVerifier(), self.keys,
                              (SodiumSigner.public(ORDER_SEED),))
            trusted.groups = {GROUP: (1, GROUP_KEY)}
            self.desk = self._parts.desk(
                journal=self._parts.journal(self.flash), trusted=trusted, signer=SodiumSigner(),
                seed=self.seed, clock=self.clock, freshness=self._parts.freshness(
                    self.clock, self.chance.randbytes, self._newest_s),
                cap=Cap(1000, 60_000), dice=Chance(self.chance), acts={}, log=Silence())
            self.desk.acts = {READ: Meters(self), DISCONNECT: Meters(self)}
        except PowerCut:
            self.cut()
            return
        self.broker.listen(topic(self.keys.concentrator, DOWN, ORDER), self.hear)
        life = self.life
        self._later(TICK_S, lambda: self._tick(life))

    def cut(self) -> None:
        """Power goes, and comes back."""
        self.cuts, self.life = self.cuts + 1, self.life + 1
        self.flash = self.flash.after_cut(self.chance.choice(TEARS), self.chance.randrange(
            1 + self.flash.pending_bytes()))
        self.desk = None
        self.broker.listen(topic(self.keys.concentrator, DOWN, ORDER), None)
        self._later(self.chance.randrange(1, 120), self.start)

    def hear(self, sealed: bytes) -> None:
        """An order comes."""
        desk = self.desk
        if desk is not None:
            self.guarded(lambda: desk.heard(sealed))

    def acted(self, order: Order) -> None:
        """It happens: judged at once."""
        now_s = START_S + self.world.elapsed_s()
        if self.is_replay:
            raise Violation("a replay was carried out: %r" % order.id)
        if order.id in self.happened:
            raise Violation("act %r happened twice" % order.id)
        if not order.begins_s - SLACK_S <= now_s <= order.expires_s + LATE_S:
            raise Violation("act %r happened %d s after its time" % (
                order.id, now_s - order.expires_s))
        self.happened.add(order.id)

    def guarded(self, work: object) -> None:
        """Do it; the power may go meanwhile."""
        try:
            work()  # type: ignore[operator]
        except PowerCut:
            self.cut()

    def _tick(self, life: int) -> None:
        desk = self.desk
        if desk is None or life != self.life:
            return
        self._newest_s = max(self._newest_s, self.clock.now_s())
        self.guarded(lambda: desk.tick(self._say))
        self._later(TICK_S, lambda: self._tick(life))

    def _say(self, stream: str, signed: bytes) -> bool:
        self._counter += 1
        return self.broker.publish_up(
            topic(self.keys.concentrator, UP, stream), cose.seal(
                SodiumCipher(), self.keys.uplink, self.keys.key_id, self._counter, signed, UP,
                self.keys.tenant, stream))

    def _later(self, delay_s: float, action: object) -> None:
        self.world.at(self.world.elapsed_s() + delay_s, action,  # type: ignore[arg-type]
                      plain=True)
