"""Sites: places with a time zone."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field

from wum_cloud.paging import page_of
from wum_cloud.registry.listing import store
from wum_cloud.registry.sites import store as tree
from wum_cloud.registry.sites.tree import move_site
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, text_key
from wum_cloud.web.api.problems import not_found
from wum_cloud.web.rights import RegistryCaller, RegistryEditor

router = APIRouter(tags=["registry"])


class SiteForm(Form):
    """A place: a street, a substation."""

    name: str
    address: str
    time_zone: str
    parent: str | None = Field(description="The site that it lies in.")
    concentrators: int
    meters: int


class ParentForm(Form):
    """Where a site is to lie."""

    parent: Annotated[str | None, Field(
        max_length=200, pattern=r"^[^\x00]*$", description="null: at the top.")]


@router.get("/sites")
async def list_sites(
        account: RegistryCaller, database: Database,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[SiteForm]:
    """Sites by name."""
    async with database.connection() as connection:
        found = await store.sites(connection, account.reach, text_key(cursor), limit + 1)
    page = page_of(found, limit, lambda site: [site.name])
    return PageOf(next_cursor=page.next_cursor, items=[
        SiteForm(name=s.name, address=s.address, time_zone=s.time_zone, parent=s.parent,
                 concentrators=s.concentrators, meters=s.meters) for s in page.items])


@router.put("/sites/{name:path}/parent", status_code=204)
async def move_a_site(
        request: Request, name: Annotated[str, Path(max_length=200)], account: RegistryEditor,
        database: Database, wanted: ParentForm) -> None:
    """Put a site into another one; nobody sees outside of the branch that the account has."""
    async with database.connection() as connection:
        if await tree.site_named(connection, account.reach, name) is None:
            raise not_found("site", name)
        await move_site(
            connection, account.reach, actor_of(request, account), name, wanted.parent)
