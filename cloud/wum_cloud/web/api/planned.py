"""Planned concentrators: what nobody has yet, and is configured already."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, Field

from wum_cloud.enrolment.planned import planning, store
from wum_cloud.paging import page_of
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, text_key
from wum_cloud.web.api.problems import not_found
from wum_cloud.web.rights import EnrolCaller

router = APIRouter(tags=["enrolment"])


class PlannedForm(Form):
    """A planned concentrator. Its id is good until it is claimed: then it has that of its box."""

    id: str
    name: str
    site: str | None
    buses: int
    meters: int
    planned_by: str
    planned_at: AwareDatetime
    is_claimed: bool = Field(description="A claim waits for its box.")


class NewPlanForm(Form):
    """What it is to be called, and where it is to stand."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
    site: Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")] = None


class PlanMadeForm(Form):
    """The id under which buses, meters and settings are planned at it."""

    id: str


@router.get("/planned-concentrators")
async def list_planned_concentrators(
        account: EnrolCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT) -> PageOf[PlannedForm]:
    """Planned concentrators by name."""
    async with database.connection() as connection:
        found = await store.listed(
            connection, account.reach, after=text_key(cursor), most=limit + 1)
    page = page_of(found, limit, lambda one: [one.name])
    return PageOf(next_cursor=page.next_cursor, items=[PlannedForm(
        id=p.device_id.hex(), name=p.name, site=p.site, buses=p.buses, meters=p.meters,
        planned_by=p.planned_by, planned_at=p.planned_at, is_claimed=p.is_claimed)
        for p in page.items])


@router.post("/planned-concentrators", status_code=201)
async def plan_concentrator(
        request: Request, account: EnrolCaller, database: Database, wanted: NewPlanForm,
) -> PlanMadeForm:
    """Plan a concentrator, which somebody claims some day."""
    async with database.connection() as connection:
        made = await planning.plan(
            connection, account.reach, actor_of(request, account), wanted.name, wanted.site)
    return PlanMadeForm(id=made.hex())


@router.delete("/planned-concentrators/{id}", status_code=204)
async def forget_planned_concentrator(
        request: Request, id: str, account: EnrolCaller, database: Database) -> None:
    """Forget a plan that has no meters and that no claim waits for."""
    async with database.connection() as connection:
        if not await planning.forget(
                connection, account.reach, actor_of(request, account), device_id(id)):
            raise not_found("planned concentrator", id)
