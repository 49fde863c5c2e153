"""Sites: places with a time zone."""

from typing import Annotated

from fastapi import APIRouter, Depends

from wum_cloud.paging import page_of
from wum_cloud.people.accounts import Account
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database, signed_in
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, text_key

router = APIRouter(tags=["registry"])


class SiteForm(Form):
    """A place: a street, a substation."""

    name: str
    address: str
    time_zone: str
    concentrators: int
    meters: int


@router.get("/sites")
async def list_sites(
        account: Annotated[Account, Depends(signed_in)], database: Database,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[SiteForm]:
    """Sites by name."""
    async with database.connection() as connection:
        found = await store.sites(connection, account.tenant_id, text_key(cursor), limit + 1)
    page = page_of(found, limit, lambda site: [site.name])
    return PageOf(next_cursor=page.next_cursor, items=[
        SiteForm(name=s.name, address=s.address, time_zone=s.time_zone,
                 concentrators=s.concentrators, meters=s.meters) for s in page.items])
