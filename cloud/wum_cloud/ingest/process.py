"""`wum-cloud ingest`: broker, inbox, worker and database, put together and run until a signal.

Several processes may run side by side: with WUM_SHARED_GROUP they share the messages, without it
each gets all of them and the database keeps one of each row.
"""

import asyncio
import logging
import shutil
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Protocol

from wum_cloud import supervised
from wum_cloud.broker import Broker, Delivery
from wum_cloud.database import DatabaseError, Pool, connect, open_pool
from wum_cloud.figures import counted
from wum_cloud.ingest.gaps.asking import Asking
from wum_cloud.ingest.gaps.store import PostgresGaps
from wum_cloud.ingest.inbox import Inbox
from wum_cloud.ingest.ripples.sending import Sending
from wum_cloud.ingest.ripples.store import PostgresRipples
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.ingest.worker import Worker
from wum_cloud.migrations.store import check_migrated
from wum_cloud.registry.broker_files import read_password
from wum_cloud.registry.cipher import SodiumCipher
from wum_cloud.registry.keys import Vault, open_vault
from wum_cloud.registry.store import newest_sender
from wum_cloud.settings import Settings, required
from wum_shared import topics
from wum_shared.topics import ENROL, EVERY_UPLINK, RECEIPT, SESSION, STANDING, WANT

DATABASE_WAIT_S = 2     # At the start, between two attempts to find it.
TASKS = 2           # While one waits for the database, the other opens and decodes.

_STREAMS = (topics.BATCH, topics.SCHEMA, topics.ANSWER, topics.MESH, topics.RIPPLE,
            topics.CONDITION)
_log = logging.getLogger("wum_cloud.ingest")


Beside = Callable[[Pool, Callable[[], bool]], Coroutine[None, None, None]]
Publish = Callable[[str, bytes], object]


class Speaker(Protocol):
    """Says something to concentrators by itself, by the connection of ingest."""

    async def keep(self) -> None:
        """Work until cancelled."""


async def serve(settings: Settings, beside: Sequence[Beside] = ()) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP; return the exit code.

    Each of `beside` runs as long as ingest does, over its pool: what must follow what was stored.
    It is told how to ask whether messages wait, which come first.
    Whatever is under way then is rolled back and not acknowledged: it will be sent again.
    """
    vault = open_vault(required(
        settings.key_file, "WUM_KEY_FILE", "the key file that `wum-cloud migrate` makes"))
    password = read_password(required(
        settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE",
        "the head-end's broker password, which `wum-cloud broker-files` makes"))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if not await _ready(settings, vault, stop):
        return 0
    async with open_pool(settings.database_url) as pool:
        ingest = Ingest(settings, password, pool, Worker(
            PostgresStore(pool), vault, SodiumCipher(), ahead_s=settings.ahead_s),
            lambda publish: [
                Asking(PostgresGaps(pool), vault, SodiumCipher(), publish),
                Sending(PostgresRipples(pool), vault, SodiumCipher(), publish)])
        await ingest.run(stop, beside)
    return 0


async def _ready(settings: Settings, vault: Vault, stop: asyncio.Event) -> bool:
    """Wait for the database; False when `stop` came first.

    Raises MigrationError and KeyFileError: what only a person can change ends the process at once.
    """
    while not stop.is_set():
        try:
            async with await connect(settings.database_url, autocommit=True) as connection:
                await check_migrated(connection)
                sample = await newest_sender(connection)
                if sample is not None:
                    vault.open(sample.device_id, sample.epoch, sample.sealed_keys)
                return True
        except DatabaseError as error:
            _log.warning("%s Trying again in %d s.", error, DATABASE_WAIT_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), DATABASE_WAIT_S)
    return False


class Ingest:
    """One process's ingest."""

    def __init__(
            self, settings: Settings, password: str, pool: Pool, worker: Worker,
            speaking: Callable[[Publish], Sequence[Speaker]] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self._worker = worker
        self._speakers = [] if speaking is None else speaking(self._publish)
        self._inbox = Inbox()
        self._oldest: dict[int, float] = {}     # Since when those under way are here, by task.
        counted.watch(counted.WAITING, self._inbox.__len__)
        counted.watch(counted.OLDEST_S, self._oldest_s)
        self.subscribed = asyncio.Event()
        self._broker = Broker(
            settings, password, EVERY_UPLINK, self._on_delivery, self._on_subscribed,
            is_counted=True)
        _watch_files(settings)

    async def run(self, stop: asyncio.Event, beside: Sequence[Beside] = ()) -> None:
        """Work until `stop` is set."""
        self._broker.start()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._work(task)) for task in range(TASKS)]
                tasks += [group.create_task(task(self._pool, self._is_behind)) for task in beside]
                tasks += [group.create_task(speaker.keep()) for speaker in self._speakers]
                tasks.append(group.create_task(supervised.stay_alive()))
                await stop.wait()
                supervised.tell(supervised.STOPPING)
                for task in tasks:
                    task.cancel()
        finally:
            # Its thread may be waiting for the broker; the loop goes on meanwhile.
            await asyncio.to_thread(self._broker.stop)

    async def _work(self, task: int) -> None:
        while True:
            deliveries = await self._inbox.gather()
            self._oldest[task] = self._inbox.taken_since_s
            await self._worker.settle(deliveries, self._publish, self._broker.acknowledge)
            del self._oldest[task]
            if self._inbox.overflowed and self._inbox.is_empty():
                self._inbox.overflowed = False
                self._broker.connect_anew()

    def _oldest_s(self) -> float:
        """How long the oldest message has waited here."""
        since = [*self._oldest.values(), *self._inbox.oldest()]
        return time.monotonic() - min(since) if since else 0.0

    def _is_behind(self) -> bool:
        return not self._inbox.is_empty()

    def _publish(self, topic: str, message: bytes) -> None:
        if not self._broker.publish(topic, message):
            _log.warning("an answer on %s is dropped, for too many wait for the broker; the "
                         "concentrator will ask again", topic)

    def _on_delivery(self, delivery: Delivery) -> None:
        # Not readings: the keepers of enrolment, commands and campaigns hear them.
        if delivery.topic.endswith(("/" + ENROL, "/" + RECEIPT, "/" + SESSION, "/" + STANDING,
                                   "/" + WANT)):
            self._broker.acknowledge(delivery)
            return
        self._loop.call_soon_threadsafe(self._put, delivery)

    def _put(self, delivery: Delivery) -> None:
        was_overflowed = self._inbox.overflowed
        counted.MESSAGES.labels(_stream(delivery.topic)).inc()
        if self._inbox.put(delivery):
            return
        counted.DROPPED.inc()
        if not was_overflowed:
            _log.warning("the inbox is full: messages are dropped unacknowledged until the "
                         "database has caught up; concentrators will send them again")

    def _on_subscribed(self) -> None:
        supervised.tell(supervised.READY)
        self._loop.call_soon_threadsafe(self.subscribed.set)


def _watch_files(settings: Settings) -> None:
    """Figures of what stands beside the database: a password's age, room on the disk."""
    password, key = settings.broker_password_file, settings.key_file
    if password is not None:
        counted.watch(counted.BROKER_PASSWORD, lambda: _asked(lambda: password.stat().st_mtime))
    if key is not None:
        counted.watch(counted.SPACE, lambda: _asked(lambda: shutil.disk_usage(key.parent).free))


def _asked(ask: Callable[[], float]) -> float:
    try:
        return ask()
    except OSError:     # It is gone, and what needs it says so.
        return 0.0


def _stream(topic: str) -> str:
    """The last word of a topic, where it is one of ours: nobody else's makes a figure."""
    word = topic.rpartition("/")[2]
    return word if word in _STREAMS else "(other)"
