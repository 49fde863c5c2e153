"""Meters: which meters match this, and how are they?"""

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import text_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import RegistryVisitor

router = APIRouter()

_Search = Annotated[str, Query(max_length=64)]
_CABINETS = 200     # Choices in a menu; more than that are found by their own page.


@dataclass(frozen=True, slots=True)
class Filter:
    """What the visitor asked for, as it stands in the address."""

    search: str
    state: str
    concentrator: str
    site: str

    @property
    def is_empty(self) -> bool:
        """Whether every meter matches."""
        return not (self.search or self.state or self.concentrator or self.site)

    def address(self, **changes: str) -> str:
        """The list's address with some parts changed; empty parts are left out."""
        parts = {"search": self.search, "state": self.state, "concentrator": self.concentrator,
                 "site": self.site, **changes}
        query = urlencode({name: value for name, value in parts.items() if value})
        return "/meters" + ("?" + query if query else "")

    def wanted(self) -> store.Wanted:
        """The same for the database. Refuses an id that is none."""
        return store.Wanted(
            self.search or None, device_id(self.concentrator) if self.concentrator else None,
            self.site or None, self.state or None)


@router.get("/meters")
async def show_meters(
        request: Request, database: Database, session: RegistryVisitor, search: _Search = "",
        state: Literal["", "reporting", "silent", "archived"] = "",
        concentrator: Annotated[str, Query(max_length=16)] = "",
        site: Annotated[str, Query(max_length=200)] = "", cursor: str | None = None,
) -> Response:
    """Search and list, page by page; htmx gets the list alone, or its next rows."""
    reach = session.account.reach
    chosen = Filter(search.strip(), state, concentrator, site)
    wanted = chosen.wanted()
    async with database.connection() as connection:
        count = await store.count_meters(connection, reach, wanted)
        found = await store.meters(
            connection, reach, wanted, text_key(cursor), PAGE_DEFAULT + 1)
        cabinets = await store.concentrators(connection, reach, "", _CABINETS)
        zone = await zone_of(connection, reach.tenant_id)
    template = "meters.html"
    if wants_fragment(request):
        template = "meters_rows.html" if cursor else "meters_list.html"
    return page(
        request, template, session, filter=chosen, count=count, zone=zone,
        most_counted=store.MATCHES_COUNTED - 1, cabinets=cabinets, cursor=cursor or "",
        cabinet_name=next(
            (c.name for c in cabinets if c.device_id == wanted.concentrator), concentrator),
        found=page_of(found, PAGE_DEFAULT, lambda meter: [meter.serial]))


@router.get("/find")
async def find(database: Database, session: RegistryVisitor, search: _Search = "") -> Response:
    """To the one meter that matches, else to the list of those that do."""
    chosen = Filter(search.strip(), "", "", "")
    async with database.connection() as connection:
        reach = session.account.reach
        exact = await store.meter(connection, reach, chosen.search)
        found = [exact] if exact else await store.meters(
            connection, reach, chosen.wanted(), "", 2)
    if chosen.search and len(found) == 1:
        return RedirectResponse("/meters/" + quote(found[0].serial, safe=""), 303)
    return RedirectResponse(chosen.address(), 303)
