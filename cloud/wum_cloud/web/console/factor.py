"""The visitor's second factor: set it up, confirm it with a code, take it away again."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.audit import acts
from wum_cloud.audit.store import note
from wum_cloud.database import Pool
from wum_cloud.people import store as people
from wum_cloud.people.factor import codes, store
from wum_cloud.people.passwords import PASSWORD_MAX, is_password
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of, needed_vault
from wum_cloud.web.pages import page
from wum_cloud.web.rights import OwnForm
from wum_cloud.web.texts import gettext as _

router = APIRouter()


@router.post("/account/factor")
async def propose(request: Request, database: Database, session: OwnForm) -> Response:
    """A new secret, shown once; it is in force when a code of it was typed."""
    vault = needed_vault(request)
    secret, number = codes.new_secret(), session.account.account_id
    async with database.connection() as connection:
        if not await store.propose(connection, number, codes.seal(vault, number, secret)):
            raise HTTPException(409, _("There is a second factor already: take it away first."))
        await note(connection, actor_of(request, session.account), acts.FACTOR_PROPOSED,
                   session.account.name)
    return _shown(request, session, secret, "")


@router.post("/account/factor/confirm")
async def confirm(
        request: Request, database: Database, session: OwnForm,
        code: Annotated[str, Form(max_length=10)] = "") -> Response:
    """The first code: from now on signing in asks for one."""
    vault, number = needed_vault(request), session.account.account_id
    async with database.connection() as connection:
        sealed = await store.proposed(connection, number)
        if sealed is None:
            raise HTTPException(409, _("Set the second factor up first."))
        secret = codes.opened(vault, number, sealed)
        step = codes.step_of(secret, code)
        if step is None:
            return _shown(request, session, secret, _("This code is wrong, or too old."))
        await store.confirm(connection, number, step)
        await note(connection, actor_of(request, session.account), acts.FACTOR_ON,
                   session.account.name)
    return RedirectResponse("/account?done=factor-on", 303)


@router.post("/account/factor/off")
async def take_away(
        request: Request, database: Database, session: OwnForm,
        password: Annotated[str, Form(max_length=PASSWORD_MAX)] = "") -> Response:
    """Sign in with the password alone; asks for it once more."""
    if not await _is_own(database, session, password):
        raise HTTPException(403, _("The present password is wrong: nothing was changed."))
    async with database.connection() as connection:
        await store.drop(connection, session.account.account_id)
        await note(connection, actor_of(request, session.account), acts.FACTOR_OFF,
                   session.account.name)
    return RedirectResponse("/account?done=factor-off", 303)


async def _is_own(database: Pool, session: Session, password: str) -> bool:
    async with database.connection() as connection:
        known = await people.account_named(connection, session.account.name)
    return known is not None and await is_password(known.password_hash, password)


def _shown(request: Request, session: Session, secret: str, mistake: str) -> Response:
    address = codes.address_of(secret, session.account.name)
    return page(request, "factor.html", session, 422 if mistake else 200, secret=secret,
                picture=codes.picture_of(address), mistake=mistake)
