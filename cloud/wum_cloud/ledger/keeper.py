"""Keeps the ledger up to date: one bounded step at a time, a fifth of the time unless behind, and a
twentieth while messages wait to be stored.

Left out: SQL (counting/store.py). It runs beside ingest, in whichever process gets the lock; what
ingest marked in its own transactions is counted, and once in a while what time alone made due.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.database import Connection, Pool
from wum_cloud.ledger.counting import store
from wum_cloud.ledger.reckoning import (
    KEPT_DAYS,
    SETTLED_AFTER,
    countable,
    day_of,
    days_of_hours,
    days_since,
)
from wum_cloud.reasons import store as told

MARKED_PER_STEP = 200       # Concentrators: some two seconds of the database's time.
MARKS_PER_STEP = 10_000     # Of theirs: hours that came together are counted together.
STALE_PER_STEP = 20
DAYS_PER_STEP = 1000        # Of concentrators: one that was away for long has many of them.
DAYS_AT_ONCE = 100          # In one statement: it has to end in time.
# Where nothing comes, due intervals are missed so late. More than an hour: concentrators that
# deliver every hour are counted then, and not once more in between.
COUNTED_EVERY = timedelta(minutes=65)
PAUSE_LEAST_S = 1.0
PAUSE_SHARE = 4.0           # Rests four times as long as a step took: ingest comes first.
BEHIND = 100                # Concentrators in a step: then it rests as long as the step took.
BUSY_SHARE = 19.0           # While messages wait: what was stored can be counted later.
LOOK_EVERY_S = 1.0          # Whether they still wait.
PAUSE_AFTER_ERROR_S = 10.0

_log = logging.getLogger("wum_cloud.ledger")


async def keep(database: Pool, is_busy: Callable[[], bool] = lambda: False) -> None:
    """Work until cancelled. A database that is away is waited for.

    `is_busy` says whether messages wait to be stored: they come first.
    """
    while True:
        pause_s = PAUSE_LEAST_S
        began = time.monotonic()
        took_s = 0.0
        try:
            counted = await step(database, datetime.now(UTC))
            took_s = time.monotonic() - began
            share = PAUSE_SHARE if counted < BEHIND else 1.0
            pause_s = max(PAUSE_LEAST_S, share * took_s)
        except (psycopg.Error, PoolTimeout, OSError) as error:
            _log.warning("the ledger is not kept for now (%s)", " ".join(str(error).split()))
            pause_s = PAUSE_AFTER_ERROR_S
        except Exception:  # Ours or not: it must never end the ingest that it runs beside.
            _log.exception("the ledger is not kept for now")
            pause_s = PAUSE_AFTER_ERROR_S
        await asyncio.sleep(pause_s)
        while pause_s < BUSY_SHARE * took_s and is_busy():
            await asyncio.sleep(LOOK_EVERY_S)
            pause_s += LOOK_EVERY_S


async def step(database: Pool, now: datetime) -> int:
    """Count some of what changed, in one transaction; return how many concentrators.

    0: there is nothing to count, or another process is at it.
    """
    async with database.connection() as connection, connection.transaction():
        if not await store.try_lock(connection):
            return 0
        marks = await store.marks(connection, MARKED_PER_STEP, MARKS_PER_STEP)
        wanted = {mark.concentrator_id for mark in marks}
        stale = set(await store.stale(connection, now - COUNTED_EVERY, STALE_PER_STEP))
        standings = await store.standings(connection, sorted(wanted | stale))
        found = _bounded([
            _Found(one.concentrator_id, one.time_zone, _days(one, marks, stale, now))
            for one in standings])
        left = {one.concentrator_id for one in standings[len(found):]}
        standings = standings[:len(found)]
        marks = [mark for mark in marks if mark.concentrator_id not in left]
        stale -= left
        found += await _of_heirs(connection, standings, found)
        days = sorted({(one.concentrator_id, day, one.time_zone) for one in found
                       for day in countable(one.days, now, one.time_zone)})
        for first in range(0, len(days), DAYS_AT_ONCE):
            await store.count(connection, [
                (number, day_of(day, zone)) for number, day, zone
                in days[first:first + DAYS_AT_ONCE]], now - SETTLED_AFTER, now)
        await store.drop_marks(connection, marks)
        if stale:
            await told.trim(connection, sorted(stale), now)
        if standings:
            await store.note_counted(connection, standings, now, _oldest(now))
    return len(standings)


def _bounded(found: "Sequence[_Found]") -> "list[_Found]":
    """The first of them, with DAYS_PER_STEP days at most or one concentrator: the others wait."""
    days = 0
    for place, one in enumerate(found):
        days += len(one.days)
        if place and days > DAYS_PER_STEP:
            return list(found[:place])
    return list(found)


async def catch_up(database: Pool, now: datetime) -> None:
    """Count all that is to be counted as of `now`."""
    while await step(database, now):
        pass


@dataclass(frozen=True, slots=True)
class _Found:
    """Days to count of the meters that a concentrator has."""

    concentrator_id: int
    time_zone: str
    days: set[date]


async def _of_heirs(
        connection: Connection, standings: list[store.Standing], found: list[_Found],
) -> list[_Found]:
    """The same days of those concentrators that have meters of these now."""
    days: dict[int, set[date]] = {}
    for one, its in zip(standings, found, strict=True):
        for heir in one.heirs:
            days.setdefault(heir, set()).update(its.days)
    return [_Found(one.concentrator_id, one.time_zone, days[one.concentrator_id])
            for one in await store.standings(connection, sorted(days))] if days else []


def _days(
        standing: store.Standing, marks: list[store.Mark], stale: set[int], now: datetime,
) -> set[date]:
    """The days of one concentrator to count: marked ones, and those since the last time."""
    zone = standing.time_zone
    if standing.first_valid_from is None:
        return set()
    moved = standing.known_zone not in (None, zone)
    since = standing.computed_until
    if since is None or moved:
        since = standing.first_valid_from
    found = days_since(since - timedelta(seconds=standing.longest_period_s), now, zone)
    if standing.concentrator_id in stale:
        found.update(standing.waiting_days)
    if standing.is_told:
        found.update(standing.open_days)
    for mark in marks:
        if mark.concentrator_id == standing.concentrator_id:
            found |= days_of_hours(mark.hours, zone, standing.longest_period_s)
            if mark.since is not None:
                found |= days_since(mark.since, now, zone)
    return found


def _oldest(now: datetime) -> date:
    return (now - timedelta(days=KEPT_DAYS + 1)).date()
