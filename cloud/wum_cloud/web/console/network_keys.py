"""Network keys: which stations of a mesh have its newest key, and is it time to change it?"""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.network_keys import managing
from wum_cloud.people.permissions import REVOKE
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of, needed_vault
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import TenantsRegistryVisitor, TenantsRevokeForm

router = APIRouter()

_Text = Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/mesh/keys")
async def show_network_keys(
        request: Request, database: Database, session: TenantsRegistryVisitor,
        done: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Every mesh: its key, who has it, and what may be done next."""
    return await _page(request, database, session, done=done)


@router.post("/mesh/keys")
async def change_network_key(
        request: Request, database: Database, session: TenantsRevokeForm, mesh: _Text = "",
        act: _Text = "", anyway: _Text = "") -> Response:
    """Begin a change, or finish it; a refusal says what is missing."""
    own, actor = session.account, actor_of(request, session.account)
    try:
        async with database.connection() as connection:
            if act == "begin":
                await managing.begin(connection, needed_vault(request), actor, own.tenant_id, mesh)
            elif act == "finish":
                await managing.finish(connection, actor, own.tenant_id, mesh, anyway=bool(anyway))
            else:
                raise CommandRefused("A change of a key is begun or finished.")
    except CommandRefused as error:
        return await _page(request, database, session, mistake=str(error))
    return RedirectResponse("/mesh/keys?done=" + act, 303)


async def _page(request: Request, database: Database, session: Session, *, done: str = "",
                mistake: str = "") -> Response:
    tenant = session.account.tenant_id
    async with database.connection() as connection:
        found = await managing.overview(connection, tenant)
        zone = await zone_of(connection, tenant)
    return page(request, "mesh_keys.html", session, 422 if mistake else 200, meshes=found,
                zone=zone, done=done, mistake=mistake, say=managing.sentence,
                may_change=REVOKE in session.account.permissions)
