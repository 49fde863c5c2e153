"""The head-end in virtual time: the real worker and `accept`, one step of it at a time.

Its coroutines are driven by hand: at every `Point` of the store time passes, and the database may
be away or the process end. Left out: sockets; the inbox is a list, two tasks take from it.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import psycopg

from tests.system.chaos.memory_store import MemoryStore, Point, Tables
from wum_cloud.broker import Delivery
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.cipher import SodiumCipher
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.store import Sender
from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_simulator.chaos.clocks import WrongClock
from wum_simulator.chaos.gateway import Violation
from wum_simulator.chaos.network import Broker, Message
from wum_simulator.world import VirtualWorld

TASKS = 2
GATHERED_MAX = 8
INBOX_MAX = 200
AHEAD_S = 300
_RECONNECT_MAX_S = 5
_WAIT = "wait"

MakeWorker = Callable[..., Worker]


async def _wait(_: float) -> None:
    """The worker waits for its database; how long is for the simulation to say."""
    await Point(_WAIT)


class ChaosHeadEnd:
    """A head-end that is killed, loses its database and is misled about time."""

    def __init__(
            self, world: VirtualWorld, broker: Broker, gateways: list[Keys],
            make_store: Callable[[Tables, Callable[[], int]], MemoryStore] = MemoryStore,
            make_worker: MakeWorker = Worker,
    ) -> None:
        self.clock = WrongClock(world)
        self.tables = Tables()
        self.transactions = 0
        self._world = world
        self._broker = broker
        self._make_store = make_store
        self._make_worker = make_worker
        self._chance = world.dice.stream("head-end")
        self._vault = Vault(bytes(32))
        self._life = 0
        self._broker_life = 0
        self._database_until_s = 0.0
        self._inbox: list[Message] = []
        self._free = 0
        self._answers: set[tuple[str, int]] = set()
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
        store = self._make_store(self.tables, lambda: self.clock.now_s() * 1_000_000)
        self._worker = self._make_worker(
            store, self._vault, SodiumCipher(), ahead_s=AHEAD_S, now_s=self.clock.now_s,
            monotonic_s=self._world.elapsed_s, sleep=_wait)
        self._watch(self._life)

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
        self._step(life, coroutine, None)

    def _step(
            self, life: int, coroutine: Coroutine[Any, Any, None], error: Exception | None,
    ) -> None:
        """Let the worker run until its next statement."""
        if life != self._life:
            return
        try:
            point = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration:
            self._running.remove(coroutine)
            self._gather(life)
            return
        delay_s = 1.0 if point.name == _WAIT else self._chance.choice((0.001, 0.001, 0.01, 0.3))
        self._later(delay_s, lambda: self._step(life, coroutine, self._failure(point)))

    def _failure(self, point: Point) -> Exception | None:
        if point.name == _WAIT or self._world.elapsed_s() >= self._database_until_s:
            return None
        return psycopg.OperationalError("the database is away")

    def _publish(self, topic: str, message: bytes) -> object:
        nonce = (topic, cose.peek(message)[2])
        if nonce in self._answers:
            raise Violation("the head-end used counter %d twice on %s" % (nonce[1], topic))
        self._answers.add(nonce)
        return self._broker.publish_down(topic, message)

    def _release(self, delivery: Delivery) -> object:
        return self._broker.release(delivery.message_id)

    def _later(self, delay_s: float, action: Callable[[], object]) -> None:
        self._world.at(self._world.elapsed_s() + delay_s, action, plain=True)  # type: ignore[arg-type]
