"""Commands through the chaos: real desks and journals on flash that loses power, a network that
loses, repeats and reorders, clocks that are years off; the head-end's decisions are its own
(commands/sending/turns.py), its database is memory.

Judged all the time: no act twice, none past its time; a state that says done, failed or expired is
true. Afterwards everything that ever went down is played again, to clocks that are right and to
clocks ten years off: nothing happens.
"""

from dataclasses import dataclass, field

from wum_cloud.commands import states
from wum_cloud.commands.sending.turns import heard, turn
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner, SodiumVerifier
from wum_edge.orders.act import Act, Result
from wum_edge.orders.caps import Cap
from wum_edge.orders.desk import Desk
from wum_edge.orders.freshness import SLACK_S, Freshness
from wum_edge.orders.journal import Journal
from wum_edge.orders.trusted import Trusted
from wum_edge.uplink.broker import Dice
from wum_edge.uplink.keys import Keys
from wum_shared import cose, orders
from wum_shared.ids import concentrator_id
from wum_shared.messages import DirectionKey
from wum_shared.orders import DISCONNECT, DONE, FAILED, READ, Order
from wum_shared.topics import DOWN, ORDER, UP, topic
from wum_simulator.chaos.clocks import WrongClock
from wum_simulator.chaos.gateway import Silence, Violation
from wum_simulator.chaos.network import Broker, Message, Network, Weather
from wum_simulator.flash import TEARS, PowerCut, SimulatedFlash
from wum_simulator.world import Stream, VirtualWorld

START_S = 1_800_000_000
GATEWAYS, FAULTY_S, CALM_S = 10, 2400, 2400
LATE_S = 10                  # Between two looks at what is due.
WITHIN_S = 900
YEARS_10_S = 315_576_000
ERRORS_S = (0, 0, 0, -YEARS_10_S, YEARS_10_S, -86400, 86400)
ORDER_SEED = bytes(range(32))
SEND_S = 5
TICK_S = 2


class Chance(Dice):
    """Dice of one stream."""

    def __init__(self, chance: Stream) -> None:
        self.chance = chance

    def below(self, limit: int) -> int:
        """A number of 0..limit-1."""
        return self.chance.randrange(limit)


@dataclass(slots=True)
class Command:
    """A command as the head-end's database would have it."""

    target: "Concentrator"
    id: bytes
    kind: int
    begins_s: int
    expires_s: int
    state: str = states.APPROVED
    due_s: float = 0.0
    sent: int = 0
    is_again: bool = False
    signed: list[bytes] = field(default_factory=list)


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


class HeadEnd:
    """Its decisions, over commands in memory."""

    def __init__(self, world: VirtualWorld, broker: Broker, parts: "Parts",
                 gateways: list[Concentrator]) -> None:
        self.commands: list[Command] = []
        self._by_id: dict[bytes, Command] = {}
        self._gateways = {one.keys.concentrator: one for one in gateways}
        self.recorded: list[tuple[Concentrator, bytes]] = []
        self._world, self._broker, self._parts = world, broker, parts
        self._challenges: dict[bytes, bytes] = {}
        self._sequence = self._counter = 0

    def ask(self, command: Command) -> None:
        """Somebody asks for it."""
        self.commands.append(command)
        self._by_id[command.id] = command

    def now_s(self) -> float:
        """The head-end's clock is right."""
        return START_S + self._world.elapsed_s()

    def tick(self) -> None:
        """Send what is due."""
        now_s = self.now_s()
        for one in [one for one in self.commands if one.due_s <= now_s
                    and one.state not in states.OVER]:
            taken = self._parts.turn(
                one.state, now_s - one.expires_s, one.sent, is_signed=bool(one.signed),
                is_again=one.is_again and len(one.signed) < 8)
            if taken.is_signed:
                self._sign(one, int(now_s))
            self._enter(one, taken.state)
            one.due_s = now_s + taken.again_s
            if taken.is_sent:
                one.sent += 1
                self._publish(one)

    def heard(self, message: Message) -> None:
        """A receipt."""
        self._broker.release(message.number)
        claimed, _, _ = cose.peek(message.payload)
        gateway, cipher = self._gateways[claimed], SodiumCipher()
        signed = orders.unseal_receipt(cipher, gateway.keys.uplink, "default", message.payload)
        self._told(gateway, orders.open_receipt(SodiumVerifier(), gateway.key, signed))

    def _told(self, gateway: Concentrator, receipt: orders.Receipt) -> None:
        one = self._by_id.get(receipt.id)
        if one is not None:
            digests = [orders.order_digest(signed) for signed in one.signed]
            assert receipt.digest in digests
            said = heard(one.state, receipt, is_newest=receipt.digest == digests[-1],
                         is_in_time=self.now_s() < one.expires_s)
            self._enter(one, said.state)
            if said.is_challenge:
                self._challenges[gateway.keys.concentrator] = receipt.challenge
            if said.hurry_s is not None:
                one.due_s = self.now_s() + said.hurry_s
                one.is_again = one.is_again or said.is_again

    def _sign(self, one: Command, now_s: int) -> None:
        self._sequence += 1
        one.is_again = False
        one.signed.append(orders.sign_order(
            SodiumSigner(), ORDER_SEED, SodiumSigner.public(ORDER_SEED), Order(
                one.target.keys.concentrator, one.id, self._sequence, now_s,
                max(now_s, one.begins_s), one.expires_s, one.kind, b"",
                self._challenges.pop(one.target.keys.concentrator, None))))

    def _publish(self, one: Command) -> None:
        self._counter += 1
        keys = one.target.keys
        sealed = orders.seal_order(SodiumCipher(), keys.downlink, keys.key_id, self._counter,
                                   "default", one.signed[-1])
        self.recorded.append((one.target, sealed))
        self._broker.publish_down(topic(keys.concentrator, DOWN, ORDER), sealed)

    def _enter(self, one: Command, state: str) -> None:
        """Every state is judged as it is said."""
        one.state = state
        did = one.id in one.target.happened
        if state == states.DONE and not (did and one.id not in one.target.failed):
            raise Violation("command %r is called done" % one.id)
        if state == states.FAILED and did and one.id not in one.target.failed:
            raise Violation("command %r is called failed, and it happened" % one.id)
        if state == states.EXPIRED and did:
            raise Violation("command %r is called expired, and it happened" % one.id)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the simulation is made of; a test puts a broken part in."""

    desk: type[Desk] = Desk
    journal: type[Journal] = Journal
    freshness: type[Freshness] = Freshness
    turn: object = turn


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: what broke, commands by state, cuts of power, downlinks played again."""

    broken: str
    states: dict[str, int]
    cuts: int
    replayed: int
    acts: int


def run(seed: int, parts: Parts | None = None, commands: int = 500) -> Outcome:
    """One run; it depends on the seed alone."""
    world = VirtualWorld(seed, START_S)
    try:
        return _Run(world, parts or Parts(), commands).outcome()
    finally:
        world.close()


class _Run:
    def __init__(self, world: VirtualWorld, parts: Parts, commands: int) -> None:
        self._world = world
        self._chance = world.dice.stream("commands")
        self._network = Network(world, world.dice.stream("network"))
        self._broker = Broker(self._network)
        self._gateways = [Concentrator(n, world, self._broker, parts) for n in range(GATEWAYS)]
        self._head_end = HeadEnd(world, self._broker, parts, self._gateways)
        for number in range(commands):
            at_s = self._chance.randrange(FAULTY_S - 600)
            world.at(at_s, lambda number=number: self._ask(number), plain=True)  # type: ignore[misc]

    def outcome(self) -> Outcome:
        """Run, judge, replay."""
        broken, acts, replayed = "", 0, 0
        try:
            self._broker.subscribe(self._head_end.heard)
            for gateway in self._gateways:
                gateway.start()
            self._pass(FAULTY_S, faulty=True)
            self._calm()
            self._pass(FAULTY_S + CALM_S, faulty=False)
            self._settled()
            acts = sum(len(gateway.happened) for gateway in self._gateways)
            replayed = self._replay()
        except Violation as violation:
            broken = str(violation)
        found = [one.state for one in self._head_end.commands]
        return Outcome(broken, {state: found.count(state) for state in sorted(set(found))},
                       sum(gateway.cuts for gateway in self._gateways), replayed, acts)

    def _ask(self, number: int) -> None:
        now_s = int(self._head_end.now_s())
        self._head_end.ask(Command(
            self._chance.choice(self._gateways), b"act %04d" % number,
            self._chance.choice((READ, DISCONNECT)), now_s, now_s + WITHIN_S, due_s=now_s))

    def _pass(self, until_s: float, *, faulty: bool) -> None:
        while self._world.elapsed_s() < until_s:
            if faulty:
                self._fault()
            self._world.let_pass(self._world.elapsed_s() + SEND_S)
            self._head_end.tick()

    def _fault(self) -> None:
        chance = self._chance
        gateway = chance.choice(self._gateways)
        fault = chance.randrange(12)
        if fault == 0 and gateway.desk is not None:
            gateway.cut()
        elif fault in (1, 2):
            gateway.flash.cut_at = gateway.flash.operations + chance.randrange(1, 8)
        elif fault == 3:
            gateway.clock.jump(chance.choice(ERRORS_S))
        elif fault == 4:
            self._network.weather = Weather(
                chance.choice((0, 300, 800)), chance.choice((0, 400)),
                chance.choice((20, 20_000, 300_000)))
        elif fault == 5:
            self._broker.stop()
            self._broker.start()
            self._broker.subscribe(self._head_end.heard)
            for one in [one for one in self._gateways if one.desk is not None]:
                self._broker.listen(topic(one.keys.concentrator, DOWN, ORDER), one.hear)

    def _calm(self) -> None:
        self._network.weather = Weather()
        for gateway in self._gateways:
            gateway.flash.cut_at = 0
            gateway.clock.jump(0)

    def _settled(self) -> None:
        """With the faults over, nothing is still on its way; what is unknown stays so honestly."""
        for one in self._head_end.commands:
            if one.state not in (*states.OVER, states.UNKNOWN):
                raise Violation("command %r is %s for ever" % (one.id, one.state))

    def _replay(self) -> int:
        """Everything that ever went down, to each clock."""
        for error_s in (0, -YEARS_10_S, YEARS_10_S):
            for gateway in self._gateways:
                gateway.is_replay = True
                gateway.clock.jump(error_s)
                if error_s:
                    gateway.cut()
            self._world.let_pass(self._world.elapsed_s() + 200)
            for gateway, sealed in self._head_end.recorded:
                gateway.hear(sealed)
            self._world.let_pass(self._world.elapsed_s() + 200)
        return 3 * len(self._head_end.recorded)

