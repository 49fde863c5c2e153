"""One meter: what did it measure, and is it healthy?"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response

from wum_cloud.database import Connection
from wum_cloud.readings import series
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database, Visitor
from wum_cloud.web.console.plot import plot_data, summary_of
from wum_cloud.web.console.quantities import quantity
from wum_cloud.web.pages import page, wants_fragment
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text, obis_to_text

router = APIRouter()

PERIODS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
TABLE_ROWS = 100
_PREFERRED = "1-0:16.7.0"  # Power: the first thing an operator wants to see.
_PERIOD = Literal["hour", "day", "week"]


@router.get("/meters/{serial}")
async def show_meter(
        request: Request, serial: str, database: Database, session: Visitor,
        register: Annotated[str, Query(max_length=32)] = "", period: _PERIOD = "day",
) -> Response:
    """Newest values, a plot and the table beneath it; htmx asks for the newest values alone."""
    async with database.connection() as connection:
        meter = await _meter(connection, session.account.tenant_id, serial)
        newest = await series.newest(connection, meter)
        if wants_fragment(request):
            return page(request, "meter_newest.html", session, meter=meter, newest=newest,
                        quantity=quantity)
        codes = [obis_to_text(entry.obis) for entry in newest]
        chosen = register or (_PREFERRED if _PREFERRED in codes else codes[0] if codes else "")
        found = await _series(connection, meter, chosen, period) if chosen else None
    return page(
        request, "meter.html", session, meter=meter, newest=newest, codes=codes, chosen=chosen,
        period=period, periods=list(PERIODS), found=found, quantity=quantity,
        summary=summary_of(found) if found else "",
        points=list(reversed(found.points[-TABLE_ROWS:])) if found else [],
        table_rows=TABLE_ROWS)


@router.get("/meters/{serial}/plot")
async def plot(
        serial: str, database: Database, session: Visitor,
        register: Annotated[str, Query(max_length=32)], period: _PERIOD = "day",
) -> Response:
    """The plot's data as columns."""
    async with database.connection() as connection:
        meter = await _meter(connection, session.account.tenant_id, serial)
        found = await _series(connection, meter, register, period)
    return JSONResponse(plot_data(found, meter))


async def _meter(connection: Connection, tenant: int, serial: str) -> store.Meter:
    meter = await store.meter(connection, tenant, serial)
    if meter is None:
        raise HTTPException(404, "There is no meter %s." % serial)
    return meter


async def _series(
        connection: Connection, meter: store.Meter, register: str, period: str) -> series.Series:
    now = datetime.now(UTC)
    try:
        return await series.load(
            connection, meter, obis_from_text(register), now - PERIODS[period], now, now)
    except Malformed as error:
        raise HTTPException(422, "%s." % error) from error
    except series.UnknownRegister as error:
        raise HTTPException(
            404, "Meter %s has no register %s." % (meter.serial, register)) from error
    except series.TooLong as error:
        raise HTTPException(422, "%s." % error) from error
