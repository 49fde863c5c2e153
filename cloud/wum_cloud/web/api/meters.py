"""Meters: lists with search, and what one meter showed last."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from wum_cloud.database import Connection
from wum_cloud.paging import page_of
from wum_cloud.people.accounts import Account
from wum_cloud.readings import series
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import (
    DEFAULT_LIMIT,
    Cursor,
    Form,
    Limit,
    PageOf,
    ReadingForm,
    reading_form,
    text_key,
)
from wum_cloud.web.api.problems import not_found
from wum_cloud.web.rights import ReadingsCaller, RegistryCaller
from wum_shared.obis import obis_to_text
from wum_shared.status import OUTCOMES

router = APIRouter(tags=["registry"])


class MeterForm(Form):
    """A meter, and when it was last read."""

    serial: str
    model: str
    delivery_point: str
    concentrator: str = Field(description="Id of the concentrator that reads it.")
    site: str | None
    time_zone: str
    period_s: int
    last_captured_at: AwareDatetime | None
    last_missed_at: AwareDatetime | None
    last_outcome: str | None = Field(description="Why the last missed row was missed.")
    archived_at: AwareDatetime | None


class NewestForm(Form):
    """The newest reading of one register."""

    obis: str = Field(serialization_alias="register", description="OBIS code.")
    reading: ReadingForm


@router.get("/meters")
async def list_meters(
        account: RegistryCaller, database: Database,
        search: Annotated[str | None, Query(
            max_length=64, description="Part of serial, model or delivery point.")] = None,
        concentrator: Annotated[str | None, Query(description="Id of a concentrator.")] = None,
        site: Annotated[str | None, Query(max_length=200)] = None,
        state: Annotated[Literal["reporting", "silent", "archived"] | None, Query()] = None,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[MeterForm]:
    """Meters by serial."""
    wanted = store.Wanted(
        search, None if concentrator is None else device_id(concentrator), site, state)
    async with database.connection() as connection:
        found = await store.meters(
            connection, account.reach, wanted, text_key(cursor), limit + 1)
    page = page_of(found, limit, lambda meter: [meter.serial])
    return PageOf(next_cursor=page.next_cursor, items=[_form(m) for m in page.items])


@router.get("/meters/{serial}")
async def show_meter(
        serial: str, account: RegistryCaller, database: Database,
) -> MeterForm:
    """One meter by its serial."""
    async with database.connection() as connection:
        return _form(await meter_of(connection, account, serial))


@router.get("/meters/{serial}/newest")
async def newest_readings(
        serial: str, account: ReadingsCaller, database: Database,
) -> list[NewestForm]:
    """The newest reading of every register."""
    async with database.connection() as connection:
        meter = await meter_of(connection, account, serial)
        found = await series.newest(connection, meter)
    return [NewestForm(obis=obis_to_text(n.obis), reading=reading_form(n.point))
            for n in found]


async def meter_of(connection: Connection, account: Account, serial: str) -> store.Meter:
    """The account's meter with this serial. Refuses with 404 where there is none."""
    found = await store.meter(connection, account.reach, serial)
    if found is None:
        raise not_found("meter", serial)
    return found


def _form(m: store.Meter) -> MeterForm:
    outcome = m.last_outcome
    return MeterForm(
        serial=m.serial, model=m.model, delivery_point=m.delivery_point,
        concentrator=m.device_id.hex(), site=m.site, time_zone=m.time_zone,
        period_s=m.period_s, last_captured_at=m.last_captured_at,
        last_missed_at=m.last_missed_at, archived_at=m.archived_at,
        last_outcome=None if outcome is None else OUTCOMES.get(outcome, "outcome %d" % outcome))
