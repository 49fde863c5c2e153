"""The visitor's own account: sessions, password, API tokens."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.audit import acts
from wum_cloud.audit.store import note
from wum_cloud.people import sign_in, store
from wum_cloud.people.factor import store as factor
from wum_cloud.people.passwords import (
    PASSWORD_MAX,
    PASSWORD_MIN,
    hash_of_secret,
    hash_password,
    is_password,
)
from wum_cloud.people.personal import data
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of, cookie_name
from wum_cloud.web.api.people import as_file
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import OwnForm, OwnVisitor
from wum_cloud.web.texts import gettext as _

router = APIRouter()

_Password = Annotated[str, Form(max_length=PASSWORD_MAX)]


@router.get("/account")
async def show_account(
        request: Request, database: Database, session: OwnVisitor, done: str = "") -> Response:
    """Who is signed in where."""
    return await _account(request, database, session, done=done, mistake="")


@router.get("/account/data")
async def own_data(request: Request, database: Database, session: OwnVisitor) -> Response:
    """All that is kept about the visitor, as a file."""
    own = session.account
    async with database.connection() as connection:
        await data.note_export(connection, own.tenant_id, actor_of(request, own), own.name)
    return as_file(database, own.tenant_id, own.name)


@router.post("/account/sessions")
async def end_other_sessions(
        request: Request, database: Database, session: OwnForm) -> Response:
    """Sign out everywhere else."""
    async with database.connection() as connection:
        ended = await store.close_other_sessions(
            connection, session.account.account_id, _own_hash(request))
        await note(connection, actor_of(request, session.account), acts.SESSIONS_ENDED,
                   session.account.name, sessions=str(ended))
    return RedirectResponse("/account?done=sessions", 303)


@router.post("/account/password")
async def change_password(
        request: Request, database: Database, session: OwnForm, old: _Password, new: _Password,
) -> Response:
    """Another password; every other session ends. A refusal changes nothing."""
    async with database.connection() as connection:
        known = await store.account_named(connection, session.account.name)
    assert known is not None
    mistake = ""
    if not await is_password(known.password_hash, old):
        mistake = _("The present password is wrong: nothing was changed.")
    elif len(new) < PASSWORD_MIN:
        mistake = _("The new password has %(n)d characters, wanted at least %(least)d.") % {
            "n": len(new), "least": PASSWORD_MIN}
    if mistake:
        return await _account(request, database, session, done="", mistake=mistake)
    async with database.connection() as connection:
        await store.set_password(
            connection, session.account.account_id, await hash_password(new))
        await store.close_other_sessions(
            connection, session.account.account_id, _own_hash(request))
        await note(connection, actor_of(request, session.account), acts.PASSWORD_CHANGED,
                   session.account.name)
    return RedirectResponse("/account?done=password", 303)


async def _account(request: Request, database: Database, session: Session, **said: str) -> Response:
    own = session.account
    async with database.connection() as connection:
        sessions = await store.open_sessions(connection, own.account_id, sign_in.IDLE_MINUTES)
        tokens = await store.tokens(connection, own.tenant_id, own.account_id)
        has_factor = await factor.is_on(connection, own.account_id)
        zone = await zone_of(connection, own.tenant_id)
    return page(request, "account.html", session, 422 if said["mistake"] else 200,
                sessions=sessions, tokens=tokens, zone=zone, has_factor=has_factor,
                least=PASSWORD_MIN, idle_minutes=sign_in.IDLE_MINUTES,
                own=_own_hash(request), **said)


def _own_hash(request: Request) -> bytes:
    return hash_of_secret(request.cookies[cookie_name(request)])
