"""`make soak`: 100 simulated concentrators and two real ones, faults all the time, for two hours.

The simulated ones seal real batches and keep each until it is acknowledged; they say them twice
and out of order, and overhear every tenth answer. Database, broker, one of two ingest workers and
one of two agents are killed again and again. At the end every row is there once, and the memory
of the ingest worker and of the agent that nobody killed did not grow in the second half.

Every five minutes a line tells how it stands. Left out: how memory is judged (flat_memory.py).
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.errors import PostgresFailed  # noqa: E402
from demo.parts import Part  # noqa: E402
from tests.cloud.concentrator import CODES, Concentrator, register_set  # noqa: E402
from tests.system.flat_memory import SAMPLE_S, in_use, judged, private_bytes  # noqa: E402
from tests.system.street import ROOT, Street  # noqa: E402
from wum_cloud.database import connect  # noqa: E402
from wum_cloud.registry import store as registry  # noqa: E402
from wum_cloud.registry.keys import open_vault  # noqa: E402
from wum_cloud.registry.registration import mosquitto_hash  # noqa: E402
from wum_shared import topics  # noqa: E402
from wum_shared.status import SCHEMA_UNKNOWN, STORED  # noqa: E402

CONCENTRATORS, METERS = 100, 8
ROUND_S = 10.0
AGAIN_S = 30.0                  # Without an answer a batch is said again, as the gateway does.
WINDOW = 4                      # Batches of one that are on their way at once.
KEPT_MAX = 64                   # Batches without an answer; then a concentrator makes no more.
VICTIMS = ("database", "broker", "ingest-2", "edge-2")
FAULT_EVERY_S, DOWN_S = (5.0, 25.0), (0.3, 4.0)
START_TRIES = 5                 # Of a database that has much to recover on a busy disk.
DRAIN_S = 300.0
TELL_S = 300.0
WATCHED = ("ingest", "edge-1")  # Nobody kills them: their memory is judged.
_WATCH = ROOT / "tests" / "services" / "memory_watch"
_HOUR_S = 3600
_ACCOUNT = "load"


class Soaked(Street):
    """A street with two ingest workers that share the messages, and an account for the load."""

    password = "soak"

    def start(self) -> None:
        super().start()
        self._start("ingest-2", [*self.program("wum-cloud", "ingest")])

    def _settings(self) -> dict[str, str]:
        return {**super()._settings(), "WUM_SHARED_GROUP": "ingest"}

    def in_use(self, name: str) -> Path:
        """The file in which a part that is watched tells what it has in use."""
        return self.place.root / ("in-use-" + name)

    def _start(self, name: str, command: list[str]) -> None:
        if name in WATCHED:
            path = [str(_WATCH), *[path for path in [os.environ.get("PYTHONPATH")] if path]]
            self._parts.setdefault(name, Part(
                name, command, {**self.environment, "PYTHONPATH": os.pathsep.join(path),
                                "WUM_TEST_MEMORY": str(self.in_use(name))},
                self.place.logs / ("%s.log" % name), ROOT))
        if name == "broker" and name not in self._parts:
            with (self.place.broker / "passwords").open("a") as passwords:
                passwords.write("%s:%s\n" % (_ACCOUNT, mosquitto_hash(self.password, bytes(12))))
            with (self.place.broker / "acl").open("a") as rights:
                rights.write("\nuser %s\ntopic write %s/+/up/#\ntopic read %s/+/down/#\n" % (
                    _ACCOUNT, topics.ROOT, topics.ROOT))
        super()._start(name, command)


class Load:
    """The simulated concentrators. Their clocks go an hour a round, from long ago until now."""

    def __init__(self, street: Soaked, dice: random.Random, rounds: int) -> None:
        self._dice = dice
        self._start_s = int(time.time()) // _HOUR_S * _HOUR_S - (rounds + 2) * _HOUR_S
        self._round = 0
        self.ones = [Concentrator(serials=["L-%d-%d" % (n, m) for m in range(METERS)],
                                  sets=[register_set(*CODES)]) for n in range(CONCENTRATORS)]
        self.waiting: dict[bytes, dict[int, tuple[object, float]]] = {
            one.id: {} for one in self.ones}
        self.rows = self.asked = self.refused = self.overheard = 0
        self._by_topic = {topics.topic(one.id, topics.DOWN, topics.ACKNOWLEDGEMENT): one
                          for one in self.ones}
        self._lock = threading.Lock()
        asyncio.run(self._register(street))
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="load")
        self._client.username_pw_set(_ACCOUNT, street.password)
        self._client.max_queued_messages_set(5000)
        self._client.reconnect_delay_set(0.2, 2.0)
        self._client.on_connect = lambda client, *_: client.subscribe(
            "%s/+/%s/%s" % (topics.ROOT, topics.DOWN, topics.ACKNOWLEDGEMENT), qos=1)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", street.broker_port)
        self._client.loop_start()

    async def _register(self, street: Soaked) -> None:
        vault = open_vault(street.place.key_file)
        async with await connect(street.database_url) as connection:
            tenant = await registry.tenant_id(connection, "default")
            for one in self.ones:
                number = await registry.save_concentrator(
                    connection, one.registration(), tenant=tenant, name=None, site=None,
                    password_hash="-")
                await registry.save_keys(connection, number, one.epoch, vault.seal(
                    one.id, one.epoch, one.uplink, one.downlink))

    def step(self, *, is_new: bool) -> None:
        """A round: an hour's batch of each, where there is room; then what is not answered."""
        now = time.monotonic()
        with self._lock:
            for one in self._dice.sample(self.ones, len(self.ones)):
                kept = self.waiting[one.id]
                if is_new and len(kept) < KEPT_MAX:
                    at_s = self._start_s + self._round * _HOUR_S
                    batch = one.batch(*[one.row(m, self._round, at_s=at_s)
                                        for m in range(METERS)])
                    kept[batch.first_sequence] = (batch, -AGAIN_S)
                    self.rows += METERS
                if is_new and (not self._dice.randrange(20) or not self._round):
                    self._say(one.send_schema())
                due = [key for key, (_, said) in kept.items() if now - said > AGAIN_S]
                room = max(0, WINDOW - (len(kept) - len(due)))
                for key in self._dice.sample(due, min(len(due), room)):
                    batch = kept[key][0]
                    kept[key] = (batch, now)
                    for _ in range(1 + (not self._dice.randrange(10))):
                        self._say(one.send(batch))
            self._round += is_new

    def count(self) -> int:
        """Batches that are not acknowledged."""
        with self._lock:
            return sum([len(kept) for kept in self.waiting.values()])

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _say(self, delivery: object) -> None:
        self._client.publish(delivery.topic, delivery.payload, qos=1)

    def _heard(self, _: Client, __: object, message: MQTTMessage) -> None:
        one = self._by_topic.get(message.topic)
        if one is None:             # For a real one.
            return
        with self._lock:
            if not self._dice.randrange(10):
                self.overheard += 1
                return
            answer = one.opened((message.topic, bytes(message.payload)))
            if answer.answer == STORED and not answer.set_aside:
                self.waiting[answer.concentrator].pop(answer.first_sequence, None)
            elif answer.answer == SCHEMA_UNKNOWN:
                self.asked += 1
                self._say(one.send_schema())
                batch = self.waiting[one.id].get(answer.first_sequence)
                if batch is not None:
                    self.waiting[one.id][answer.first_sequence] = (batch[0], -AGAIN_S)
            else:
                self.refused += 1


class Faults:
    """Kills one part after the other; each comes back after a while.

    Stepped from the main thread: a part ends with the thread that started it.
    """

    def __init__(self, street: Soaked, dice: random.Random) -> None:
        self._street, self._dice = street, dice
        self.kills = dict.fromkeys(VICTIMS, 0)
        self._down: str | None = None
        self._next = time.monotonic() + dice.uniform(*FAULT_EVERY_S)

    def step(self) -> None:
        """Kill or bring back, when its time has come."""
        if time.monotonic() < self._next:
            return
        if self._down is not None:
            self.end()
            self._next = time.monotonic() + self._dice.uniform(*FAULT_EVERY_S)
            return
        self._down = self._dice.choice(VICTIMS)
        self._street.kill(self._down)
        self.kills[self._down] += 1
        self._next = time.monotonic() + self._dice.uniform(*DOWN_S)

    def end(self) -> None:
        """Bring back what is down."""
        if self._down is None:
            return
        for tries_left in reversed(range(START_TRIES)):
            try:
                self._street.restart(self._down)
                break
            except PostgresFailed as error:
                print("the database does not start, %d tries left: %s" % (tries_left, error),
                      flush=True)
                if not tries_left:
                    raise
        self._down = None


def soak(street: Soaked, dice: random.Random, minutes: float) -> list[str]:
    """What is wrong after so many minutes; nothing, if all is well."""
    street.start()
    load = Load(street, dice, int(minutes * 60 / ROUND_S) + 2)
    faults = Faults(street, dice)
    memory: dict[str, list[int]] = {name: [] for name in WATCHED}
    began = time.monotonic()
    end = began + minutes * 60
    next_round = next_sample = 0.0
    next_told = began + TELL_S
    while time.monotonic() < end:
        faults.step()
        if time.monotonic() >= next_round:
            next_round = time.monotonic() + ROUND_S
            load.step(is_new=True)
        if time.monotonic() >= next_sample:
            next_sample = time.monotonic() + SAMPLE_S
            for name, samples in memory.items():
                samples.append(private_bytes(street.pid(name)))
        if time.monotonic() >= next_told:
            next_told += TELL_S
            print("minute %d: %d rows sent, %d batches wait, %s; kills: %s" % (
                (time.monotonic() - began) / 60, load.rows, load.count(), ", ".join([
                    "%s %.1f MB" % (name, samples[-1] / 1e6) for name, samples in memory.items()]),
                faults.kills), flush=True)
        time.sleep(0.2)
    print("the faults end; %d batches wait" % load.count(), flush=True)
    faults.end()
    until = time.monotonic() + DRAIN_S
    while load.count() and time.monotonic() < until:
        load.step(is_new=False)
        time.sleep(1.0)
    load.close()
    return _judge(street, load, faults, memory)


def _judge(street: Soaked, load: Load, faults: Faults, memory: dict[str, list[int]]) -> list[str]:
    [(stored, different)] = street.ask(
        "select count(*), count(*) filter (where r.a_plus is distinct from"
        "   1000 * ((extract(epoch from captured_at)::bigint - %s) / 3600 + 1)"
        "   + 100 * split_part(serial, '-', 3)::int)"
        " from reading r join meter using (meter_id) where serial like 'L-%%'", load._start_s)
    [(revisions,)] = street.ask("select count(*) from reading_revision")
    [(missing,)] = street.ask(
        "select count(*) from archive a where not isempty("
        "   int8multirange(int8range(1, upper(received + lost))) - received - lost)")
    print("%d rows of %d concentrators, %d stored; %d answers overheard, %d schemas asked for; "
          "kills: %s" % (load.rows, CONCENTRATORS, stored, load.overheard, load.asked,
                         faults.kills))
    wrong = []
    for name, samples in memory.items():
        is_leaking, told = judged(samples, in_use(street.in_use(name)))
        print("memory of %s: %s" % (name, told))
        if is_leaking:
            wrong.append("the memory of %s grows" % name)
    for is_wrong, what in (
            (load.count(), "%d batches were never acknowledged" % load.count()),
            (stored != load.rows, "%s rows are stored of %d" % (stored, load.rows)),
            (different, "%s rows have another value" % different),
            (load.refused, "%d batches were refused" % load.refused),
            (revisions, "%s revisions of what was said once" % revisions),
            (missing, "%s archives have a gap" % missing),
            (not all(faults.kills.values()) and load._round > 100, "not every part was killed")):
        if is_wrong:
            wrong.append(what)
    return wrong


def main() -> int:
    """See above."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minutes", type=float, default=120.0)
    words.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = words.parse_args()
    print("seed %d, %g minutes" % (given.seed, given.minutes), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        street = Soaked(Path(folder) / "street", concentrators=2, meters=4, every_s=2,
                        fault_share=0.05)
        try:
            wrong = soak(street, random.Random(given.seed), given.minutes)
        finally:
            street.stop()
    print("\n".join(["WRONG: " + what for what in wrong] or ["Nothing was lost."]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
