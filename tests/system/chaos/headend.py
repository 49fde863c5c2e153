"""The head-end in virtual time: the real worker and `accept`, one step of it at a time.

Its coroutines are driven by hand: at every `Point` of the store time passes, and the database may
be away or the process end. Left out: sockets; the inbox is a list, two tasks take from it.
"""

from collections.abc import Callable, Coroutine
from copy import deepcopy
from typing import Any

import psycopg

from tests.system.chaos.memory_gaps import MemoryGaps
from tests.system.chaos.memory_store import Key, MemoryStore, Point, Tables
from wum_cloud.broker import Delivery
from wum_cloud.ingest.downlink import CHANCE_BITS, DatabaseWentBack, Downlink
from wum_cloud.ingest.gaps.asking import LOOK_EVERY_S, Asking
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.cipher import SodiumCipher
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.store import Sender
from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_simulator.chaos.clocks import WrongClock
from wum_simulator.chaos.gateway import PERIOD_S, Violation
from wum_simulator.chaos.network import Broker, Message
from wum_simulator.world import VirtualWorld

TASKS = 2
GATHERED_MAX = 8
START_S = 1_790_000_000         # 2026-09-21: the true time when a run begins.
INBOX_MAX = 200
AHEAD_S = 300
_RECONNECT_MAX_S = 5
_WAIT = "wait"
_SURVIVES = 0.5                 # So many times of one the process lives through a restore.
_UNDER_WAY_S = 2                # No statement is under way for longer.

MakeWorker = Callable[..., Worker]
MakeStore = Callable[[Tables, Callable[[], int], Downlink], MemoryStore]
MakeGaps = Callable[[Tables, Callable[[], int], Downlink], MemoryGaps]
Draw = Callable[[], int]        # Of the upper half of message counters.


async def _wait(_: float) -> None:
    """The worker waits for its database; how long is for the simulation to say."""
    await Point(_WAIT)


class ChaosHeadEnd:
    """A head-end that is killed, loses its database and is misled about time."""

    def __init__(
            self, world: VirtualWorld, broker: Broker, gateways: list[Keys],
            make_store: MakeStore = MemoryStore,
            make_worker: MakeWorker = Worker,
            make_gaps: MakeGaps = MemoryGaps,
            draw: Draw | None = None,
    ) -> None:
        self.has_lost = False            # Something that it had committed.
        self.forgiven: dict[tuple[int, bytes], set[int]] = {}  # What had been committed before.
        self.lost_rows: set[Key] = set()
        self.clock = WrongClock(world)
        self.tables = Tables()
        self.transactions = 0
        self._world = world
        self._broker = broker
        self._make_store = make_store
        self._make_worker = make_worker
        self._make_gaps = make_gaps
        self._chance = world.dice.stream("head-end")
        chance = world.dice.stream("message counters")
        self._survives = world.dice.stream("survives a restore")
        self._draw = draw or (lambda: chance.getrandbits(CHANCE_BITS))
        self._vault = Vault(bytes(32))
        self._life = 0
        self._broker_life = 0
        self._database_until_s = 0.0
        self._inbox: list[Message] = []
        self._free = 0
        self._answers: set[tuple[bytes, int, int]] = set()
        self._backup: Tables | None = None
        self._running: list[Coroutine[Any, Any, None]] = []
        for number, keys in enumerate(gateways, start=1):
            self.tables.senders[keys.concentrator, keys.epoch] = Sender(
                number, keys.concentrator, 1, keys.tenant, keys.epoch,
                self._vault.seal(keys.concentrator, keys.epoch, keys.uplink, keys.downlink))

    def start(self) -> None:
        """The process begins, and looks after its connection from now on."""
        self._life += 1
        self._inbox.clear()
        self._free = TASKS
        self._broker_life = 0
        store = self._make_store(self.tables, self.clock.now_s, Downlink(self._draw))
        self._worker = self._make_worker(
            store, self._vault, SodiumCipher(), ahead_s=AHEAD_S, now_s=self.clock.now_s,
            monotonic_s=self._world.elapsed_s, sleep=_wait)
        self._asking = Asking(
            self._make_gaps(self.tables, self.clock.now_s, Downlink(self._draw)), self._vault,
            SodiumCipher(), self._publish)
        self._watch(self._life)
        life = self._life
        self._later(LOOK_EVERY_S, lambda: self._look(life))

    def kill(self, off_s: float) -> None:
        """It ends between two statements; whatever was not committed is rolled back."""
        self._life += 1
        for coroutine in self._running:
            coroutine.close()
        self._running.clear()
        self._broker.subscribe(None)
        life = self._life
        self._later(off_s, lambda: self.start() if life == self._life else None)

    def lose_database(self, off_s: float) -> None:
        """Every statement fails for so long."""
        self._database_until_s = self._world.elapsed_s() + off_s

    def back_up(self) -> None:
        """Somebody makes a backup of the database."""
        self._backup = deepcopy(self.tables)

    def restore(self, off_s: float) -> bool:
        """The database is lost, and the backup is put in its place; False without one. The
        process ends meanwhile, or lives through it.
        """
        if self._backup is None:
            return False
        for key, numbers in self.tables.archives.items():
            self.forgiven.setdefault(key, set()).update(numbers.received | numbers.lost)
        self.tables.put_back(deepcopy(self._backup))
        self.has_lost = True
        if self._survives.random() < _SURVIVES:
            self.lose_database(max(off_s, _UNDER_WAY_S))
        else:
            self.kill(off_s)
        return True

    def lose_rows(self, most: int) -> int:
        """A few rows are gone from the database; how many. Only such as a schedule shows missing:
        one to an interval, and not the newest.
        """
        tables = self.tables
        revised = {(meter, at_s) for meter, at_s, *_ in tables.revisions}
        intervals: dict[tuple[int, int], list[Key]] = {}
        for key in (*tables.readings, *tables.missed):
            intervals.setdefault((key[0], key[1] // PERIOD_S), []).append(key)
        now_s = self._world.now_s()
        lost = 0
        for keys in list(intervals.values())[::3]:
            at_s = keys[0][1]
            if len(keys) == 1 and keys[0] in tables.readings and lost < most and (
                    max(now_s - 600, START_S) < at_s < now_s - 2 * PERIOD_S
                    and keys[0][:2] not in revised):
                del tables.readings[keys[0]]
                self.lost_rows.add(keys[0])
                lost += 1
        self.has_lost = self.has_lost or bool(lost)
        return lost

    def forget_bases(self) -> None:
        """What deltas build on is emptied, as it may be at any time."""
        self.tables.bases.clear()

    def _look(self, life: int) -> None:
        """Ask for what is missing, now and then."""
        if life != self._life:
            return
        coroutine = self._asked()
        self._running.append(coroutine)
        self._step(life, coroutine, None, lambda: self._later(
            LOOK_EVERY_S, lambda: self._look(life)))

    async def _asked(self) -> None:
        try:
            await self._asking.step()
        except (psycopg.OperationalError, DatabaseWentBack):
            return

    def _watch(self, life: int) -> None:
        """Connect again when the broker has been away."""
        if life != self._life:
            return
        if self._broker.is_up and self._broker_life != self._broker.life:
            self._broker_life = self._broker.life
            self._broker.subscribe(lambda message: self._arrived(life, message))
        self._later(1 + self._chance.random() * _RECONNECT_MAX_S, lambda: self._watch(life))

    def _arrived(self, life: int, message: Message) -> None:
        if life == self._life and len(self._inbox) < INBOX_MAX:
            self._inbox.append(message)
            if self._free:
                self._free -= 1
                self._later(0.02, lambda: self._gather(life))

    def _gather(self, life: int) -> None:
        if life != self._life:
            return
        if not self._inbox:
            self._free += 1
            return
        messages, self._inbox = self._inbox[:GATHERED_MAX], self._inbox[GATHERED_MAX:]
        deliveries = [Delivery(m.topic, m.payload, life, m.number, 1) for m in messages]
        coroutine = self._worker.settle(deliveries, self._publish, self._release)
        self._running.append(coroutine)
        self.transactions += 1
        self._step(life, coroutine, None, lambda: self._gather(life))

    def _step(
            self, life: int, coroutine: Coroutine[Any, Any, None], error: Exception | None,
            following: Callable[[], object],
    ) -> None:
        """Let the worker run until its next statement."""
        if life != self._life:
            return
        try:
            point = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration:
            self._running.remove(coroutine)
            following()
            return
        delay_s = 1.0 if point.name == _WAIT else self._chance.choice((0.001, 0.001, 0.01, 0.3))
        self._later(delay_s, lambda: self._step(
            life, coroutine, self._failure(point), following))

    def _failure(self, point: Point) -> Exception | None:
        if point.name == _WAIT or self._world.elapsed_s() >= self._database_until_s:
            return None
        return psycopg.OperationalError("the database is away")

    def _publish(self, topic: str, message: bytes) -> object:
        nonce = cose.peek(message)       # Concentrator, epoch, counter: whatever the topic.
        if nonce in self._answers:
            raise Violation("the head-end used counter %d twice for %s, now on %s" % (
                nonce[2], nonce[0].hex(), topic))
        self._answers.add(nonce)
        return self._broker.publish_down(topic, message)

    def _release(self, delivery: Delivery) -> object:
        return self._broker.release(delivery.message_id)

    def _later(self, delay_s: float, action: Callable[[], object]) -> None:
        self._world.at(self._world.elapsed_s() + delay_s, action, plain=True)  # type: ignore[arg-type]
