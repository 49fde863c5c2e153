"""GET /metrics: every figure of the head-end, for Prometheus and whatever reads its form.

The figures of every process (this one's as they are, the others' as they told them last), and what
the database knows of the caller's tenant. Left out: what the figures are (figures/counted.py,
health/fleet/seen.py), and the rules that call a person (deploy/prometheus).
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from wum_cloud.database import Pool
from wum_cloud.figures import store as told
from wum_cloud.figures.counted import REGISTRY
from wum_cloud.figures.families import Unreadable, exposition, merged, of_json
from wum_cloud.health import store as health
from wum_cloud.health.alarms import store as alarms
from wum_cloud.health.fleet import store
from wum_cloud.health.fleet.seen import OF_INSTALLATION, Seen, Yesterday, families
from wum_cloud.health.overview import overview
from wum_cloud.ledger import store as ledger
from wum_cloud.ledger.reckoning import yesterday_everywhere
from wum_cloud.people.permissions import READ_PROCESSES
from wum_cloud.registry.reach import Reach
from wum_cloud.web.access import Database
from wum_cloud.web.rights import TenantsHealthCaller

router = APIRouter()

SEEN_FOR_S = 15.0       # The fleet is asked for so often at most, whoever scrapes.
_TENANTS_MAX = 256


@dataclass(slots=True)
class _Kept:
    by_tenant: dict[int, tuple[float, list[Metric]]] = field(default_factory=dict)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, account: TenantsHealthCaller, database: Database,
                  accept: Annotated[str, Header()] = "") -> Response:
    """Text of Prometheus, or OpenMetrics where that is accepted. What is of the installation, and
    of no tenant, is for who may see its processes."""
    found = await _fleet(request, database, account.reach)
    if READ_PROCESSES in account.permissions:
        found = [*await _processes(request, database), *found]
    else:
        found = [one for one in found if one.name not in OF_INSTALLATION]
    content, media_type = exposition(found, accept)
    return Response(content, media_type=media_type)


async def _processes(request: Request, database: Pool) -> list[Metric]:
    """This process is named after its own place, where it has one (several workers), or web-0."""
    async with database.connection() as connection:
        others = await told.told(connection)
    me = request.app.state.teller.name if request.app.state.teller is not None else "web-0"
    by_process = {me: list(REGISTRY.collect())}
    age = GaugeMetricFamily(
        "wum_process_told_seconds_ago", "When a process told its figures last.",
        labels=["process"])
    age.add_metric([me], 0.0)
    for one in others:
        if one.process == me:
            continue
        age.add_metric([one.process], one.age_s)
        try:
            by_process[one.process] = of_json(one.figures)
        except Unreadable:      # Of another version: that it runs is told, its figures are not.
            by_process[one.process] = []
    return [*merged(by_process), age]


async def _fleet(request: Request, database: Pool, reach: Reach) -> list[Metric]:
    """As of SEEN_FOR_S ago at most: one asks, the others wait for the answer."""
    kept = request.app.state.fleet_kept
    async with kept.asking:
        until, found = kept.by_tenant.get(reach.tenant_id, (0.0, []))
        if time.monotonic() >= until:
            found = list(families(await _seen(database, reach)))
            while len(kept.by_tenant) >= _TENANTS_MAX:
                kept.by_tenant.pop(next(iter(kept.by_tenant)))
            kept.by_tenant[reach.tenant_id] = (time.monotonic() + SEEN_FOR_S, found)
        answer: list[Metric] = found
        return answer


async def _seen(database: Pool, reach: Reach) -> Seen:
    tenant = reach.tenant_id
    now = datetime.now(UTC)
    first_page = await overview(database, reach, now)
    async with database.connection() as connection:
        zones = await ledger.time_zones(connection, tenant, ledger.Scope())
        day = yesterday_everywhere(now, zones or ["UTC"])
        days = await ledger.days(connection, tenant, ledger.Scope(), day, day, 1)
        return Seen(
            overview=first_page,
            concentrators=await store.concentrators(connection, tenant),
            keys=await store.keys(connection, tenant),
            commands=await store.commands(connection, tenant),
            counted=await store.counted(connection, tenant, now.date()),
            missing=await store.missing(connection, tenant),
            quarantined=await health.count_quarantined(connection, reach),
            yesterday=Yesterday(days[0].expected, days[0].received, days[0].by_six)
            if days else None,
            ledger_until=await ledger.counted_until(connection, tenant),
            alarms=await alarms.counted(connection, tenant),
            backup=await store.last_backup(connection),
            size_bytes=await store.size_bytes(connection))


def begin(state: object) -> None:
    """What the application keeps for this page, anew with each start."""
    state.fleet_kept = _Kept()      # type: ignore[attr-defined]
