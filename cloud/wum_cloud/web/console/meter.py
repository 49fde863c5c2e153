"""One meter: what did it measure, and is it healthy?"""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from wum_cloud.database import Connection
from wum_cloud.readings import series, sketch
from wum_cloud.readings import store as readings
from wum_cloud.readings.consumption import Interval
from wum_cloud.registry.life.store import installations
from wum_cloud.registry.listing import store
from wum_cloud.registry.reach import Reach
from wum_cloud.web.access import Database
from wum_cloud.web.console import bars, profile, quantities, spans
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import ReadingsVisitor
from wum_cloud.web.texts import gettext as _
from wum_shared.obis import obis_from_text, obis_to_text

router = APIRouter()

_NEW = timedelta(hours=3)
_LIFE_MAX = 20          # Installations in one line.
_GRACE = timedelta(seconds=30)  # A reading is not called missing before it could have come.
_Period = Annotated[Literal["hour", "day", "week", "month"], Query()]
_Show = Annotated[str, Query(max_length=32)]


@router.get("/meters/{serial:path}")  # A serial may hold a slash.
async def show_meter(
        request: Request, serial: str, database: Database, session: ReadingsVisitor,
        show: _Show = "", period: _Period | None = None, on: date | None = None,
) -> Response:
    """Newest values, a plot and the table beneath it; htmx asks for the newest values alone."""
    now = datetime.now(UTC)
    async with database.connection() as connection:
        meter = await meter_of(connection, session.account.reach, serial)
        newest = await series.newest(connection, meter)
        common = {"meter": meter, "zone": meter.time_zone, "refresh_s": _refresh_s(meter),
                  **_newest(newest)}
        if wants_fragment(request):
            return page(request, "meter_live.html", session, **common)
        since = await readings.first_captured_at(connection, meter.meter_id)
        life = await installations(connection, meter=meter.meter_id, most=_LIFE_MAX)
        length: str = period or _first_look(since, on, now)
        span = spans.span_of(length, on, meter.time_zone, now)
        offer = quantities.offered([obis_to_text(n.obis) for n in newest])
        chosen = _chosen(offer, show, serial)
        found: dict[str, object] = {"trouble": "", "loaded": None}
        if chosen is not None:
            found = await _found(connection, meter, chosen, span, length, now)
    return page(request, "meter.html", session, **common, offer=offer, chosen=chosen,
                period=length, periods=list(spans.PERIODS), on=on, span=span, life=life, **found)


@router.get("/plots/{serial:path}")
async def plot(
        request: Request, serial: str, database: Database, session: ReadingsVisitor,
        show: _Show, period: _Period = "day", on: date | None = None,
) -> Response:
    """The plot's data as columns; 304 where the browser has them."""
    now = datetime.now(UTC)
    async with database.connection() as connection:
        meter = await meter_of(connection, session.account.reach, serial)
        newest = await series.newest(connection, meter)
        chosen = _chosen(quantities.offered([obis_to_text(n.obis) for n in newest]), show, serial)
        if chosen is None:
            raise HTTPException(404, "Meter %s has no reading yet." % serial)
        span = spans.span_of(period, on, meter.time_zone, now)
        try:
            loaded = await _load(connection, meter, chosen, span, period, now)
        except series.TooLong as error:
            raise HTTPException(422, "%s." % error) from error
    return _cached(request, json.dumps(_data(loaded, period, now), separators=(",", ":")))


def _cached(request: Request, body: str) -> Response:
    tag = '"%s"' % hashlib.sha256(body.encode()).hexdigest()[:16]
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _data(loaded: profile.Profile, period: str, now: datetime) -> dict[str, object]:
    if not loaded.quantity.is_consumption:
        return profile.plot_data(loaded)
    return bars.bars_data(loaded, _bars(loaded, period), now)


def _bars(loaded: profile.Profile, period: str) -> list[Interval]:
    return bars.intervals_of(
        loaded, spans.edges(loaded.span, period, loaded.period_s, loaded.zone))


async def _found(
        connection: Connection, meter: store.Meter, chosen: quantities.Quantity,
        span: spans.Span, period: str, now: datetime,
) -> dict[str, object]:
    """What the page shows beneath the plot; a span that is too long is a sentence instead."""
    try:
        loaded = await _load(connection, meter, chosen, span, period, now)
    except series.TooLong as error:
        return {"trouble": _("This span is too long to show: %(why)s.") % {"why": error},
                "loaded": None}
    if chosen.is_consumption:
        intervals = [i for i in _bars(loaded, period) if i.start < now]
        written = list(zip(intervals, bars.written(loaded, intervals), strict=True))
        return {"trouble": "", "loaded": loaded, "bars": written[::-1],
                "unit": bars.form(loaded, intervals)[1],
                "summary": bars.total(loaded, intervals, now)}
    rows, count = profile.table(loaded)
    return {"trouble": "", "loaded": loaded, "rows": rows, "count": count, "bars": None,
            "shown": min(count, profile.TABLE_ROWS),
            "summary": profile.summary(loaded)}


def _first_look(since: datetime | None, on: date | None, now: datetime) -> str:
    """The period shown unasked: of a meter that is new, a day would be almost empty."""
    is_new = since is not None and now - since < _NEW
    return "hour" if is_new and on is None else "day"


async def _load(
        connection: Connection, meter: store.Meter, chosen: quantities.Quantity,
        span: spans.Span, period: str, now: datetime,
) -> profile.Profile:
    """Raises TooLong."""
    codes = [obis_from_text(code) for code in chosen.codes]
    [schedule] = await series.schedules_of(connection, meter, codes[:1])
    wait = sketch.Wait(now, timedelta(seconds=schedule.period_s) + _GRACE)
    if chosen.is_consumption:  # The last edge needs a reading after it.
        edges = spans.edges(span, period, schedule.period_s, meter.time_zone)
        end = edges[-1] + timedelta(seconds=schedule.period_s)
        found = [await sketch.at_edges(connection, meter, codes[0], edges, end, wait)]
    else:
        found = await sketch.sketch(
            connection, meter, codes, span.start, span.end, wait,
            pixels=profile.PLOT_COLUMNS, newest=profile.TABLE_ROWS)
    gaps = [gap for gap in found[0].gaps if gap.end > span.start and gap.start < span.end]
    since = await readings.first_captured_at(connection, meter.meter_id)
    return profile.Profile(chosen, span, meter.time_zone, schedule.period_s, found, gaps, since)


def _newest(newest: list[series.Newest]) -> dict[str, object]:
    by_code = {obis_to_text(entry.obis): entry.point for entry in newest}
    return {
        "values": by_code, "groups": quantities.grouped(list(by_code)),
        "captured_at": max((p.captured_at for p in by_code.values()), default=None),
    }


def _chosen(
        offer: list[quantities.Quantity], show: str, serial: str) -> quantities.Quantity | None:
    found = quantities.chosen(offer, show)
    if found is None and offer:
        raise HTTPException(404, "Meter %s has no register %s." % (serial, show))
    return found


async def meter_of(connection: Connection, reach: Reach, serial: str) -> store.Meter:
    """The meter of a page's address. Raises HTTPException."""
    meter = await store.meter(connection, reach, serial)
    if meter is None:
        raise HTTPException(404, "There is no meter %s." % serial)
    return meter


def _refresh_s(meter: store.Meter) -> int:
    """How often the page asks for newer values: no oftener than makes sense for the meter."""
    return max(5, min(60, meter.period_s // 2))
