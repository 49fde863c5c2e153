"""One gateway in virtual time: the real agent, archive and delivery on simulated flash.

Beside it stands what it was given and what it has confirmed, for whoever judges. Left out: the
meters' wires (rows are made here, each with values that no other row has) and the port's threads.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from wum_edge.agent import Agent
from wum_edge.archive.ring import Archive
from wum_edge.log import Log
from wum_edge.uplink import broker
from wum_edge.uplink.counter import CHANCE_BYTES, Counter, CounterDoubtful, first_start
from wum_edge.uplink.delivery import Delivery
from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_shared.batch import Event, Missed, Row
from wum_shared.cipher import Cipher
from wum_shared.ids import id_to_text
from wum_shared.messages import Meter, Register, RegisterSet, Schedule, Schema
from wum_shared.status import ABSENT, LATE, SILENT
from wum_shared.topics import ACKNOWLEDGEMENT, DOWN, REQUEST, topic
from wum_simulator.chaos.clocks import NEVER_BEFORE_S, WrongClock
from wum_simulator.chaos.network import Broker
from wum_simulator.flash import TEARS, PowerCut, SimulatedFlash
from wum_simulator.world import Stream, VirtualWorld

TICK_S = 2.0
SEGMENT_BYTES = 8 * 1024
LIMIT_BYTES = 1024 * 1024
REGISTERS = 3
PERIOD_S = 40

Record = Row | Missed | Event
Said = tuple[str, int, int, int]     # A meter's serial, capture time, place of register, value.


class Violation(AssertionError):
    """A promise was broken: which, and by whom."""


@dataclass(slots=True)
class Truth:
    """What one gateway was given, and what it said is kept for ever.

    `offered` are all values of all rows; `confirmed` is by incarnation and sequence number.
    """

    offered: set[Said] = field(default_factory=set)
    confirmed: dict[tuple[bytes, int], Record] = field(default_factory=dict)
    wiped: set[bytes] = field(default_factory=set)     # Incarnations that are gone for ever.
    cursors: dict[bytes, int] = field(default_factory=dict)

    def confirm(self, incarnation: bytes, records: list[Record], last: int) -> None:
        """The archive's append has returned: these are its records up to number `last`."""
        for place, record in enumerate(records):
            key = (incarnation, last - len(records) + 1 + place)
            if key in self.confirmed:
                raise Violation("number %d of %s was given twice" % (key[1], incarnation.hex()))
            self.confirmed[key] = record


class Silence(Log):
    """Says nothing: ten thousand runs would fill a disk."""

    def say(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""


class _Chance(broker.Dice):
    def __init__(self, chance: Stream) -> None:
        self._chance = chance

    def below(self, limit: int) -> int:
        return self._chance.randrange(limit)


class _Link(broker.Broker):
    """The gateway's connection: it notes every counter, which must never come twice."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self.number = 0
        self.is_open = False

    def session(self) -> int:
        """Number of the connection; 0 without one."""
        return self.number if self.is_open else 0

    def publish(self, topic: str, payload: bytes) -> bool:
        """To the broker, while connected."""
        self._gateway.note_sent(payload)
        return self.is_open and self._gateway.broker.publish_up(topic, payload)


Make = Callable[..., Delivery]


class Gateway:
    """A concentrator that is switched off and on, wiped, misled about time, and cut off."""

    def __init__(
            self, number: int, world: VirtualWorld, broker: Broker, keys: Keys, cipher: Cipher,
            make: Make = Delivery, meters: int = 3, period_s: int = PERIOD_S,
    ) -> None:
        self.number = number
        self.keys = keys
        self.broker = broker
        self.clock = WrongClock(world)
        self.truth = Truth()
        self.flash = SimulatedFlash()
        self.agent: Agent | None = None
        self.archive: Archive | None = None
        self.lives = 0
        self.rebuilt = 0                 # Deltas whose base the head-end did not have,
        self.requests = 0                # and gap requests that were answered, in lives that ended.
        self._world = world
        self._cipher = cipher
        self._make = make
        self._meters = meters
        self._period_s = period_s
        self._chance = world.dice.stream("gateway", number)
        self._counters: set[int] = set()
        self._link = _Link(self)
        self._topics = ((topic(keys.concentrator, DOWN, ACKNOWLEDGEMENT), self.heard),
                        (topic(keys.concentrator, DOWN, REQUEST), self.asked))
        self._serial = 0                 # Of rows, for values that stand once.
        self._broker_life = 0
        self._connect_s = 0.0

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return self.agent is not None

    def start(self) -> None:
        """Power comes: mount what is on flash, and go on."""
        if self.agent is not None:
            return
        self.lives += 1
        self._link = _Link(self)
        try:
            self._boot()
        except PowerCut:
            self.cut(0)
            return
        life = self.lives
        self._later(TICK_S, lambda: self._tick(life))
        self._later(self._until_sweep(), lambda: self._sweep(life))

    def cut(self, off_s: float) -> None:
        """Power goes at once, and is back after `off_s`; what was not synced is torn."""
        keep = self._chance.randrange(1 + self.flash.pending_bytes())
        self._off(self.flash.after_cut(self._chance.choice(TEARS), keep), off_s)

    def cut_soon(self, operations: int) -> None:
        """Power will go during the flash operation that is so many ahead."""
        self.flash.cut_at = self.flash.operations + max(1, operations)

    def kill(self, off_s: float) -> None:
        """The process ends; nothing that was written is lost."""
        self._off(self.flash.after_kill(), off_s)

    def mend(self) -> None:
        """A person does what a gateway that sends nothing any more asks for: start it again."""
        if self.agent is not None and self.agent.summary().stopped:
            self.kill(TICK_S)

    def wipe(self, off_s: float) -> None:
        """Somebody puts in an empty card: what nobody had fetched is gone, under its name."""
        if self.archive is not None:
            self.truth.wiped.add(self.archive.incarnation)
            self._off(SimulatedFlash(), off_s)

    def heard(self, sealed: bytes) -> None:
        """An acknowledgement from the head-end."""
        agent = self.agent
        if agent is not None:
            self._guarded(lambda: agent.heard(sealed))

    def asked(self, sealed: bytes) -> None:
        """A gap request from the head-end."""
        agent = self.agent
        if agent is not None:
            self._guarded(lambda: agent.asked(sealed))

    def note_sent(self, sealed: bytes) -> None:
        """A sealed message leaves: its counter must never have been used."""
        counter = cose.peek(sealed)[2]
        if counter in self._counters:
            raise Violation("gateway %d used message counter %d twice" % (self.number, counter))
        self._counters.add(counter)

    def is_settled(self) -> bool:
        """Whether it runs, and the head-end has acknowledged everything."""
        return (self.agent is not None and self.archive is not None
                and not self.agent.summary().inbox and not self.archive.backlog)

    def _boot(self) -> None:
        new = self._chance.randbytes(8)
        start = first_start(self._chance.randbytes(CHANCE_BYTES))
        archive = Archive(self.flash, LIMIT_BYTES, new, segment_bytes=SEGMENT_BYTES)
        delivery: Delivery | None = None
        doubtful = ""
        try:
            counter = Counter(self.flash, self.keys.key_id, start)
        except CounterDoubtful as error:
            doubtful = str(error)
        else:
            delivery = self._make(
                archive=archive, counter=counter, cipher=self._cipher, keys=self.keys,
                broker=self._link, dice=_Chance(self._chance), log=Silence())
        incarnation = archive.incarnation
        self.archive = archive
        self.agent = Agent(
            archive=archive, delivery=delivery, clock=self.clock, schema=self._schema(),
            log=Silence(), archived=lambda records, last: self.truth.confirm(
                incarnation, list(records), last))
        if doubtful:
            self.agent.stop_sending(doubtful)

    def counted(self) -> tuple[int, int]:
        """(deltas whose base the head-end did not have, gap requests answered) so far."""
        progress = None if self.agent is None else self.agent.summary().progress
        if progress is None:
            return self.rebuilt, self.requests
        return self.rebuilt + progress.rebuilt, self.requests + progress.requests

    def _off(self, flash: SimulatedFlash, off_s: float) -> None:
        with suppress(OSError, PowerCut):    # A summary reads flash, whose power is gone.
            self.rebuilt, self.requests = self.counted()
        self.agent = self.archive = None
        self.flash = flash
        for name, _ in self._topics:
            self.broker.listen(name, None)
        self._later(max(off_s, TICK_S), self.start)

    def _tick(self, life: int) -> None:
        if self.agent is None or life != self.lives:
            return
        self._connect()
        self._guarded(self.agent.tick)
        self._later(TICK_S, lambda: self._tick(life))

    def _connect(self) -> None:
        """Follow the broker: a connection ends with its life, and a new one takes a while."""
        now_s = self._world.elapsed_s()
        if self._broker_life != self.broker.life or not self.broker.is_up:
            self._broker_life = self.broker.life
            self._link.is_open = False
            self._connect_s = now_s + self._chance.randrange(1, 8)
        elif not self._link.is_open and now_s >= self._connect_s:
            self._link.is_open = True
            self._link.number += 1
            for name, hear in self._topics:
                self.broker.listen(name, hear)

    def disconnect(self) -> None:
        """The connection breaks; it comes back by itself."""
        self._link.is_open = False
        for name, _ in self._topics:
            self.broker.listen(name, None)
        self._connect_s = self._world.elapsed_s() + self._chance.randrange(1, 8)

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except PowerCut:
            self.cut(self._chance.randrange(1, 60))
        if self.archive is not None:
            self.truth.cursors[self.archive.incarnation] = self.archive.cursor

    def _sweep(self, life: int) -> None:
        if self.agent is None or life != self.lives:
            return
        for meter in range(self._meters):
            for record in self._read(meter, self.clock.now_s()):
                if type(record) is Row:
                    self.truth.offered.update(said(self.serial(meter), record))
                self.agent.take(record)
        self._later(self._until_sweep(), lambda: self._sweep(life))

    def _read(self, meter: int, at_s: int) -> list[Record]:
        self._serial += 1
        quality, first = self.clock.quality(), 1000 * self._serial
        fate = self._chance.randrange(20)
        if fate == 0:
            return [Missed(0, meter, 0, at_s, quality, SILENT, "")]
        values: list[int | None] = [first, first + 1, first + 2]
        if fate > 1:
            return [Row(0, meter, 0, at_s, quality, tuple(values), (0, 0, 0))]
        return [Row(0, meter, 0, at_s, quality, (first, None, first + 2), (0, ABSENT, 0)),
                Row(0, meter, 0, at_s, quality, (None, first + 1, None), (ABSENT, LATE, ABSENT))]

    def serial(self, meter: int) -> str:
        """Of one of its meters."""
        return "M-%d-%d" % (self.number, meter)

    def _schema(self) -> Schema:
        registers = tuple([Register(bytes([1, 0, 1 + place, 8, 0, 255]), 0, 30)
                           for place in range(REGISTERS)])
        meters = tuple([Meter(self.serial(n), "dp-" + self.serial(n), "model", (0,), (0,))
                        for n in range(self._meters)])
        return Schema(
            self.keys.tenant, self.keys.concentrator, max(self.clock.now_s(), NEVER_BEFORE_S),
            meters, (RegisterSet(0, registers),), (Schedule(self._period_s, 0),))

    def _until_sweep(self) -> float:
        return self._period_s - self._world.elapsed_s() % self._period_s

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        self._world.at(self._world.elapsed_s() + delay_s, action, plain=True)

    def __repr__(self) -> str:
        return "gateway %d (%s)" % (self.number, id_to_text(self.keys.concentrator))


def said(serial: str, row: Row) -> list[Said]:
    """The values of a row, each as the judge knows it again."""
    return [(serial, row.captured_at_s, place, value)
            for place, value in enumerate(row.values) if value is not None]
