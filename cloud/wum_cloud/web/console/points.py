"""A delivery point: what was used there by day, over all the meters that were there."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from wum_cloud.database import Connection
from wum_cloud.readings import points
from wum_cloud.readings.joined import Used
from wum_cloud.readings.series import TooLong
from wum_cloud.registry.life import store
from wum_cloud.registry.life.store import Installation
from wum_cloud.web import writing
from wum_cloud.web.access import Database
from wum_cloud.web.console import spans
from wum_cloud.web.pages import page
from wum_cloud.web.rights import ReadingsVisitor
from wum_cloud.web.texts import gettext as _
from wum_shared.obis import obis_from_text, obis_to_text

router = APIRouter()

_Show = Annotated[str, Query(max_length=32)]


@router.get("/points/{name:path}")
async def show_point(
        request: Request, name: str, database: Database, session: ReadingsVisitor,
        show: _Show = "", on: date | None = None) -> Response:
    """A month by days, the newest first; and the meters, one after another."""
    now = datetime.now(UTC)
    async with database.connection() as connection:
        point = await store.point_in_reach(connection, session.account.reach, name)
        if point is None:
            raise HTTPException(404, "There is no delivery point %s." % name)
        installed = await store.installations(connection, point=point, most=points.METERS_MAX)
        zone, period = await store.zone_and_period(connection, point)
        codes = await _codes(connection, installed)
        span = spans.span_of("month", on, zone, now)
        values: dict[str, object] = {"chosen": "", "rows": [], "trouble": "", "gaps": []}
        if show and show not in codes:
            raise HTTPException(404, "No meter of %s counts %s." % (name, show))
        if codes:
            chosen = show or codes[0]
            edges = spans.edges(span, "month", int(period.total_seconds()), zone)
            try:
                found = await points.consumption(
                    connection, installed, obis_from_text(chosen), edges, period)
                values = {"chosen": chosen, "trouble": "", "gaps": found.gaps,
                          **_written(found, now)}
            except (TooLong, points.Ambiguous, points.NoRegister) as error:
                values |= {"chosen": chosen, "trouble": "%s." % error}
    return page(request, "point.html", session, name=name, zone=zone, installed=installed,
                codes=codes, span=span, on=on, **values)


async def _codes(connection: Connection, installed: Sequence[Installation]) -> list[str]:
    """Registers that a meter of the point counts or counted, those of the newest first."""
    found: dict[str, None] = {}
    for one in reversed(installed):
        for register in await points.counted(connection, one.meter_id):
            found.setdefault(obis_to_text(register.obis))
    return list(found)


def _written(found: points.Consumption, now: datetime) -> dict[str, object]:
    """Rows of days as they are written, the newest first, with the unit and a sentence."""
    days = [i for i in found.intervals if i.start < now]
    known = [i.value for i in days if i.value is not None]
    power, unit = writing.form(found.unit, max(known, default=0), found.scaler)

    def text(value: int | None) -> str:
        return writing.NOTHING if value is None else writing.scaled(value, found.scaler - power)
    unknown = len(days) - len(known)
    words = _("%(value)s %(unit)s in all") % {"value": text(sum(known)), "unit": unit}
    if unknown:
        words += ", " + _("not known for %(n)s") % {"n": writing.intervals(unknown)}
    return {"rows": [(one, text(one.value), _gaps_in(one, found)) for one in reversed(days)],
            "unit": unit, "summary": words + "."}


def _gaps_in(one: Used, found: points.Consumption) -> list[str]:
    return list(dict.fromkeys([
        "%s (%s)" % (gap.reason, writing.length(min(gap.end, one.end) - max(gap.start, one.start)))
        for gap in found.gaps if gap.end > one.start and gap.start < one.end
        and min(gap.end, one.end) - max(gap.start, one.start) > timedelta()]))
