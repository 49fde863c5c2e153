"""Meters: which meters match this, and how are they?"""

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database, Visitor
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import text_key
from wum_cloud.web.pages import page, wants_fragment

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Filter:
    """What the visitor asked for, as it stands in the address."""

    search: str
    state: str
    concentrator: str

    def address(self, **changes: str) -> str:
        """The list's address with some parts changed; empty parts are left out."""
        parts = {"search": self.search, "state": self.state, "concentrator": self.concentrator,
                 **changes}
        query = urlencode({name: value for name, value in parts.items() if value})
        return "/meters" + ("?" + query if query else "")


@router.get("/meters")
async def show_meters(
        request: Request, database: Database, session: Visitor,
        search: Annotated[str, Query(max_length=64)] = "",
        state: Literal["", "reporting", "silent"] = "",
        concentrator: Annotated[str, Query(max_length=16)] = "",
        cursor: str | None = None,
) -> Response:
    """Search and list, page by page."""
    tenant = session.account.tenant_id
    chosen = Filter(search.strip(), state, concentrator)
    wanted = store.Wanted(
        chosen.search or None, device_id(concentrator) if concentrator else None, None,
        state or None)
    async with database.connection() as connection:
        count = await store.count_meters(connection, tenant, wanted)
        found = await store.meters(
            connection, tenant, wanted, text_key(cursor), PAGE_DEFAULT + 1)
        cabinet = await store.concentrator(
            connection, tenant, wanted.concentrator) if wanted.concentrator else None
    template = "meters_rows.html" if wants_fragment(request) else "meters.html"
    return page(request, template, session, filter=chosen, count=count,
                most_counted=store.MATCHES_COUNTED - 1, cabinet=cabinet, cursor=cursor or "",
                found=page_of(found, PAGE_DEFAULT, lambda meter: [meter.serial]))
