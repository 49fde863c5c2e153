"""The long run: a register by UTC days, and what was dropped because of its age."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from wum_cloud.history.days import Value, by_day
from wum_cloud.history.retention import store as retention
from wum_cloud.readings import series
from wum_cloud.web.access import Database
from wum_cloud.web.api.forms import Form
from wum_cloud.web.api.meters import meter_of
from wum_cloud.web.api.problems import refused
from wum_cloud.web.rights import ReadingsCaller, TenantsHealthCaller
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text, obis_to_text
from wum_shared.units import UNITS, scaled_to_text

router = APIRouter(tags=["readings"])

DROPPED_MAX = 1_000


class ValueForm(Form):
    """value x 10^scaler is in `unit`; `decimal` is the same, written out."""

    value: int
    scaler: int
    unit: str
    decimal: str


class DayForm(Form):
    """A UTC day: how many rows, from when to when, and the least and greatest value read."""

    day: date
    readings: int
    first_at: AwareDatetime
    last_at: AwareDatetime
    least: ValueForm
    greatest: ValueForm


class DaysForm(Form):
    """Days without a value are left out. `pending` days changed since they were summed up."""

    meter: str
    obis: str = Field(serialization_alias="register", description="OBIS code.")
    days: list[DayForm]
    pending: list[date]


class DroppedForm(Form):
    """A span of readings that were older than they are kept, `to` left out, and what went."""

    from_: AwareDatetime = Field(serialization_alias="from")
    to: AwareDatetime
    readings: int
    missed: int
    revisions: int
    size_bytes: int
    dropped_at: AwareDatetime


@router.get("/meters/{serial}/days")
async def summaries(
        serial: str, account: ReadingsCaller, database: Database,
        register: Annotated[str, Query(description="OBIS code, such as 1-0:1.8.0.")],
        from_: Annotated[date, Query(alias="from", description="First UTC day.")],
        to: Annotated[date, Query(description="Last UTC day.")],
) -> DaysForm:
    """One register by UTC days that are over, up to ten years: made beforehand, and kept when the
    readings themselves were dropped. Nothing in it is computed but counted and compared."""
    if from_ > to:
        raise refused(422, "from: wanted a day up to `to`, got %s and %s." % (from_, to))
    try:
        obis = obis_from_text(register)
    except Malformed as error:
        raise refused(422, "register: %s." % error) from error
    async with database.connection() as connection:
        meter = await meter_of(connection, account, serial)
        try:
            found = await by_day(connection, meter, obis, from_, to)
        except series.TooLong as error:
            raise refused(422, "from, to: %s." % error) from error
        except series.UnknownRegister as error:
            raise refused(404, "%s." % error) from error
    return DaysForm(
        meter=meter.serial, obis=obis_to_text(obis), pending=list(found.pending),
        days=[DayForm(day=d.day, readings=d.readings, first_at=d.first_at, last_at=d.last_at,
                      least=_value(d.least), greatest=_value(d.greatest)) for d in found.days])


@router.get("/readings/dropped")
async def dropped(
        account: TenantsHealthCaller, database: Database,
) -> list[DroppedForm]:
    """What was dropped because of its age (WUM_KEEP_DAYS), of all meters, the last first. The size
    is the share by readings of what the week took on disk."""
    async with database.connection() as connection:
        return [DroppedForm(
            from_=one.first_at, to=one.end_at, readings=one.readings, missed=one.missed,
            revisions=one.revisions, size_bytes=one.bytes, dropped_at=one.dropped_at)
            for one in await retention.dropped_of(
                connection, account.tenant_id, DROPPED_MAX)]


def _value(one: Value) -> ValueForm:
    return ValueForm(
        value=one.value, scaler=one.scaler, unit=UNITS.get(one.unit, "unit %d" % one.unit),
        decimal=scaled_to_text(one.value, one.scaler))
