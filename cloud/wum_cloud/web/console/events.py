"""Events: what did the concentrators say, and when?"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.health import store
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.web.access import Database
from wum_cloud.web.api.ingest import event_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import HealthVisitor

router = APIRouter()


@router.get("/events")
async def show_events(
        request: Request, database: Database, session: HealthVisitor,
        cursor: str | None = None,
) -> Response:
    """Events of all concentrators, the newest arrival first."""
    tenant = session.account.tenant_id
    async with database.connection() as connection:
        found = await store.events(
            connection, session.account.reach, event_key(cursor), PAGE_DEFAULT + 1)
        zone = await zone_of(connection, tenant)
    listed = page_of(found, PAGE_DEFAULT, lambda event: [
        event.arrived_at.isoformat(), event.device_id.hex(), event.sequence])
    template = "events_rows.html" if wants_fragment(request) else "events.html"
    return page(request, template, session, found=listed, events=listed.items, zone=zone,
                cursor=cursor or "")
