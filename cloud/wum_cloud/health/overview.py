"""The numbers of the first page, asked of the database at most every few seconds.

They are the dearest questions here and everybody's first; each process keeps its own copy.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from wum_cloud.database import Pool
from wum_cloud.health import store
from wum_cloud.readings.days import midnight
from wum_cloud.registry.listing import store as listing
from wum_cloud.registry.reach import Reach

KEPT_FOR = timedelta(seconds=5)
KEPT_TIMES_COST = 20    # Kept longer when they were dear: asking may use a twentieth of the time.
SETTLED_AFTER = timedelta(seconds=30)  # A reading may be under way for so long; then it is missing.
SILENT_NAMED = 8        # Of the silent meters, so many are named; a list has them all.
KEPT_MAX = 256          # Tenants and branches at once; past it the oldest is forgotten.


@dataclass(frozen=True, slots=True)
class Overview:
    """Numbers as of `as_of`; `today` is the present day of each site's own time zone.

    `silent` are the first SILENT_NAMED by serial, as of the same moment as their number: a page
    that named a meter beside "all reporting" would be believed in neither.
    """

    as_of: datetime
    reporting: store.Reporting
    silent: list[listing.Meter]
    today: store.Completeness


@dataclass(frozen=True, slots=True)
class _Kept:
    seen: Overview
    until: datetime


class _Desk:
    """What one pool's visitors were told, and the lock by which one of them asks for all."""

    def __init__(self) -> None:
        self.kept: dict[Reach, _Kept] = {}
        self.asking = asyncio.Lock()


_desks: WeakKeyDictionary[Pool, _Desk] = WeakKeyDictionary()


async def overview(database: Pool, reach: Reach, now: datetime) -> Overview:
    """The numbers of what is in reach, KEPT_FOR old at most or KEPT_TIMES_COST times their cost."""
    desk = _desks.setdefault(database, _Desk())
    async with desk.asking:  # One visitor asks, the others wait for the answer.
        kept = desk.kept.get(reach)
        if kept is not None and now < kept.until:
            return kept.seen
        began = time.monotonic()
        fresh = await _ask(database, reach, now)
        cost = timedelta(seconds=time.monotonic() - began)
        while len(desk.kept) >= KEPT_MAX:
            desk.kept.pop(next(iter(desk.kept)))
        desk.kept[reach] = _Kept(fresh, now + max(KEPT_FOR, cost * KEPT_TIMES_COST))
        return fresh


async def _ask(database: Pool, reach: Reach, now: datetime) -> Overview:
    async with database.connection() as connection:
        # One moment for every statement: what arrives between two of them is seen by neither.
        await connection.execute("set transaction isolation level repeatable read")
        starts = {zone: midnight(now.astimezone(ZoneInfo(zone)).date(), ZoneInfo(zone))
                  for zone in await store.time_zones(connection, reach.tenant_id)}
        return Overview(
            now, await store.reporting(connection, reach),
            await listing.meters(
                connection, reach, listing.Wanted(state="silent"), "", SILENT_NAMED),
            await store.completeness(connection, reach, starts, now - SETTLED_AFTER))
