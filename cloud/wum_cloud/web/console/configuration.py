"""Configuration: what would change at a concentrator, what is in force, and settings of many."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.configuration import store, twin
from wum_cloud.configuration.composing import NUMBERS, ROLES
from wum_cloud.configuration.twin import ConfigurationRefused
from wum_cloud.joins.giving import giving
from wum_cloud.people.permissions import EDIT_REGISTRY
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import (
    RegistryForm,
    RegistryVisitor,
    TenantsEditorForm,
    TenantsRegistryVisitor,
)

router = APIRouter()

_CHANGES_MAX = 200      # On a page.
_MEMBERS_MAX = 200      # Of one group.
_Id = Annotated[str, Form(pattern=r"^[0-9a-f]{16}$")]
_Text = Annotated[str, Form(max_length=300, pattern=r"^[^\x00]*$")]
_Name = Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")]
_Number = Annotated[str, Form(max_length=10, pattern=r"^[0-9]*$")]


@router.get("/concentrators/{id}/configuration")
async def show_configuration(
        request: Request, id: str, database: Database, session: RegistryVisitor,
        done: str = "") -> Response:
    """One concentrator: wanted, on its way, in force."""
    return await _twin(request, database, session, id, done=done)


@router.post("/configuration/send")
async def send_configuration(
        request: Request, database: Database, session: RegistryForm, concentrator: _Id = "0" * 16,
        reason: _Text = "") -> Response:
    """Send what is wanted."""
    own = session.account
    try:
        async with database.connection() as connection:
            number = await twin.send(
                connection, own.reach, actor_of(request, own), device_id(concentrator), reason,
                giving(connection, own.reach, own.name, reason))
    except (ConfigurationRefused, CommandRefused) as error:
        return await _twin(request, database, session, concentrator, mistake=str(error),
                           reason=reason)
    if number is None:
        raise HTTPException(404, "There is no concentrator %s." % concentrator)
    return RedirectResponse("/concentrators/%s/configuration?done=sent" % concentrator, 303)


@router.post("/configuration/concentrator")
async def set_concentrator(
        request: Request, database: Database, session: RegistryForm, concentrator: _Id = "0" * 16,
        group: _Name = "", timeout_ms: _Number = "", tolerance_s: _Number = "",
        max_step_s: _Number = "", role: _Name = "") -> Response:
    """A concentrator's group and own settings; nothing is sent by that."""
    own = session.account
    settings = _settings(timeout_ms, tolerance_s, max_step_s, role)
    try:
        async with database.connection() as connection:
            if not await twin.join_group(connection, own.reach, actor_of(request, own),
                                         device_id(concentrator), group or None):
                raise HTTPException(404, "There is no concentrator %s." % concentrator)
            await twin.change_settings(connection, own.reach, actor_of(request, own),
                                       "concentrator", concentrator, settings)
    except ConfigurationRefused as error:
        return await _twin(request, database, session, concentrator, mistake=str(error))
    return RedirectResponse("/concentrators/%s/configuration?done=set" % concentrator, 303)


@router.get("/configuration")
async def show_groups(
        request: Request, database: Database, session: TenantsRegistryVisitor, done: str = "",
) -> Response:
    """Settings that many share."""
    return await _groups(request, database, session, done=done)


@router.post("/configuration/group")
async def set_group(
        request: Request, database: Database, session: TenantsEditorForm, name: _Name = "",
        timeout_ms: _Number = "", tolerance_s: _Number = "", max_step_s: _Number = "",
        role: _Name = "") -> Response:
    """A group's settings, whole; it is made where it is new."""
    own = session.account
    try:
        async with database.connection() as connection:
            await twin.change_settings(
                connection, own.reach, actor_of(request, own), "group", name,
                _settings(timeout_ms, tolerance_s, max_step_s, role))
    except ConfigurationRefused as error:
        return await _groups(request, database, session, mistake=str(error))
    return RedirectResponse("/configuration?done=set", 303)


@router.post("/configuration/group/send")
async def send_to_group(
        request: Request, database: Database, session: TenantsEditorForm, name: _Name = "",
        reason: _Text = "") -> Response:
    """Send to every concentrator of a group for which something changes."""
    own = session.account
    try:
        async with database.connection() as connection:
            sent, left = await twin.send_to_group(
                connection, own.reach, actor_of(request, own), name, reason,
                giving(connection, own.reach, own.name, reason))
    except (ConfigurationRefused, CommandRefused) as error:
        return await _groups(request, database, session, mistake=str(error))
    return await _groups(request, database, session, sent=sent, left=left)


def _settings(timeout_ms: str, tolerance_s: str, max_step_s: str, role: str,
              ) -> dict[str, int | str]:
    numbers = {"timeout_ms": timeout_ms, "tolerance_s": tolerance_s, "max_step_s": max_step_s}
    found: dict[str, int | str] = {name: int(text) for name, text in numbers.items() if text}
    return {**found, "role": role} if role else found


async def _twin(
        request: Request, database: Database, session: Session, id: str, *, done: str = "",
        mistake: str = "", reason: str = "") -> Response:
    own = session.account
    async with database.connection() as connection:
        found = await twin.twin_of(connection, own.reach, device_id(id))
        if found is None:
            raise HTTPException(404, "There is no concentrator %s." % id)
        groups = await store.groups(connection, own.tenant_id)
        zone = await zone_of(connection, own.tenant_id)
    template = "configuration_state.html" if wants_fragment(request) else "configuration.html"
    return page(
        request, template, session, 422 if mistake else 200, t=found, groups=groups, zone=zone,
        done=done, mistake=mistake, reason=reason, roles=ROLES, limits=NUMBERS["concentrator"],
        may_edit=EDIT_REGISTRY in own.permissions, changes=found.changes[:_CHANGES_MAX],
        more=len(found.changes[_CHANGES_MAX:]))


async def _groups(
        request: Request, database: Database, session: Session, *, done: str = "",
        mistake: str = "", sent: int | None = None,
        left: list[tuple[store.Place, str]] | None = None) -> Response:
    own = session.account
    async with database.connection() as connection:
        groups = await store.groups(connection, own.tenant_id)
        standings = {g.name: await store.standings(connection, own.reach, g.name, _MEMBERS_MAX)
                     for g in groups}
        zone = await zone_of(connection, own.tenant_id)
    return page(
        request, "configuration_groups.html", session, 422 if mistake else 200, groups=groups,
        standings=standings,
        zone=zone, done=done, mistake=mistake, sent=sent, left=left or [], roles=ROLES,
        limits=NUMBERS["group"], may_edit=EDIT_REGISTRY in own.permissions)
