"""People: accounts of the tenant, their roles and branches, and API tokens."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field

from wum_cloud.database import Connection, Pool
from wum_cloud.paging import page_of
from wum_cloud.people import store as people
from wum_cloud.people.members import arrange, store
from wum_cloud.people.members.arrange import Place
from wum_cloud.people.permissions import MEANINGS, OF_PEOPLE, ROLES
from wum_cloud.people.personal import data
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.audit import LINES
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, text_key
from wum_cloud.web.api.problems import not_found
from wum_cloud.web.rights import PeopleCaller, PeopleEditor

router = APIRouter(tags=["people"])

_Text = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$")]
_Name = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Role = Annotated[str, Field(description="One of GET /roles.", max_length=32)]
_Branch = Annotated[str | None, Field(
    max_length=200, pattern=r"^[^\x00]*$",
    description="A site: nothing outside of its branch is shown. null: the whole tenant.")]


class RoleForm(Form):
    """A role and what it may do."""

    name: str
    is_for_people: bool = Field(description="false: for tokens only.")
    permissions: dict[str, str] = Field(description="Permissions, each with its meaning.")


class AccountForm(Form):
    """An account."""

    name: str
    role: str
    branch: str | None
    is_disabled: bool
    has_second_factor: bool
    created_at: AwareDatetime
    last_seen_at: AwareDatetime | None


class NewAccountForm(Form):
    """An account to make."""

    name: _Text
    role: _Role
    branch: _Branch = None


class ChangeForm(Form):
    """What an account may do from now on. Everything is said: there is no half change."""

    role: _Role
    branch: _Branch
    is_disabled: bool


class PasswordForm(Form):
    """A new password: it is shown this once."""

    name: str
    password: str


class TokenForm(Form):
    """An API token, without its secret."""

    name: str
    account: str
    role: str
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None
    expires_at: AwareDatetime | None


class NewTokenForm(Form):
    """A token to make. It may do what its role allows, and never more than its account."""

    name: _Text
    account: _Text
    role: _Role = "integrator"
    days: Annotated[int | None, Field(ge=1, le=arrange.TOKEN_DAYS_MAX)] = 365


class SecretForm(Form):
    """A new token: it is shown this once."""

    name: str
    token: str


@router.get("/roles")
async def list_roles(account: PeopleCaller) -> list[RoleForm]:
    """The roles there are."""
    return [RoleForm(name=role, is_for_people=role in OF_PEOPLE,
                     permissions={one: MEANINGS[one] for one in sorted(allowed)})
            for role, allowed in ROLES.items()]


@router.get("/accounts")
async def list_accounts(
        account: PeopleCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT) -> PageOf[AccountForm]:
    """Accounts by name."""
    async with database.connection() as connection:
        found = await store.members(
            connection, account.tenant_id, text_key(cursor), limit + 1)
    page = page_of(found, limit, lambda one: [one.name])
    return PageOf(next_cursor=page.next_cursor, items=[_form(one) for one in page.items])


@router.post("/accounts", status_code=201)
async def add_account(
        request: Request, account: PeopleEditor, database: Database, wanted: NewAccountForm,
) -> PasswordForm:
    """Make an account with a random password."""
    async with database.connection() as connection:
        password = await arrange.add_account(
            connection, account.tenant_id, actor_of(request, account), wanted.name,
            Place(wanted.role, wanted.branch))
    return PasswordForm(name=wanted.name, password=password)


@router.put("/accounts/{name}")
async def change_account(
        request: Request, name: _Name, account: PeopleEditor, database: Database,
        wanted: ChangeForm) -> AccountForm:
    """Give an account another role or branch, disable or enable it; its sessions end."""
    async with database.connection() as connection:
        await _known(connection, account.tenant_id, name)
        await arrange.change_account(
            connection, account.tenant_id, actor_of(request, account), name,
            Place(wanted.role, wanted.branch, wanted.is_disabled), account.account_id)
        return _form(await _known(connection, account.tenant_id, name))


@router.post("/accounts/{name}/password")
async def reset_password(
        request: Request, name: _Name, account: PeopleEditor, database: Database) -> PasswordForm:
    """Give an account a random password; its sessions end."""
    async with database.connection() as connection:
        await _known(connection, account.tenant_id, name)
        password = await arrange.reset_password(
            connection, account.tenant_id, actor_of(request, account), name)
    return PasswordForm(name=name, password=password)


@router.delete("/accounts/{name}/second-factor", status_code=204)
async def drop_second_factor(
        request: Request, name: _Name, account: PeopleEditor, database: Database) -> None:
    """For somebody who lost the telephone: the password alone signs in; the sessions end."""
    async with database.connection() as connection:
        await _known(connection, account.tenant_id, name)
        await arrange.drop_factor(
            connection, account.tenant_id, actor_of(request, account), name)


@router.get("/accounts/{name}/personal-data", response_class=StreamingResponse, responses={
    200: {"content": {LINES: {}}, "description": "A line of JSON for each thing that is kept."}})
async def export_personal_data(
        request: Request, name: _Name, account: PeopleEditor, database: Database,
) -> StreamingResponse:
    """All that is kept about an account, its acts among it; that it was given out is on record."""
    async with database.connection() as connection:
        await _known(connection, account.tenant_id, name)
        await data.note_export(connection, account.tenant_id, actor_of(request, account), name)
    return as_file(database, account.tenant_id, name)


def as_file(database: Pool, tenant: int, name: str) -> StreamingResponse:
    """What is kept about an account, to be saved."""
    return StreamingResponse(_lines(database, tenant, name), media_type=LINES, headers={
        "content-disposition": 'attachment; filename="personal-data.ndjson"'})


async def _lines(database: Pool, tenant: int, name: str) -> AsyncIterator[str]:
    async with database.connection() as connection:
        async for line in data.lines_about(connection, tenant, name):
            yield line


@router.delete("/accounts/{name}", status_code=204)
async def forget_account(
        request: Request, name: _Name, account: PeopleEditor, database: Database) -> None:
    """Forget an account that is disabled, for ever: its name is kept nowhere. What it did stays,
    under a pseudonym."""
    async with database.connection() as connection:
        await _known(connection, account.tenant_id, name)
        await data.forget(connection, account.tenant_id, actor_of(request, account), name,
                          account.account_id)


@router.get("/tokens")
async def list_tokens(account: PeopleCaller, database: Database) -> list[TokenForm]:
    """API tokens by name."""
    async with database.connection() as connection:
        found = await people.tokens(connection, account.tenant_id, None)
    return [TokenForm(name=t.name, account=t.account, role=t.role, created_at=t.created_at,
                      last_used_at=t.last_used_at, expires_at=t.expires_at) for t in found]


@router.post("/tokens", status_code=201)
async def add_token(
        request: Request, account: PeopleEditor, database: Database, wanted: NewTokenForm,
) -> SecretForm:
    """Make an API token."""
    async with database.connection() as connection:
        token = await arrange.add_token(
            connection, account.tenant_id, actor_of(request, account), wanted.name,
            wanted.account, wanted.role, wanted.days)
    return SecretForm(name=wanted.name, token=token)


@router.delete("/tokens/{name}", status_code=204)
async def revoke_token(
        request: Request, name: _Name, account: PeopleEditor, database: Database) -> None:
    """Forget every token of this name."""
    async with database.connection() as connection:
        if name not in {t.name for t in await people.tokens(connection, account.tenant_id, None)}:
            raise not_found("token", name)
        await arrange.revoke_tokens(
            connection, account.tenant_id, actor_of(request, account), name)


async def _known(connection: Connection, tenant: int, name: str) -> store.Member:
    found = await store.member(connection, tenant, name)
    if found is None:
        raise not_found("account", name)
    return found


def _form(one: store.Member) -> AccountForm:
    return AccountForm(
        name=one.name, role=one.role, branch=one.branch, is_disabled=one.is_disabled,
        has_second_factor=one.has_second_factor, created_at=one.created_at,
        last_seen_at=one.last_seen_at)
