"""Concentrators: which cabinets are out or behind?"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.database import Connection
from wum_cloud.health import store as health
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database, Visitor
from wum_cloud.web.api.forms import text_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment

router = APIRouter()

_ARCHIVES_MAX = 1000


@router.get("/concentrators")
async def show_concentrators(
        request: Request, database: Database, session: Visitor, cursor: str | None = None,
) -> Response:
    """Name, site, last contact, what is still to come."""
    tenant = session.account.tenant_id
    async with database.connection() as connection:
        found = await store.concentrators(connection, tenant, text_key(cursor), PAGE_DEFAULT + 1)
        archives = await newest_archives(connection, tenant)
        zone = await zone_of(connection, tenant)
    template = "concentrators_rows.html" if wants_fragment(request) else "concentrators.html"
    listed = page_of(found, PAGE_DEFAULT, lambda c: [c.name])
    return page(request, template, session, cursor=cursor or "", found=listed,
                cabinets=listed.items, archives=archives, zone=zone)


async def newest_archives(connection: Connection, tenant: int) -> dict[bytes, health.Archive]:
    """The archive of each concentrator's newest batch; earlier ones ended with their flash."""
    kept = await health.archives(connection, tenant, _ARCHIVES_MAX)
    return {archive.device_id: archive for archive in reversed(kept)}
