"""The long run of one meter: its registers by UTC day, a year at a time, out of the summaries.

They stay when the readings themselves were dropped because of their age. The days are UTC days
whatever the site's zone: the page says so, and when they begin on the site's clocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from wum_cloud.database import Connection
from wum_cloud.history import days
from wum_cloud.history.days import DayOfRegister, Value
from wum_cloud.registry.listing.store import Meter
from wum_cloud.web import writing
from wum_cloud.web.access import Database
from wum_cloud.web.console import quantities, spans
from wum_cloud.web.console.meter import meter_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import ReadingsVisitor
from wum_shared.obis import obis_from_text, obis_to_text

router = APIRouter()

_FIRST_YEAR, _LAST_YEAR = 2000, 2999
_Year = Annotated[int | None, Query(ge=_FIRST_YEAR, le=_LAST_YEAR)]
_Show = Annotated[str, Query(max_length=32)]


@dataclass(frozen=True, slots=True)
class Row:
    """A UTC day as it is written: least and greatest of each register, in its order.

    `changed`: something came since it was summed up.
    """

    day: date
    cells: Sequence[str]
    readings: int
    first_at: datetime
    last_at: datetime
    changed: bool


@router.get("/days/{serial:path}")  # A serial may hold a slash.
async def show_days(
        request: Request, serial: str, database: Database, session: ReadingsVisitor,
        show: _Show = "", year: _Year = None,
) -> Response:
    """A year of one quantity, the newest day first."""
    async with database.connection() as connection:
        meter = await meter_of(connection, session.account.reach, serial)
        kept = await days.kept(connection, meter)
        values: dict[str, object] = {"kept": kept, "offer": [], "chosen": None}
        if kept is not None and kept.registers:
            offer = _offer(kept.registers)
            chosen = quantities.chosen(offer, show)
            year = year or kept.last.year
            values = {"kept": kept, "offer": offer, "chosen": chosen, "year": year}
            if chosen is not None:
                values |= await _rows(connection, meter, chosen, year)
    return page(request, "days.html", session, meter=meter, zone=meter.time_zone,
                periods=list(spans.PERIODS), **values)


def _offer(registers: Sequence[bytes]) -> list[quantities.Quantity]:
    """What there are days of: registers as they were read, never differences of them."""
    offered = quantities.offered([obis_to_text(obis) for obis in registers])
    return [one for one in offered if not one.is_consumption]


async def _rows(
        connection: Connection, meter: Meter, chosen: quantities.Quantity, year: int,
) -> dict[str, object]:
    """What the page shows of a year: rows, the unit, and when days begin at the site."""
    found = [await days.by_day(connection, meter, obis_from_text(code), date(year, 1, 1),
                               date(year, 12, 31)) for code in chosen.codes]
    by_day = [{one.day: one for one in of_register.days} for of_register in found]
    values = [value for of_register in by_day for one in of_register.values()
              for value in (one.least, one.greatest)]
    power, unit = _form(values)
    pending = set(found[0].pending)
    shown = sorted(set().union(*by_day), reverse=True)
    return {"rows": [_row(day, [one.get(day) for one in by_day], power, day in pending)
                     for day in shown],
            "unit": unit, "begins": _begins(shown, meter.time_zone)}


def _form(values: Sequence[Value]) -> tuple[int, str]:
    """How all of them are written: (power of ten, unit), see writing.form."""
    if not values:
        return 0, ""
    peak = max(values, key=lambda one: abs(one.value) * 10 ** (one.scaler + 128))
    return writing.form(peak.unit, peak.value, peak.scaler)


def _row(
        day: date, found: Sequence[DayOfRegister | None], power: int, changed: bool) -> Row:
    cells: list[str] = []
    for one in found:
        cells += [writing.NOTHING] * 2 if one is None else [
            writing.scaled(value.value, value.scaler - power)
            for value in (one.least, one.greatest)]
    there = [one for one in found if one is not None]
    return Row(day, cells, max([one.readings for one in there]),
               min([one.first_at for one in there]), max([one.last_at for one in there]), changed)


def _begins(shown: Sequence[date], zone: str) -> str:
    """When UTC days begin on the clocks of `zone`: 02:00, or both where they change."""
    clocks = [writing.clock(datetime.combine(day, time(), UTC), zone) for day in shown]
    return ", ".join(sorted(set(clocks)))
