"""Overview: what needs me now?"""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.health import store
from wum_cloud.health.alarms.store import raised
from wum_cloud.health.overview import overview
from wum_cloud.ledger import store as ledger
from wum_cloud.ledger.reckoning import day_of, yesterday_everywhere
from wum_cloud.registry.listing import store as listing
from wum_cloud.web.access import Database
from wum_cloud.web.console.concentrators import newest_archives
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import HealthVisitor

router = APIRouter()

_EVENTS = 8
_REFUSALS = 5
_CABINETS = 12


@router.get("/")
async def show_overview(request: Request, database: Database, session: HealthVisitor) -> Response:
    """Five numbers, silent meters, concentrators, the last events, and what ingest refused."""
    tenant, reach = session.account.tenant_id, session.account.reach
    scope, now = ledger.Scope(branch=reach.site_id), datetime.now(UTC)
    seen = await overview(database, reach, now)
    async with database.connection() as connection:
        cabinets = await listing.concentrators(connection, reach, "", _CABINETS)
        archives = await newest_archives(connection, reach)
        events = await store.events(connection, reach, None, _EVENTS)
        refusals = await store.quarantined(connection, reach, None, _REFUSALS)
        quarantined = await store.count_quarantined(connection, reach)
        alarms = [] if reach.site_id is not None else await raised(connection, tenant)
        zone = await zone_of(connection, tenant)
        zones = await ledger.time_zones(connection, tenant, scope)
        yesterday = yesterday_everywhere(now, zones or ["UTC"])
        counted = await ledger.days(connection, tenant, scope, yesterday, yesterday, 1)
        until = await ledger.counted_until(connection, tenant)
    closed = max([day_of(yesterday, name).deadline for name in zones], default=now)
    template = "overview_parts.html" if wants_fragment(request) else "overview.html"
    return page(request, template, session, alarms=alarms, seen=seen, cabinets=cabinets,
                archives=archives, events=events, refusals=refusals, quarantined=quarantined,
                zone=zone, by_six=counted[0] if counted else None,
                by_six_open=until is None or until < closed)
