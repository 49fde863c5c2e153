"""Overview: what needs me now?"""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.health import store
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
_SILENT = 8
_CABINETS = 12


@router.get("/")
async def show_overview(request: Request, database: Database, session: HealthVisitor) -> Response:
    """Five numbers, silent meters, concentrators, the last events, and what ingest refused."""
    tenant, reach = session.account.tenant_id, session.account.reach
    if reach.site_id is not None:   # These numbers are of the whole tenant.
        return RedirectResponse("/meters", 303)
    now = datetime.now(UTC)
    seen = await overview(database, tenant, now)
    async with database.connection() as connection:
        silent = await listing.meters(
            connection, reach, listing.Wanted(state="silent"), "", _SILENT)
        cabinets = await listing.concentrators(connection, reach, "", _CABINETS)
        archives = await newest_archives(connection, tenant)
        events = await store.events(connection, tenant, None, _EVENTS)
        refusals = await store.quarantined(connection, tenant, None, _REFUSALS)
        quarantined = await store.count_quarantined(connection, tenant)
        zone = await zone_of(connection, tenant)
        zones = await ledger.time_zones(connection, tenant, ledger.Scope())
        yesterday = yesterday_everywhere(now, zones or ["UTC"])
        counted = await ledger.days(connection, tenant, ledger.Scope(), yesterday, yesterday, 1)
        until = await ledger.counted_until(connection, tenant)
    closed = max([day_of(yesterday, name).deadline for name in zones], default=now)
    template = "overview_parts.html" if wants_fragment(request) else "overview.html"
    return page(request, template, session, seen=seen, silent=silent, cabinets=cabinets,
                archives=archives, events=events, refusals=refusals, quarantined=quarantined,
                zone=zone, by_six=counted[0] if counted else None,
                by_six_open=until is None or until < closed)
