"""Overview: what needs me now?"""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.health import store
from wum_cloud.health.overview import overview
from wum_cloud.web.access import Database, Visitor
from wum_cloud.web.pages import page, wants_fragment

router = APIRouter()

_EVENTS = 10
_REFUSALS = 5


@router.get("/")
async def show_overview(request: Request, database: Database, session: Visitor) -> Response:
    """Four numbers, the last events, and what ingest refused."""
    tenant = session.account.tenant_id
    seen = await overview(database, tenant, datetime.now(UTC))
    async with database.connection() as connection:
        events = await store.events(connection, tenant, None, _EVENTS)
        refusals = await store.quarantined(connection, tenant, None, _REFUSALS)
        quarantined = await store.count_quarantined(connection, tenant)
    template = "overview_numbers.html" if wants_fragment(request) else "overview.html"
    return page(request, template, session, seen=seen, events=events, refusals=refusals,
                quarantined=quarantined)
