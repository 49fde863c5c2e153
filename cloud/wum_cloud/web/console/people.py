"""People: who may do what, and where?"""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Request
from fastapi.responses import Response

from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.people import store as people
from wum_cloud.people.accounts import PeopleRefused
from wum_cloud.people.members import arrange, store
from wum_cloud.people.members.arrange import Place
from wum_cloud.people.permissions import EDIT_PEOPLE, MEANINGS, OF_PEOPLE, ROLES
from wum_cloud.people.personal import data
from wum_cloud.people.store import Session
from wum_cloud.registry.listing.store import sites
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import text_key
from wum_cloud.web.api.people import as_file
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import PeopleEditorVisitor, PeopleForm, PeopleVisitor

router = APIRouter()

_SITES_MAX = 500    # In the choice of a branch; the API takes any.
_Name = Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")]
_Role = Annotated[str, Form(max_length=32)]
_Branch = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("/people")
async def show_people(
        request: Request, database: Database, session: PeopleVisitor, cursor: str | None = None,
) -> Response:
    """Accounts, roles and tokens."""
    return await _people(request, database, session, cursor=cursor or "")


@router.post("/people")
async def add_account(
        request: Request, database: Database, session: PeopleForm, name: _Name, role: _Role,
        branch: _Branch = "") -> Response:
    """A new account; its password stands on the answer, and nowhere else."""
    own = session.account
    try:
        async with database.connection() as connection:
            password = await arrange.add_account(
                connection, own.tenant_id, actor_of(request, own), name,
                Place(role, branch or None))
    except PeopleRefused as error:
        return await _people(request, database, session, mistake=str(error))
    return await _people(request, database, session, name=name, password=password)


@router.post("/people/change")
async def change_account(
        request: Request, database: Database, session: PeopleForm, name: _Name, role: _Role,
        branch: _Branch = "", is_disabled: Annotated[bool, Form()] = False) -> Response:
    """Another role or branch, or no access; the account's sessions end."""
    own = session.account
    try:
        async with database.connection() as connection:
            await arrange.change_account(
                connection, own.tenant_id, actor_of(request, own), name,
                Place(role, branch or None, is_disabled), own.account_id)
    except PeopleRefused as error:
        return await _people(request, database, session, mistake=str(error))
    return await _people(request, database, session, name=name, done="changed")


@router.post("/people/password")
async def reset_password(
        request: Request, database: Database, session: PeopleForm, name: _Name) -> Response:
    """A new password, on the answer and nowhere else; the account's sessions end."""
    own = session.account
    try:
        async with database.connection() as connection:
            password = await arrange.reset_password(
                connection, own.tenant_id, actor_of(request, own), name)
    except PeopleRefused as error:
        return await _people(request, database, session, mistake=str(error))
    return await _people(request, database, session, name=name, password=password)


@router.post("/people/factor-off")
async def drop_factor(
        request: Request, database: Database, session: PeopleForm, name: _Name) -> Response:
    """For somebody who lost the telephone."""
    own = session.account
    try:
        async with database.connection() as connection:
            await arrange.drop_factor(connection, own.tenant_id, actor_of(request, own), name)
    except PeopleRefused as error:
        return await _people(request, database, session, mistake=str(error))
    return await _people(request, database, session, name=name, done="factor")


@router.get("/people/{name}/data")
async def export_personal_data(
        request: Request, database: Database, session: PeopleEditorVisitor,
        name: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")]) -> Response:
    """All that is kept about an account, as a file."""
    own = session.account
    async with database.connection() as connection:
        if await store.member(connection, own.tenant_id, name) is None:
            raise HTTPException(404, "There is no account called %s." % name)
        await data.note_export(connection, own.tenant_id, actor_of(request, own), name)
    return as_file(database, own.tenant_id, name)


@router.post("/people/forget")
async def forget_account(
        request: Request, database: Database, session: PeopleForm, name: _Name, typed: _Name,
) -> Response:
    """For ever; so the name is typed again."""
    own = session.account
    try:
        if typed != name:
            raise PeopleRefused("The name that was typed is not %s: nothing was done." % name)
        async with database.connection() as connection:
            called = await data.forget(
                connection, own.tenant_id, actor_of(request, own), name, own.account_id)
    except PeopleRefused as error:
        return await _people(request, database, session, mistake=str(error))
    return await _people(request, database, session, name=called, done="forgotten")


async def _people(
        request: Request, database: Database, session: Session, *, cursor: str = "",
        name: str = "", password: str = "", done: str = "", mistake: str = "") -> Response:
    own = session.account
    async with database.connection() as connection:
        found = await store.members(
            connection, own.tenant_id, text_key(cursor or None), PAGE_DEFAULT + 1)
        tokens = await people.tokens(connection, own.tenant_id, None)
        places = await sites(connection, own.reach, "", _SITES_MAX)
        zone = await zone_of(connection, own.tenant_id)
    return page(
        request, "people.html", session, 422 if mistake else 200,
        found=page_of(found, PAGE_DEFAULT, lambda one: [one.name]), tokens=tokens, zone=zone,
        places=[place.name for place in places], roles=OF_PEOPLE, permissions=ROLES,
        meanings=MEANINGS, may_edit=EDIT_PEOPLE in own.permissions, name=name,
        password=password, done=done, mistake=mistake)
