"""Keeps the long run in order: dirty days are summed up again, and what is too old is dropped.

Left out: SQL (store.py, retention/store.py). It runs beside ingest, one process at a time, a fifth
of the time. Only days that are over are summed up: a day that goes on would be made again with
every batch. A summary outlives its readings, so a day of which anything was dropped is not made
again. Killed anywhere, it begins again with the marks that are still there.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.database import Connection, Pool
from wum_cloud.history import store
from wum_cloud.history.retention import store as retention
from wum_cloud.history.store import Dirty

MARKS_PER_STEP = 100        # Days of concentrators in one transaction: some thousands of meters.
MARKS_PER_REFRESH = 100_000     # Of one run of days, where the database sums up all meters at once.
DAYS_PER_REFRESH = 7
PAUSE_LEAST_S = 1.0
PAUSE_IDLE_S = 30.0
PAUSE_SHARE = 4.0           # Rests four times as long as a step took: ingest comes first.
PAUSE_AFTER_ERROR_S = 10.0
BUSY_MAX_S = 300.0          # Ingest that is behind for hours does not keep it for hours.
DROP_EVERY = timedelta(hours=1)
_TRIES_FOR_LOCK_S = 5       # Dropping waits so long for ingest, and ingest for it; then later.

_log = logging.getLogger("wum_cloud.history")


_Keep = Callable[[Pool, Callable[[], bool]], Coroutine[None, None, None]]


def keeping(keep_days: int) -> _Keep:
    """What runs beside ingest. Readings are kept for `keep_days`; 0: for ever.

    While messages wait to be stored (`is_busy`) it does nothing, up to BUSY_MAX_S at a time.
    """
    async def keep(database: Pool, is_busy: Callable[[], bool] = lambda: False) -> None:
        dropped_at: datetime | None = None
        while True:
            began = time.monotonic()
            pause_s = PAUSE_IDLE_S
            try:
                now = datetime.now(UTC)
                if keep_days and (dropped_at is None or now - dropped_at >= DROP_EVERY):
                    dropped_at = now
                    await drop_old(database, now, keep_days)
                if await step(database, now):
                    pause_s = max(PAUSE_LEAST_S, PAUSE_SHARE * (time.monotonic() - began))
            except (psycopg.Error, PoolTimeout, OSError) as error:
                _log.warning("the long run is not kept for now (%s)", " ".join(str(error).split()))
                pause_s = PAUSE_AFTER_ERROR_S
            except Exception:  # Ours or not: it must never end the ingest that it runs beside.
                _log.exception("the long run is not kept for now")
                pause_s = PAUSE_AFTER_ERROR_S
            await asyncio.sleep(pause_s)
            waited_s = 0.0
            while is_busy() and waited_s < BUSY_MAX_S:
                await asyncio.sleep(PAUSE_LEAST_S)
                waited_s += PAUSE_LEAST_S
    return keep


async def step(database: Pool, now: datetime) -> int:
    """Sum up some of the days that are dirty and over; return how many marks are settled.

    0: there is nothing to sum up, or another process is at it.
    """
    async with database.connection() as connection:
        if await store.is_aggregate(connection):
            await connection.commit()
            return await _refresh(connection, now.date())
        return await _sum_up(connection, now.date())


async def catch_up(database: Pool, now: datetime) -> None:
    """Sum up all that is to be summed up as of `now`."""
    while await step(database, now):
        pass


async def _sum_up(connection: Connection, today: date) -> int:
    """On a table: the days and their marks in one transaction."""
    async with connection.transaction():
        if not await store.try_lock(connection):
            return 0
        found = await store.dirty(connection, today, MARKS_PER_STEP)
        whole = _whole(found, await retention.dropped_until(connection))
        if whole:
            await store.sum_up(connection, whole)
        await store.drop_marks(connection, found)
    return len(found)


async def _refresh(connection: Connection, today: date) -> int:
    """On a continuous aggregate: it cannot be refreshed in a transaction.

    So marks are read, the days refreshed, and these marks taken away. What comes between has other
    marks; after a kill between, the days are refreshed once more, to the same.
    """
    await connection.set_autocommit(True)
    try:
        if not await store.try_session_lock(connection):
            return 0
        try:
            found = _first_run(await store.dirty(connection, today, MARKS_PER_REFRESH))
            whole = _whole(found, await retention.dropped_until(connection))
            if whole:
                await store.refresh(connection, whole[0].day, whole[-1].day)
            await store.drop_marks(connection, found)
            return len(found)
        finally:
            await store.session_unlock(connection)
    finally:
        if not connection.broken:
            await connection.set_autocommit(False)


def _first_run(found: Sequence[Dirty]) -> list[Dirty]:
    """The marks of the first days that follow one another, up to DAYS_PER_REFRESH of them."""
    run: list[Dirty] = []
    for one in found:
        if run and (one.day - run[-1].day > timedelta(days=1)
                    or one.day - run[0].day >= timedelta(days=DAYS_PER_REFRESH)):
            break
        run.append(one)
    return run


def _whole(found: Sequence[Dirty], dropped_until: datetime | None) -> list[Dirty]:
    """Those of which nothing was dropped."""
    if dropped_until is None:
        return list(found)
    return [one for one in found if one.day >= dropped_until.date()]


async def drop_old(database: Pool, now: datetime, keep_days: int) -> list[retention.Dropped]:
    """Drop the weeks that are over since more than `keep_days`, each in a transaction of its own.

    What was dropped is in the log, in `reading_dropped`, and from there on the pages.
    """
    assert keep_days > 0
    dropped = []
    async with database.connection() as connection:
        weeks = await retention.weeks_before(connection, now - timedelta(days=keep_days))
        await connection.commit()
        for week in weeks:
            if await store.dirty_count(connection, week.end_at.date()) != (0, None):
                _log.info("readings from before %s are not dropped yet: their days are still to "
                          "be summed up", week.end_at.date())
                break
            async with connection.transaction():
                one = await retention.drop_week(connection, week, _TRIES_FOR_LOCK_S)
            if one is not None:
                _log.warning(
                    "dropped %d rows of readings from %s up to %s (%d bytes), and %d missed and %d "
                    "revisions with them: they are older than WUM_KEEP_DAYS=%d",
                    one.readings, one.first_at.date(), one.end_at.date(), one.bytes, one.missed,
                    one.revisions, keep_days)
                dropped.append(one)
    return dropped
