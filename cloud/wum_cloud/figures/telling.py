"""A process tells the database its figures, so that one question reaches all of them.

Where the database is away they are not told, and whoever asks sees that nobody tells anything.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from wum_cloud.database import Pool
from wum_cloud.figures import store
from wum_cloud.figures.counted import REGISTRY, watch_pool
from wum_cloud.figures.families import TOLD_MAX, as_json

EVERY_S = 15.0
_FAREWELL_S = 1.0
_log = logging.getLogger("wum_cloud.figures")

Beside = Callable[[Pool, Callable[[], bool]], Coroutine[None, None, None]]


def telling(kind: str, every_s: float = EVERY_S) -> Beside:
    """What runs beside a process of this kind, for as long as it does."""

    async def keep(pool: Pool, _: Callable[[], bool]) -> None:
        watch_pool(pool.get_stats)
        await Teller(pool, kind).keep(every_s)
    return keep


class Teller:
    """Tells the figures of one process under one name."""

    def __init__(self, pool: Pool, kind: str) -> None:
        self._pool = pool
        self._kind = kind
        self._owner = secrets.token_bytes(8)
        self._place: int | None = None

    @property
    def name(self) -> str:
        """As the others see it; the kind alone where no place was had yet."""
        return self._kind if self._place is None else "%s-%d" % (self._kind, self._place)

    async def keep(self, every_s: float = EVERY_S) -> None:
        """Tell them for as long as this runs."""
        try:
            while True:
                await self.tell()
                await asyncio.sleep(every_s)
        finally:
            await self.leave()

    async def tell(self) -> None:
        """Tell them once; a database that is away is asked again the next time."""
        figures = as_json(REGISTRY.collect())
        if len(figures) > TOLD_MAX:
            _log.error("the figures of this process are too many: they are not told")
            return
        try:
            async with self._pool.connection() as connection:
                if self._place is None:
                    self._place = await store.take_place(connection, self._kind, self._owner)
                if self._place is not None and not await store.tell(
                        connection, self._kind, self._place, self._owner, figures):
                    self._place = None   # It was silent too long, and another one has it.
        except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
            self._place = None
            _log.warning("the figures of this process are not told for now (%s)",
                         " ".join(str(error).split()))

    async def leave(self) -> None:
        """Give the name to whoever comes next. It is taken back in a minute anyway."""
        if self._place is None:
            return
        try:
            async with asyncio.timeout(_FAREWELL_S), self._pool.connection() as connection:
                await store.leave(connection, self._kind, self._place, self._owner)
        except (psycopg.Error, PoolTimeout, TooManyRequests, TimeoutError) as error:
            _log.debug("nobody was told that this process ends: %s", error)
