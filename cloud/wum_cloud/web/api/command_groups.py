"""Groups of meters that are ordered about together: who is in one, and who has heard of it."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, Field

from wum_cloud.commands.groups import managing, store
from wum_cloud.commands.groups.managing import GROUP_METERS_MAX, NAME_MAX
from wum_cloud.commands.groups.store import Group
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import Form
from wum_cloud.web.api.problems import not_found
from wum_cloud.web.rights import TenantsCommandsCaller, TenantsSwitchCaller
from wum_shared.ripple import GROUPS_MAX

router = APIRouter(tags=["commands"])

_Name = Annotated[str, Path(min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f/]+$")]
_Serial = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class CommandGroupForm(Form):
    """A group. `confirmed` of its concentrators have signed that they know this version."""

    name: str
    version: int
    meters: int
    concentrators: int
    confirmed: int
    mesh: str | None
    number: int | None
    changed_at: AwareDatetime


class CommandGroupMembersForm(CommandGroupForm):
    """A group with the serials of its meters."""

    serials: list[str]


class NewGroupForm(Form):
    """The meters of a group, these and no others, or those that a branch of the tree of sites has
    now; and by which number which mesh floods to it."""

    meters: Annotated[list[_Serial], Field(min_length=1, max_length=GROUP_METERS_MAX)] | None = None
    branch: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] | None = None
    mesh: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] | None = None
    number: Annotated[int, Field(ge=0, lt=GROUPS_MAX)] | None = None


@router.get("/command-groups")
async def list_command_groups(
        account: TenantsCommandsCaller, database: Database) -> list[CommandGroupForm]:
    """All groups, by name."""
    async with database.connection() as connection:
        return [_form(one) for one in await store.groups(connection, account.tenant_id)]


@router.get("/command-groups/{name}")
async def get_command_group(
        name: _Name, account: TenantsCommandsCaller, database: Database,
) -> CommandGroupMembersForm:
    """One group and its meters."""
    async with database.connection() as connection:
        found = await store.groups(connection, account.tenant_id, name)
        if not found:
            raise not_found("group", name)
        members = await store.members(connection, account.reach, found[0].group_id)
    return CommandGroupMembersForm(
        **_form(found[0]).model_dump(), serials=[one.serial for one in members])


@router.put("/command-groups/{name}")
async def set_command_group(
        request: Request, name: _Name, account: TenantsSwitchCaller, database: Database,
        wanted: NewGroupForm) -> CommandGroupForm:
    """Make a group, or give it these meters. Its concentrators are told at once."""
    async with database.connection() as connection:
        made = await managing.set_group(
            connection, account.reach, actor_of(request, account), name,
            await _serials(connection, account.reach, wanted), wanted.mesh, wanted.number)
    return _form(made)


@router.delete("/command-groups/{name}", status_code=204)
async def drop_command_group(
        request: Request, name: _Name, account: TenantsSwitchCaller, database: Database) -> None:
    """Make a group none. What was ordered stays on record."""
    async with database.connection() as connection:
        was_there = await managing.drop_group(
            connection, account.reach, actor_of(request, account), name)
    if not was_there:
        raise not_found("group", name)


async def _serials(connection: Connection, reach: Reach, wanted: NewGroupForm) -> list[str]:
    if (wanted.meters is None) == (wanted.branch is None):
        raise CommandRefused("A group has either meters or a branch whose meters these are.")
    if wanted.branch is not None:
        return await managing.serials_below(connection, reach, wanted.branch)
    return wanted.meters or []


def _form(one: Group) -> CommandGroupForm:
    return CommandGroupForm(
        name=one.name, version=one.version, meters=one.meters, concentrators=one.concentrators,
        confirmed=one.confirmed, mesh=one.mesh, number=one.number, changed_at=one.changed_at)
