"""The numbers of the first page, asked of the database at most every few seconds.

They are the dearest questions here and everybody's first; each process keeps its own copy.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from wum_cloud.database import Pool
from wum_cloud.health import store

KEPT_FOR = timedelta(seconds=5)
TENANTS_MAX = 256  # Kept at once; past it the oldest is forgotten.


@dataclass(frozen=True, slots=True)
class Overview:
    """Numbers as of `as_of`; `today` is the present UTC day until then."""

    as_of: datetime
    reporting: store.Reporting
    today: store.Completeness


_kept: dict[tuple[int, int], Overview] = {}
_asking = asyncio.Lock()


async def overview(database: Pool, tenant: int, now: datetime) -> Overview:
    """The numbers of `tenant`, at most KEPT_FOR old."""
    key = (id(database), tenant)
    async with _asking:  # One visitor asks, the others wait for the answer.
        kept = _kept.get(key)
        if kept is not None and now - kept.as_of < KEPT_FOR:
            return kept
        async with database.connection() as connection:
            fresh = Overview(
                now, await store.reporting(connection, tenant),
                await store.completeness(connection, tenant, _midnight(now), now))
        while len(_kept) >= TENANTS_MAX:
            _kept.pop(next(iter(_kept)))
        _kept[key] = fresh
        return fresh


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
