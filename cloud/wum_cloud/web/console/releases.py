"""Releases: which there are, who signed them, and how many run each?"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from wum_cloud.campaigns.releases import store
from wum_cloud.campaigns.releases.trust import read_trust
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.web.access import Database
from wum_cloud.web.api.releases import small_key, trust_shown
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import UpdatesVisitor

router = APIRouter()


@router.get("/releases")
async def show_releases(
        request: Request, database: Database, session: UpdatesVisitor,
        cursor: Annotated[str | None, Query(max_length=200)] = None) -> Response:
    """The newest releases."""
    own = session.account
    async with database.connection() as connection:
        found = await store.listed(
            connection, own.tenant_id, small_key(cursor), PAGE_DEFAULT + 1)
        zone = await zone_of(connection, own.tenant_id)
        path = request.app.state.settings.release_trust
        trust = [] if path is None else await trust_shown(
            connection, own.tenant_id, read_trust(path))
    return page(request, "releases.html", session, zone=zone, trust=trust,
                found=page_of(found, PAGE_DEFAULT, lambda one: [one.release_id]))
