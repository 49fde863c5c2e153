"""Groups of meters: which there are, who has heard of them, and a form to make and change one."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.commands.groups import managing, store
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.people.permissions import SWITCH
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import TenantsCommandsVisitor, TenantsSwitchForm

router = APIRouter()

_Text = Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")]
_Long = Annotated[str, Form(max_length=70_000, pattern=r"^[^\x00]*$")]


@router.get("/command-groups")
async def show_groups(
        request: Request, database: Database, session: TenantsCommandsVisitor,
        name: Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")] = "",
        branch: Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")] = "",
        done: Annotated[str, Query(max_length=20)] = "") -> Response:
    """All groups, and the form: with one of them, or with the meters of a branch."""
    if not branch:
        return await _page(request, database, session, name=name, done=done)
    typed = {"name": name, "serials": "", "mesh": "", "number": "", "branch": branch}
    mistake = ""
    try:
        async with database.connection() as connection:
            typed["serials"] = " ".join(await managing.serials_below(
                connection, session.account.reach, branch))
    except CommandRefused as error:
        mistake = str(error)
    return await _page(request, database, session, typed=typed, mistake=mistake)


@router.post("/command-groups")
async def set_group(
        request: Request, database: Database, session: TenantsSwitchForm, name: _Text = "",
        serials: _Long = "", mesh: _Text = "", number: _Text = "", drop: _Text = "") -> Response:
    """Keep a group, or drop it."""
    own = session.account
    typed = {"name": name, "serials": serials, "mesh": mesh, "number": number}
    try:
        async with database.connection() as connection:
            if drop:
                if not await managing.drop_group(
                        connection, own.reach, actor_of(request, own), name):
                    raise HTTPException(404, "There is no such group.")
            else:
                if number and not (number.isascii() and number.isdigit()):
                    raise CommandRefused("A group's number in a mesh is 0 to 255.")
                await managing.set_group(
                    connection, own.reach, actor_of(request, own), name.strip(),
                    serials.replace(",", " ").split(), mesh.strip() or None,
                    int(number) if number else None)
    except CommandRefused as error:
        return await _page(request, database, session, mistake=str(error), typed=typed)
    return RedirectResponse("/command-groups?done=yes", 303)


async def _page(
        request: Request, database: Database, session: Session, *, name: str = "", done: str = "",
        mistake: str = "", typed: dict[str, str] | None = None) -> Response:
    own = session.account
    async with database.connection() as connection:
        groups = await store.groups(connection, own.tenant_id)
        zone = await zone_of(connection, own.tenant_id)
        chosen = next((one for one in groups if one.name == name), None)
        members = [] if chosen is None else await store.members(
            connection, own.reach, chosen.group_id)
    if typed is None:
        typed = {"name": "", "serials": "", "mesh": "", "number": ""} if chosen is None else {
            "name": chosen.name, "serials": " ".join(one.serial for one in members),
            "mesh": chosen.mesh or "", "number": "" if chosen.number is None else
            str(chosen.number)}
    return page(request, "command_groups.html", session, 422 if mistake else 200, groups=groups,
                zone=zone, typed=typed, mistake=mistake, done=done,
                may_edit=SWITCH in own.permissions)
