"""Concentrators: who reads the meters, when it was last heard, and what it said of itself."""

from typing import Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from wum_cloud.paging import page_of
from wum_cloud.registry.conditions import store as conditions
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, text_key
from wum_cloud.web.api.problems import not_found, refused
from wum_cloud.web.rights import RegistryCaller
from wum_shared.errors import Malformed
from wum_shared.ids import id_from_text

router = APIRouter(tags=["registry"])
_DISK: tuple[Literal["ok", "full", "read-only", "failing"], ...] = (
    "ok", "full", "read-only", "failing")
_TIME: tuple[Literal["synchronised", "free-running", "none"], ...] = (
    "synchronised", "free-running", "none")


class ConcentratorForm(Form):
    """A concentrator. `id` is 16 hexadecimal digits, as on its topics."""

    id: str
    name: str
    site: str | None
    registered_at: AwareDatetime
    last_contact_at: AwareDatetime | None
    newest_captured_at: AwareDatetime | None
    meters: int
    is_planned: bool = Field(description="Nobody has it yet: a claim takes it over, and its id.")


class ConditionForm(Form):
    """What a concentrator said last of its own disk and clock, as it said it.

    `told_at` is by its clock and `arrived_at` by ours: the difference is how its clock stands, less
    what the message travelled. `clock_behind_s`: its clock behind its own newest record. `waiting`
    records wait in its memory for a disk that takes them; `given_up` could not wait any longer.
    """

    told_at: AwareDatetime
    arrived_at: AwareDatetime
    time_quality: Literal["synchronised", "free-running", "none"]
    clock_behind_s: int
    disk: Literal["ok", "full", "read-only", "failing"]
    disk_since: AwareDatetime | None
    waiting: int
    given_up: int


@router.get("/concentrators")
async def list_concentrators(
        account: RegistryCaller, database: Database,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[ConcentratorForm]:
    """Concentrators by name."""
    async with database.connection() as connection:
        found = await store.concentrators(
            connection, account.reach, text_key(cursor), limit + 1)
    page = page_of(found, limit, lambda concentrator: [concentrator.name])
    return PageOf(next_cursor=page.next_cursor, items=[_form(c) for c in page.items])


@router.get("/concentrators/{id}")
async def show_concentrator(
        id: str, account: RegistryCaller, database: Database,
) -> ConcentratorForm:
    """One concentrator by its id."""
    async with database.connection() as connection:
        found = await store.concentrator(connection, account.reach, device_id(id))
    if found is None:
        raise not_found("concentrator", id)
    return _form(found)


@router.get("/concentrators/{id}/condition")
async def show_condition(
        id: str, account: RegistryCaller, database: Database,
) -> ConditionForm:
    """How its disk and its clock are, as it said last. 404 until it has said anything."""
    async with database.connection() as connection:
        found = await store.concentrator(connection, account.reach, device_id(id))
        if found is None:
            raise not_found("concentrator", id)
        told = await conditions.told_by(connection, found.concentrator_id)
    if told is None:
        raise refused(404, "concentrator %s has not told how its disk and its clock are" % id)
    return ConditionForm(
        told_at=told.told_at, arrived_at=told.arrived_at, time_quality=_TIME[told.time_quality],
        clock_behind_s=told.behind_s, disk=_DISK[told.flash], disk_since=told.flash_since,
        waiting=told.waiting, given_up=told.given_up)


def device_id(text: str) -> bytes:
    """The eight bytes of a concentrator's id. Refuses anything else."""
    try:
        return id_from_text(text)
    except Malformed as error:
        raise refused(422, str(error)) from error


def _form(c: store.Concentrator) -> ConcentratorForm:
    return ConcentratorForm(
        id=c.device_id.hex(), name=c.name, site=c.site, registered_at=c.registered_at,
        last_contact_at=c.last_contact_at, newest_captured_at=c.newest_captured_at,
        meters=c.meters, is_planned=c.is_planned)
