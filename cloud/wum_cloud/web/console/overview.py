"""Overview: what needs me now?"""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.health import store
from wum_cloud.health.overview import overview
from wum_cloud.registry.listing import store as listing
from wum_cloud.web.access import Database, Visitor
from wum_cloud.web.console.concentrators import newest_archives
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment

router = APIRouter()

_EVENTS = 8
_REFUSALS = 5
_SILENT = 8
_CABINETS = 12


@router.get("/")
async def show_overview(request: Request, database: Database, session: Visitor) -> Response:
    """Four numbers, silent meters, concentrators, the last events, and what ingest refused."""
    tenant = session.account.tenant_id
    seen = await overview(database, tenant, datetime.now(UTC))
    async with database.connection() as connection:
        silent = await listing.meters(
            connection, tenant, listing.Wanted(state="silent"), "", _SILENT)
        cabinets = await listing.concentrators(connection, tenant, "", _CABINETS)
        archives = await newest_archives(connection, tenant)
        events = await store.events(connection, tenant, None, _EVENTS)
        refusals = await store.quarantined(connection, tenant, None, _REFUSALS)
        quarantined = await store.count_quarantined(connection, tenant)
        zone = await zone_of(connection, tenant)
    template = "overview_parts.html" if wants_fragment(request) else "overview.html"
    return page(request, template, session, seen=seen, silent=silent, cabinets=cabinets,
                archives=archives, events=events, refusals=refusals, quarantined=quarantined,
                zone=zone)
