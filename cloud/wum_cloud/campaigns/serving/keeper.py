"""Beside ingest: listens to standings and wants, and steps campaigns every few seconds.

Left out: what a message means (desk.py).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.broker import Broker, Delivery
from wum_cloud.campaigns.serving.desk import CampaignDesk
from wum_cloud.campaigns.serving.store import Counters
from wum_cloud.database import Pool
from wum_cloud.registry.broker_files import read_password
from wum_cloud.registry.keys import KeyFileError, open_vault
from wum_cloud.settings import Settings, required
from wum_shared import topics
from wum_shared.errors import WireError

LOOK_EVERY_S = 2.0
WAITING_MAX = 1000           # Messages; those beyond are dropped, and told or asked again.
WANTS_PER_S = 100            # At most: a fleet that fetches leaves the processor to readings.
_AWAY = (psycopg.Error, PoolTimeout, OSError)
_log = logging.getLogger("wum_cloud.campaigns")

Beside = Callable[[Pool, Callable[[], bool]], Coroutine[None, None, None]]


def campaigning(settings: Settings, counters: Counters) -> Beside:
    """What runs beside ingest with these settings; `counters` are those of the downlink."""

    async def keep(pool: Pool, _: Callable[[], bool]) -> None:
        vault = open_vault(required(settings.key_file, "WUM_KEY_FILE", "the key file"))
        password = read_password(required(
            settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE", "the broker password"))
        await Keeper(settings, password, CampaignDesk(vault, counters)).keep(pool)
    return keep


class Keeper:
    """Listens, serves and steps until it is cancelled."""

    def __init__(self, settings: Settings, password: str, desk: CampaignDesk) -> None:
        self._loop = asyncio.get_running_loop()
        self._desk = desk
        self._standings: asyncio.Queue[Delivery] = asyncio.Queue(WAITING_MAX)
        self._wants: asyncio.Queue[Delivery] = asyncio.Queue(WAITING_MAX)
        self._brokers = [
            Broker(settings, password, topic, self._into(queue), lambda: None)
            for topic, queue in ((topics.EVERY_STANDING, self._standings),
                                 (topics.EVERY_WANT, self._wants))]

    async def keep(self, pool: Pool) -> None:
        """Work until cancelled. A database that is away is waited for."""
        for broker in self._brokers:
            broker.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(pool))
                group.create_task(self._serve(pool))
                group.create_task(self._step(pool))
        finally:
            for broker in self._brokers:
                await asyncio.to_thread(broker.stop)

    async def _listen(self, pool: Pool) -> None:
        while True:
            delivery = await self._standings.get()
            try:
                async with pool.connection() as connection:
                    await self._desk.take(connection, delivery.topic, delivery.payload)
            except WireError as refusal:
                _log.warning("standing refused on %s: %s", delivery.topic, refusal)
            except (*_AWAY, KeyFileError) as error:
                _log.warning("a standing is not taken for now, it is told again (%s)", _line(error))
            except Exception:     # It must never end the ingest that it runs beside.
                _log.exception("a standing on %s is not taken", delivery.topic)
            self._brokers[0].acknowledge(delivery)

    async def _serve(self, pool: Pool) -> None:
        while True:
            delivery = await self._wants.get()
            try:
                async with pool.connection() as connection:
                    messages = await self._desk.give(
                        connection, delivery.topic, delivery.payload)
                for topic, message in messages:       # After COMMIT: their counters are used.
                    self._brokers[1].publish(topic, message)
            except WireError as refusal:
                _log.warning("a want is refused on %s: %s", delivery.topic, refusal)
            except (*_AWAY, KeyFileError) as error:
                _log.warning("no pieces are given for now, they are asked for again (%s)",
                             _line(error))
            except Exception:
                _log.exception("a want on %s is not served", delivery.topic)
            self._brokers[1].acknowledge(delivery)
            await asyncio.sleep(1 / WANTS_PER_S)

    async def _step(self, pool: Pool) -> None:
        while True:
            try:
                await self._desk.step(pool, time.time(), is_paced=True)
            except _AWAY as error:
                _log.warning("campaigns wait for now (%s)", _line(error))
            except Exception:
                _log.exception("campaigns wait for now")
            await asyncio.sleep(LOOK_EVERY_S)

    def _into(self, queue: asyncio.Queue[Delivery]) -> Callable[[Delivery], object]:
        """Where a message of the broker's thread goes."""

        def put(delivery: Delivery) -> None:
            if queue.full():
                self._brokers[0 if queue is self._standings else 1].acknowledge(delivery)
            else:
                queue.put_nowait(delivery)
        return lambda delivery: self._loop.call_soon_threadsafe(put, delivery)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
