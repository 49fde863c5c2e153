"""Concentrators: which cabinets are out or behind?"""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.health.store import archives
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database, Visitor
from wum_cloud.web.api.forms import text_key
from wum_cloud.web.pages import page, wants_fragment

router = APIRouter()

# A concentrator says something with every sweep, so at least once a period; hourly ones get two.
LATE_AFTER = timedelta(hours=2)
_ARCHIVES_MAX = 1000


@router.get("/concentrators")
async def show_concentrators(
        request: Request, database: Database, session: Visitor, cursor: str | None = None,
) -> Response:
    """Name, site, last contact, what is still to come."""
    tenant = session.account.tenant_id
    async with database.connection() as connection:
        found = await store.concentrators(connection, tenant, text_key(cursor), PAGE_DEFAULT + 1)
        kept = await archives(connection, tenant, _ARCHIVES_MAX)
    newest = {}
    for archive in reversed(kept):
        newest[archive.device_id] = archive
    template = "concentrators_rows.html" if wants_fragment(request) else "concentrators.html"
    return page(request, template, session, cursor=cursor or "",
                found=page_of(found, PAGE_DEFAULT, lambda c: [c.name]), archives=newest,
                late_before=datetime.now(UTC) - LATE_AFTER)
