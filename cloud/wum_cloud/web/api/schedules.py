"""Schedules of the registry: how often meters are read, and registers of them by parts."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field

from wum_cloud.paging import page_of
from wum_cloud.registry.schedules import editing, store
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, text_key
from wum_cloud.web.api.problems import not_found
from wum_cloud.web.rights import TenantsRegistryCaller, TenantsRegistryEditor

router = APIRouter(tags=["registry"])

_Name = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
_Registers = Annotated[str, Field(
    max_length=255, pattern=r"^[ -~]*$", description=(
        "OBIS codes C.D.E or A-B:C.D.E, * for any number, separated by spaces: it is a part of "
        "others, which read the rest. Empty: of all registers."))]


class ScheduleForm(Form):
    """How often. Due whenever (UTC seconds - offset) is a multiple of the period."""

    name: str
    period_s: int
    offset_s: int
    registers: str
    parts: list[str]
    part_of: list[str]
    meters: int = Field(description="In use, that have it.")


class WantedScheduleForm(Form):
    """What a schedule is to be, whole."""

    period_s: Annotated[int, Field(ge=1, le=editing.PERIOD_MAX_S)]
    offset_s: Annotated[int, Field(ge=0, lt=editing.PERIOD_MAX_S)] = 0
    registers: _Registers = ""
    parts: Annotated[list[Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$")]], Field(
        max_length=64, description="Schedules that say of which registers they are; a register "
                                   "that two have is the first one's.")] = []


@router.get("/schedules")
async def list_schedules(
        account: TenantsRegistryCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT) -> PageOf[ScheduleForm]:
    """Schedules by name."""
    async with database.connection() as connection:
        found = await store.listed(
            connection, account.tenant_id, after=text_key(cursor), most=limit + 1)
    page = page_of(found, limit, lambda one: [one.name])
    return PageOf(next_cursor=page.next_cursor, items=[ScheduleForm(
        name=s.name, period_s=s.period_s, offset_s=s.offset_s, registers=s.registers,
        parts=s.parts, part_of=s.part_of, meters=s.meters) for s in page.items])


@router.put("/schedules/{name}", status_code=204)
async def set_schedule(
        request: Request, name: _Name, account: TenantsRegistryEditor, database: Database,
        wanted: WantedScheduleForm) -> None:
    """Make a schedule, or change it. Nothing is sent by that."""
    async with database.connection() as connection:
        await editing.save(connection, account.tenant_id, actor_of(request, account), name,
                           editing.Wanted(wanted.period_s, wanted.offset_s, wanted.registers,
                                          wanted.parts))


@router.delete("/schedules/{name}", status_code=204)
async def remove_schedule(
        request: Request, name: _Name, account: TenantsRegistryEditor, database: Database) -> None:
    """Forget a schedule that no meter in use and no other schedule has."""
    async with database.connection() as connection:
        if not await editing.remove(
                connection, account.tenant_id, actor_of(request, account), name):
            raise not_found("schedule", name)
