"""Schedules: how often meters are read, and which registers of them by a schedule of their own."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.configuration.differing import every
from wum_cloud.people.permissions import EDIT_REGISTRY
from wum_cloud.people.store import Session
from wum_cloud.registry.schedules import editing, store
from wum_cloud.registry.schedules.editing import ScheduleRefused
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import TenantsEditorForm, TenantsEditorVisitor, TenantsRegistryVisitor

router = APIRouter()

UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_SHOWN_MAX = 500            # A tenant has a handful.
_Name = Annotated[str, Form(max_length=64)]
_Number = Annotated[str, Form(max_length=6, pattern=r"^[0-9]*$")]
_Text = Annotated[str, Form(max_length=400)]


@router.get("/schedules")
async def show_schedules(
        request: Request, database: Database, session: TenantsRegistryVisitor, done: str = "",
) -> Response:
    """Every schedule, with what it reads and how many meters have it."""
    return await _schedules(request, database, session, done=done)


@router.get("/schedules/edit")
async def show_schedule(
        request: Request, database: Database, session: TenantsEditorVisitor, name: str = "",
) -> Response:
    """A form for one schedule; without a name for a new one."""
    async with database.connection() as connection:
        found = await store.listed(
            connection, session.account.tenant_id, most=1, name=name[:64]) if name else []
    one = found[0] if found else None
    number, unit = _spoken(one.period_s) if one else (15, "min")
    return await _form(request, database, session, {
        "name": one.name if one else "", "every": str(number), "unit": unit,
        "offset_s": str(one.offset_s) if one else "0",
        "registers": one.registers if one else "", "parts": one.parts if one else []},
        is_new=one is None)


@router.post("/schedules")
async def save_schedule(
        request: Request, database: Database, session: TenantsEditorForm, name: _Name = "",
        every_: Annotated[str, Form(alias="every", max_length=6, pattern=r"^[0-9]*$")] = "",
        unit: Annotated[str, Form(pattern=r"^(s|min|h|d)$")] = "s", offset_s: _Number = "",
        registers: _Text = "", parts: Annotated[Sequence[_Name], Form(max_length=64)] = (),
        is_new: Annotated[str, Form(max_length=3)] = "") -> Response:
    """Make a schedule, or change it. Nothing is sent by that."""
    own = session.account
    fields = {"name": name, "every": every_, "unit": unit, "offset_s": offset_s,
              "registers": registers, "parts": parts}
    try:
        async with database.connection() as connection:
            if is_new and await store.listed(connection, own.tenant_id, most=1, name=name):
                raise ScheduleRefused("There is a schedule %s already: change that one." % name,
                                      "name")
            await editing.save(
                connection, own.tenant_id, actor_of(request, own), name, editing.Wanted(
                    int(every_ or 0) * UNITS[unit], int(offset_s or 0), registers, parts))
    except ScheduleRefused as error:
        return await _form(request, database, session, fields, is_new=bool(is_new),
                           mistake=str(error), where=error.where)
    return RedirectResponse("/schedules?done=saved", 303)


@router.post("/schedules/remove")
async def remove_schedule(
        request: Request, database: Database, session: TenantsEditorForm, name: _Name = "",
) -> Response:
    """Forget a schedule that nothing has any more."""
    own = session.account
    try:
        async with database.connection() as connection:
            await editing.remove(connection, own.tenant_id, actor_of(request, own), name)
    except ScheduleRefused as error:
        return await _schedules(request, database, session, mistake=str(error))
    return RedirectResponse("/schedules?done=removed", 303)


async def _schedules(
        request: Request, database: Database, session: Session, *, done: str = "",
        mistake: str = "") -> Response:
    own = session.account
    async with database.connection() as connection:
        found = await store.listed(connection, own.tenant_id, most=_SHOWN_MAX)
    return page(
        request, "schedules.html", session, 422 if mistake else 200, done=done, mistake=mistake,
        schedules=[(one, every({"period_s": one.period_s, "offset_s": one.offset_s}))
                   for one in found], by_name={one.name: one for one in found},
        may_edit=EDIT_REGISTRY in own.permissions)


async def _form(
        request: Request, database: Database, session: Session, fields: Mapping[str, object], *,
        is_new: bool, mistake: str = "", where: str = "") -> Response:
    async with database.connection() as connection:
        found = await store.listed(connection, session.account.tenant_id, most=_SHOWN_MAX)
    return page(
        request, "schedule.html", session, 422 if mistake else 200, fields=fields, is_new=is_new,
        mistake=mistake, where=where, units=list(UNITS),
        own=next((one for one in found if one.name == fields["name"]), None),
        offered=[(one, every({"period_s": one.period_s, "offset_s": one.offset_s}))
                 for one in found if one.registers and one.name != fields["name"]])


def _spoken(period_s: int) -> tuple[int, str]:
    unit = max([unit for unit in UNITS if period_s % UNITS[unit] == 0], key=lambda u: UNITS[u])
    return period_s // UNITS[unit], unit
