"""The configuration of concentrators: what is wanted, in force, on its way; settings of many."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, Field

from wum_cloud.configuration import store, twin
from wum_cloud.configuration.store import Version
from wum_cloud.joins.giving import giving
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import Form
from wum_cloud.web.api.problems import not_found
from wum_cloud.web.rights import (
    RegistryCaller,
    RegistryEditor,
    TenantsRegistryCaller,
    TenantsRegistryEditor,
)

router = APIRouter(tags=["configuration"])

_Name = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$")]
_Settings = dict[Annotated[str, Field(max_length=32)], int | Annotated[str, Field(max_length=32)]]


class FaultForm(Form):
    """Why nothing can be sent."""

    path: str
    wanted: str
    got: str


class ChangeForm(Form):
    """One thing that would change."""

    what: str
    before: str
    after: str


class VersionForm(Form):
    """A configuration that was sent. `state` is its command's; `told` what was said of it."""

    number: int
    digest: str
    made_by: str
    made_at: AwareDatetime
    reason: str
    state: str
    told: str
    ended_at: AwareDatetime | None


class TwinForm(Form):
    """A concentrator's configuration. `in_force` null: its own file alone."""

    group: str | None
    settings: dict[str, int | str]
    wanted: dict[str, Any]
    faults: list[FaultForm]
    changes: list[ChangeForm]
    in_force: VersionForm | None
    reported: dict[str, Any] | None = Field(description="The parts in force, as they were sent.")
    versions: list[VersionForm] = Field(description="The newest first.")


class ReasonForm(Form):
    """Why it is sent; it is kept."""

    reason: Annotated[str, Field(min_length=5, max_length=200, pattern=r"^[^\x00]*$")]


class SentForm(Form):
    """The number of a configuration that is on its way."""

    number: int


class StandingForm(Form):
    """How a member stands. Versions are those of the group's settings that went into it; null: its
    configuration was of another group, or of none."""

    concentrator: str
    name: str
    in_force: int | None = Field(description="Number of its configuration; null: its own file.")
    in_force_version: int | None
    newest: int | None = Field(description="Number of what was sent last.")
    newest_version: int | None
    state: str | None
    told: str | None = Field(description="Why, where it was refused.")


class GroupForm(Form):
    """Settings that many concentrators share."""

    name: str
    settings: dict[str, int | str]
    version: int
    changed_by: str
    changed_at: AwareDatetime
    members: int
    standings: list[StandingForm] = Field(description="The first 1000 members, by name.")


class MembershipForm(Form):
    """The group whose settings a concentrator has; null: none."""

    group: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")]


class SentToManyForm(Form):
    """To how many it was sent, and which have faults, with the first of each."""

    sent: int
    left: dict[str, str]


@router.get("/concentrators/{id}/configuration")
async def show_configuration(id: str, account: RegistryCaller, database: Database) -> TwinForm:
    """What a concentrator should be configured as, what it is, and what would change."""
    async with database.connection() as connection:
        found = await twin.twin_of(connection, account.reach, device_id(id))
    if found is None:
        raise not_found("concentrator", id)
    return TwinForm(
        group=found.place.group, settings=found.settings, wanted=found.parts,
        faults=[FaultForm(path=p, wanted=w, got=g) for p, w, g in found.faults],
        changes=[ChangeForm(what=c.what, before=c.before, after=c.after) for c in found.changes],
        in_force=None if found.in_force is None else _form(found.in_force),
        reported=None if found.in_force is None else found.in_force.parts,
        versions=[_form(one) for one in found.versions])


@router.post("/concentrators/{id}/configuration", status_code=202)
async def send_configuration(
        request: Request, id: str, account: RegistryEditor, database: Database,
        wanted: ReasonForm) -> SentForm:
    """Send what is wanted, signed; the concentrator takes it whole or refuses it whole."""
    async with database.connection() as connection:
        number = await twin.send(
            connection, account.reach, actor_of(request, account), device_id(id), wanted.reason,
            giving(connection, account.reach, account.name, wanted.reason))
    if number is None:
        raise not_found("concentrator", id)
    return SentForm(number=number)


@router.put("/concentrators/{id}/configuration/group", status_code=204)
async def join_configuration_group(
        request: Request, id: str, account: RegistryEditor, database: Database,
        wanted: MembershipForm) -> None:
    """Put a concentrator into a group, or into none. Nothing is sent by that."""
    async with database.connection() as connection:
        if not await twin.join_group(connection, account.reach, actor_of(request, account),
                                     device_id(id), wanted.group):
            raise not_found("concentrator", id)


@router.put("/concentrators/{id}/configuration/settings", status_code=204)
async def set_concentrator(
        request: Request, id: str, account: RegistryEditor, database: Database,
        settings: _Settings) -> None:
    """A concentrator's own settings, whole. Nothing is sent by that."""
    async with database.connection() as connection:
        if await store.place(connection, account.reach, device_id(id)) is None:
            raise not_found("concentrator", id)
        await twin.change_settings(connection, account.reach, actor_of(request, account),
                                   "concentrator", id, settings)


@router.put("/meters/{serial}/configuration/settings", status_code=204)
async def set_meter(
        request: Request, serial: str, account: RegistryEditor, database: Database,
        settings: _Settings) -> None:
    """A meter's own settings, whole. Nothing is sent by that."""
    async with database.connection() as connection:
        if not await store.meter_is_there(connection, account.reach, serial):
            raise not_found("meter", serial)
        await twin.change_settings(connection, account.reach, actor_of(request, account),
                                   "meter", serial, settings)


@router.get("/configuration/groups")
async def list_configuration_groups(
        account: TenantsRegistryCaller, database: Database) -> list[GroupForm]:
    """Groups by name."""
    async with database.connection() as connection:
        found = [(g, await store.standings(
            connection, account.reach, g.name, twin.MEMBERS_MAX))
            for g in await store.groups(connection, account.tenant_id)]
    return [GroupForm(name=g.name, settings=g.settings, version=g.version,
                      changed_by=g.changed_by, changed_at=g.changed_at, members=g.members,
                      standings=[StandingForm(
                          concentrator=s.device_id.hex(), name=s.name, in_force=s.in_force,
                          in_force_version=s.in_force_version, newest=s.newest,
                          newest_version=s.newest_version, state=s.state, told=s.told)
                          for s in standings])
            for g, standings in found]


@router.put("/configuration/groups/{name}", status_code=204)
async def set_configuration_group(
        request: Request, name: _Name, account: TenantsRegistryEditor, database: Database,
        settings: _Settings) -> None:
    """A group's settings, whole; it is made where it is new. Nothing is sent by that."""
    async with database.connection() as connection:
        await twin.change_settings(connection, account.reach, actor_of(request, account),
                                   "group", name, settings)


@router.post("/configuration/groups/{name}/orders", status_code=202)
async def send_to_configuration_group(
        request: Request, name: _Name, account: TenantsRegistryEditor, database: Database,
        wanted: ReasonForm) -> SentToManyForm:
    """Send to every concentrator of the group for which something changes."""
    async with database.connection() as connection:
        if name not in [g.name for g in await store.groups(connection, account.tenant_id)]:
            raise not_found("group", name)
        sent, left = await twin.send_to_group(
            connection, account.reach, actor_of(request, account), name, wanted.reason,
            giving(connection, account.reach, account.name, wanted.reason))
    return SentToManyForm(sent=sent, left={one.device_id.hex(): why for one, why in left})


def _form(v: Version) -> VersionForm:
    return VersionForm(
        number=v.number, digest=v.digest.hex(), made_by=v.made_by, made_at=v.made_at,
        reason=v.reason, state=v.state, told=v.told, ended_at=v.ended_at)
