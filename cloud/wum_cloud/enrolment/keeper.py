"""Beside ingest: answers what concentrators send to be let in, one message after the other.

It has a connection of its own to the broker. Left out: what messages mean (claims/claiming.py,
epochs.py). Whoever sends what is refused gets no answer, and a line in our log.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.broker import Broker, Delivery
from wum_cloud.database import Pool
from wum_cloud.enrolment.claims.claiming import ClaimRefused, First, answer_request
from wum_cloud.enrolment.epochs import Opener
from wum_cloud.registry.broker_files import read_password
from wum_cloud.registry.keys import KeyFileError, Vault, open_vault
from wum_cloud.settings import Settings, required
from wum_shared import topics
from wum_shared.enrolment import is_request
from wum_shared.errors import WireError

WAITING_MAX = 1000      # Messages; those beyond are dropped, and asked again by who sent them.
PER_S = 50              # Answers at most: a flood of openings leaves the processor to readings.
_AWAY = (psycopg.Error, PoolTimeout, OSError)
_log = logging.getLogger("wum_cloud.enrolment")

Beside = Callable[[Pool, Callable[[], bool]], Coroutine[None, None, None]]


def enrolling(settings: Settings, first: First) -> Beside:
    """What runs beside ingest with these settings. `first` gives the configurations of those that
    were planned.
    """

    async def keep(pool: Pool, _: Callable[[], bool]) -> None:
        vault = open_vault(required(settings.key_file, "WUM_KEY_FILE", "the key file"))
        password = read_password(required(
            settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE", "the broker password"))
        await Keeper(settings, password, vault, first).keep(pool)
    return keep


class Keeper:
    """Answers until it is cancelled."""

    def __init__(self, settings: Settings, password: str, vault: Vault, first: First) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Delivery] = asyncio.Queue(WAITING_MAX)
        self._vault = vault
        self._opener = Opener(vault)
        self._first = first
        self.subscribed = asyncio.Event()
        self._broker = Broker(
            settings, password, topics.EVERY_ENROLMENT,
            lambda delivery: self._loop.call_soon_threadsafe(self._put, delivery),
            lambda: self._loop.call_soon_threadsafe(self.subscribed.set))

    async def keep(self, pool: Pool) -> None:
        """Work until cancelled. While the database is away nobody is answered, and asks again."""
        self._broker.start()
        try:
            while True:
                delivery = await self._waiting.get()
                answer = await self._answer(pool, delivery)
                self._broker.acknowledge(delivery)
                if answer is not None:
                    self._broker.publish(*answer)
                await asyncio.sleep(1 / PER_S)
        finally:
            await asyncio.to_thread(self._broker.stop)

    async def _answer(self, pool: Pool, delivery: Delivery) -> tuple[str, bytes] | None:
        try:
            device_id, _, _ = topics.parse_topic(delivery.topic)
            async with pool.connection() as connection:
                if is_request(delivery.payload):
                    return await answer_request(
                        connection, self._vault, device_id, delivery.payload, self._first)
                return await self._opener.answer(connection, device_id, delivery.payload)
        except (ClaimRefused, WireError) as refusal:
            _log.warning("refused on %s: %s", delivery.topic, refusal)
        except _AWAY as error:
            _log.warning("nobody is let in for now (%s)", " ".join(str(error).split()))
        except KeyFileError as error:
            _log.error("nobody is let in: %s", error)
        return None

    def _put(self, delivery: Delivery) -> None:
        try:
            self._waiting.put_nowait(delivery)
        except asyncio.QueueFull:
            self._broker.acknowledge(delivery)
