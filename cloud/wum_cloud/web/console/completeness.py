"""Completeness: what is missing, since when, by whose fault? A month, a day, a meter's day."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from wum_cloud.database import Connection
from wum_cloud.ledger import store
from wum_cloud.ledger.reckoning import (
    KEPT_DAYS,
    LATE,
    RECEIVED,
    SETTLED_AFTER,
    by_start,
    day_of,
    month_grid,
    runs,
)
from wum_cloud.ledger.sets.store import RegisterSet, last_before, named, unscheduled
from wum_cloud.ledger.slots.store import intervals
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.registry.listing.store import meter as meter_by_serial
from wum_cloud.web.access import Database
from wum_cloud.web.api.completeness import pair_key, triple_key
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import text_key
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import HealthVisitor

router = APIRouter()

_Site = Annotated[str, Query(max_length=200)]
_Cabinet = Annotated[str, Query(max_length=16)]
_Registers = Annotated[str, Query(pattern=r"^[1-9][0-9]{0,8}$|^$")]
_MONTH = r"^(19[7-9]\d|2\d\d\d)-(0[1-9]|1[0-2])$"
_PLACES = 12        # Sites and concentrators that stand beside the calendar.


@dataclass(frozen=True, slots=True)
class View:
    """Whose meters the visitor looks at, as it stands in the address."""

    site: str
    concentrator: str
    registers: str = ""         # The number of a register set.
    branch: int | None = None   # That the visitor is confined to; it stands in no address.

    def address(self, day: date | None = None, **changes: str) -> str:
        """The month's address, or a day's, with some parts changed; empty ones are left out."""
        parts = {"site": self.site, "concentrator": self.concentrator,
                 "registers": self.registers, **changes}
        query = urlencode({name: value for name, value in parts.items() if value})
        return "/completeness" + ("/%s" % day if day else "") + ("?" + query if query else "")

    @property
    def scope(self) -> store.Scope:
        """The same for the database. Refuses an id that is none."""
        return store.Scope(
            self.site or None, device_id(self.concentrator) if self.concentrator else None,
            int(self.registers) if self.registers else None, self.branch)


@router.get("/completeness")
async def show_month(
        request: Request, database: Database, session: HealthVisitor, site: _Site = "",
        concentrator: _Cabinet = "", registers: _Registers = "",
        month: Annotated[str, Query(pattern=_MONTH + "|^$")] = "", sites: str | None = None,
) -> Response:
    """A month as a calendar; the sites and concentrators of its newest day beside it, the sites
    page by page."""
    view = View(site, concentrator, registers, session.account.site_id)
    after = text_key(sites)
    tenant = session.account.tenant_id
    async with database.connection() as connection:
        zone = await _zone(connection, tenant, view)
        today = datetime.now(ZoneInfo(zone)).date()
        first = date.fromisoformat(month + "-01") if month else today.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        days = await store.days(connection, tenant, view.scope, first, last, 31)
        newest = days[-1].day if days else None
        places: list[store.SiteCounts] = []
        sets: list[store.SetCounts] = []
        shown = await _set_of(connection, view)
        worst: list[store.ConcentratorCounts] = []
        if newest is not None:
            sets = await store.register_sets(connection, tenant, replace(
                view.scope, register_set=None), newest, 0, _PLACES)
            if not site and not concentrator and not registers:
                places = await store.sites(
                    connection, tenant, newest, after, _PLACES + 1, view.branch)
            worst = await store.concentrators(
                connection, tenant, view.scope, newest, None, _PLACES)
        until = await store.counted_until(connection, tenant)
        name = await _name(connection, tenant, view, newest)
    return page(
        request, "completeness.html", session, view=view, zone=zone, first=first, today=today,
        weeks=month_grid(first), counted={d.day: d for d in days}, newest=newest, until=until,
        sites=page_of(places, _PLACES, lambda s: [s.name]), worst=worst, cabinet_name=name,
        sets=sets, shown_set=shown,
        earlier=(first - timedelta(days=1)).strftime("%Y-%m"),
        later=(last + timedelta(days=1)).strftime("%Y-%m") if last < today else "",
        is_kept=(today - first).days <= KEPT_DAYS + 31)


@router.get("/completeness/{day}")
async def show_day(
        request: Request, day: date, database: Database, session: HealthVisitor,
        site: _Site = "", concentrator: _Cabinet = "", registers: _Registers = "",
        cursor: str | None = None, places: str | None = None,
) -> Response:
    """A day's reasons, its concentrators, and the meters that lack something, page by page."""
    view = View(site, concentrator, registers, session.account.site_id)
    tenant = session.account.tenant_id
    after, behind = triple_key(cursor), pair_key(places)
    async with database.connection() as connection:
        zone = await _zone(connection, tenant, view)
        days = await store.days(connection, tenant, view.scope, day, day, 1)
        worst = await store.concentrators(
            connection, tenant, view.scope, day, behind, _PLACES + 1)
        found = await store.meters(
            connection, tenant, view.scope, day, after, PAGE_DEFAULT + 1)
        name = await _name(connection, tenant, view, day)
        shown = await _set_of(connection, view)
        sets = await store.register_sets(connection, tenant, replace(
            view.scope, register_set=None), day, 0, _PLACES)
    fragment = cursor and wants_fragment(request)
    return page(
        request, "completeness_meters.html" if fragment else "completeness_day.html", session,
        view=view, zone=zone, day=day, counts=days[0] if days else None, cabinet_name=name,
        sets=sets, shown_set=shown,
        cabinets=page_of(worst, _PLACES, lambda c: [c.missing, c.concentrator_id]),
        found=page_of(found, PAGE_DEFAULT, lambda m: [m.missing, m.meter_id, m.register_set]))


@router.get("/completeness/{day}/meters/{serial:path}")
async def show_meter_day(
        request: Request, day: date, serial: str, database: Database, session: HealthVisitor,
) -> Response:
    """One meter's day: what came when and by which path, and why the rest did not."""
    now = datetime.now(UTC)
    if not 1971 <= day.year < 9998:
        raise HTTPException(404, "No day of the ledger is so far away.")
    async with database.connection() as connection:
        meter = await meter_by_serial(connection, session.account.reach, serial)
        if meter is None:
            raise HTTPException(404, "There is no meter %s." % serial)
        its = day_of(day, meter.time_zone)
        found = await intervals(
            connection, meter.meter_id, its, now - SETTLED_AFTER, now)
        sets = await named(connection, [*{one.register_set for one in found}])
        others = await unscheduled(connection, meter.meter_id, its.start, its.end)
        gone = [one.start for one in found if one.state not in (RECEIVED, LATE)]
        before = await last_before(connection, meter.meter_id, min(gone)) if gone else None
    return page(
        request, "completeness_meter.html", session, view=View("", ""), meter=meter, day=day,
        zone=meter.time_zone, sets=[
            (one, runs([own for own in found if own.register_set == one.number]))
            for one in sets], due=len(by_start(found)), others=others,
        is_missing=bool(gone), before=before,
        earlier=_meter_day(day - timedelta(days=1), serial),
        later=_meter_day(day + timedelta(days=1), serial)
        if day_of(day, meter.time_zone).end < now else "")


def _meter_day(day: date, serial: str) -> str:
    return "/completeness/%s/meters/%s" % (day, quote(serial, safe=""))


async def _set_of(connection: Connection, view: View) -> RegisterSet | None:
    """The register set that was asked for. Refuses one that is none."""
    if not view.registers:
        return None
    found = await named(connection, [int(view.registers)])
    if not found:
        raise HTTPException(404, "There is no such register set.")
    return found[0]


async def _zone(connection: Connection, tenant: int, view: View) -> str:
    """The zone whose days these are; refuses a site or concentrator that is none."""
    zones = await store.time_zones(connection, tenant, view.scope)
    if not zones and view.scope.is_chosen:
        raise HTTPException(404, "There is no such site or concentrator with meters.")
    return zones[0] if len(zones) == 1 else "UTC"


async def _name(
        connection: Connection, tenant: int, view: View, day: date | None) -> str:
    """What people call the concentrator that was asked for; its id where it has no such day."""
    if not view.concentrator or day is None:
        return view.concentrator
    found = await store.concentrators(connection, tenant, view.scope, day, None, 1)
    return found[0].name if found else view.concentrator
