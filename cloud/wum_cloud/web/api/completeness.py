"""Completeness: what should have come by day, what did, and why the rest did not."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from wum_cloud.database import Connection
from wum_cloud.ledger import store
from wum_cloud.ledger.counting.store import intervals
from wum_cloud.ledger.reckoning import (
    KEPT_DAYS,
    LATE,
    REASONS,
    RECEIVED,
    SETTLED_AFTER,
    Interval,
    day_of,
)
from wum_cloud.ledger.sets.coverage import RegisterSet, of_set
from wum_cloud.ledger.sets.store import register_sets, stored_rows
from wum_cloud.paging import page_of
from wum_cloud.people.accounts import Account
from wum_cloud.registry.listing.store import meter as meter_by_serial
from wum_cloud.web.access import Database, signed_in
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import (
    DEFAULT_LIMIT,
    Cursor,
    Form,
    Limit,
    PageOf,
    number_key,
    parts_of,
    text_key,
)
from wum_cloud.web.api.problems import not_found, refused

router = APIRouter(tags=["completeness"])

Site = Annotated[str | None, Query(max_length=200, description="A site's name.")]
Cabinet = Annotated[str | None, Query(max_length=16, description="A concentrator's id.")]
Caller = Annotated[Account, Depends(signed_in)]


class CountsForm(Form):
    """Intervals that are due. `missing` holds each reason that occurs, and adds up to
    expected - received."""

    expected: int
    received: int
    late: int = Field(description="Of the received: stored more than two periods after its end.")
    by_six: int = Field(description="Of the received: stored by 06:00 of the next local day.")
    estimated: int = Field(description="Reserved: nothing is estimated yet.")
    missing: dict[str, int] = Field(description="By reason: " + ", ".join(REASONS) + ".")


class DayForm(CountsForm):
    """One local day."""

    day: date
    meters: int


class SiteDayForm(CountsForm):
    """One site on one local day."""

    name: str
    meters: int


class ConcentratorDayForm(CountsForm):
    """One concentrator on one local day."""

    id: str
    name: str
    site: str | None
    meters: int
    last_contact_at: AwareDatetime | None


class MeterDayForm(CountsForm):
    """One meter on one local day. `last_captured_at`: its newest reading from before
    `missing_from`, where the first missing interval begins."""

    serial: str
    delivery_point: str
    concentrator: str
    missing_from: AwareDatetime | None
    last_captured_at: AwareDatetime | None


class SetForm(Form):
    """What of one register set came in the interval; `state` and `reason` as of the interval."""

    register_set: int
    profile: int
    registers: list[str] = Field(description="OBIS codes.")
    state: str
    reason: str | None
    arrived_at: AwareDatetime | None
    path: str | None


class IntervalForm(Form):
    """One interval of a meter. `path` is live or back-fill, null where nothing was received."""

    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime
    state: str = Field(description="received, late or missing; estimated is reserved.")
    reason: str | None = Field(description="Why it is missing: " + ", ".join(REASONS) + ".")
    arrived_at: AwareDatetime | None
    path: str | None
    concentrator: str
    register_sets: list[SetForm] = Field(description="Each set of the schema in force.")


@router.get("/completeness")
async def list_days(
        account: Caller, database: Database, from_: Annotated[date, Query(alias="from")],
        to: date, site: Site = None, concentrator: Cabinet = None, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
) -> PageOf[DayForm]:
    """Local days from `from` to `to`, both included, oldest first; days of no meter are left out.
    """
    if not timedelta() <= to - from_ <= timedelta(days=KEPT_DAYS):
        raise refused(422, "from, to: wanted 1 to %d days in their order." % (KEPT_DAYS + 1))
    key = None if cursor is None else _day(text_key(cursor), cursor)
    if key is not None:
        from_ = max(from_, key + timedelta(days=1))
    async with database.connection() as connection:
        scope = await _scope(connection, account, site, concentrator)
        found = await store.days(connection, account.tenant_id, scope, from_, to, limit + 1)
    page = page_of(found, limit, lambda one: [one.day.isoformat()])
    return PageOf(next_cursor=page.next_cursor, items=[
        DayForm(day=d.day, meters=d.meters, **_counts(d)) for d in page.items])


@router.get("/completeness/{day}/sites")
async def list_sites_of_day(
        day: date, account: Caller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
) -> PageOf[SiteDayForm]:
    """Sites with meters on that day, by name."""
    async with database.connection() as connection:
        found = await store.sites(
            connection, account.tenant_id, day, text_key(cursor), limit + 1)
    page = page_of(found, limit, lambda one: [one.name])
    return PageOf(next_cursor=page.next_cursor, items=[
        SiteDayForm(name=s.name, meters=s.meters, **_counts(s)) for s in page.items])


@router.get("/completeness/{day}/concentrators")
async def list_concentrators_of_day(
        day: date, account: Caller, database: Database, site: Site = None, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
) -> PageOf[ConcentratorDayForm]:
    """Concentrators with meters on that day, most missing intervals first."""
    async with database.connection() as connection:
        scope = await _scope(connection, account, site, None)
        found = await store.concentrators(
            connection, account.tenant_id, scope, day, pair_key(cursor), limit + 1)
    page = page_of(found, limit, lambda one: [one.missing, one.concentrator_id])
    return PageOf(next_cursor=page.next_cursor, items=[
        ConcentratorDayForm(
            id=c.device_id.hex(), name=c.name, site=c.site, meters=c.meters,
            last_contact_at=c.last_contact_at, **_counts(c)) for c in page.items])


@router.get("/completeness/{day}/meters")
async def list_meters_of_day(
        day: date, account: Caller, database: Database, site: Site = None,
        concentrator: Cabinet = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[MeterDayForm]:
    """Meters that lack an interval of that day, most missing ones first."""
    async with database.connection() as connection:
        scope = await _scope(connection, account, site, concentrator)
        found = await store.meters(
            connection, account.tenant_id, scope, day, pair_key(cursor), limit + 1)
    page = page_of(found, limit, lambda one: [one.missing, one.meter_id])
    return PageOf(next_cursor=page.next_cursor, items=[
        MeterDayForm(
            serial=m.serial, delivery_point=m.delivery_point, concentrator=m.device_id.hex(),
            missing_from=m.missing_from, last_captured_at=m.last_before, **_counts(m))
        for m in page.items])


@router.get("/meters/{serial}/intervals")
async def list_intervals(
        serial: str, day: date, account: Caller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
) -> PageOf[IntervalForm]:
    """The intervals of one meter that begin on a local day of its site and are due, oldest first.
    """
    after = number_key(cursor)
    now = datetime.now(UTC)
    if not date(1971, 1, 1) <= day <= date(9998, 1, 1):
        raise refused(422, "day: wanted a year from 1971 to 9997, got %s." % day)
    async with database.connection() as connection:
        meter = await meter_by_serial(connection, account.tenant_id, serial)
        if meter is None:
            raise not_found("meter", serial)
        found = await intervals(
            connection, meter.meter_id, day_of(day, meter.time_zone), now - SETTLED_AFTER, now)
        sets = await register_sets(connection, meter.meter_id)
        rows = await stored_rows(
            connection, meter.meter_id, found[0].start, found[-1].end) if found else []
    told = [(each, of_set(found, each, rows)) for each in sets]
    by_start = [(one, [(each, own[at]) for each, own in told]) for at, one in enumerate(found)]
    rest = [pair for pair in by_start if after is None or pair[0].start.timestamp() > after]
    page = page_of(rest, limit, lambda pair: [int(pair[0].start.timestamp())])
    return PageOf(next_cursor=page.next_cursor, items=[
        _interval(one, own) for one, own in page.items])


def pair_key(cursor: str | None) -> tuple[int, int] | None:
    """(missing, number) behind which a page starts. Refuses a foreign cursor."""
    if cursor is None:
        return None
    missing, number = parts_of(cursor, [int, int])
    if not 0 <= int(missing) < 2**31 or not 0 <= int(number) < 2**62:
        raise refused(422, "cursor: %r is none of this list's" % cursor)
    return int(missing), int(number)


async def _scope(
        connection: Connection, account: Account, site: str | None, concentrator: str | None,
) -> store.Scope:
    """Whose meters are asked for. Refuses a site or concentrator that this tenant does not have."""
    scope = store.Scope(site, None if concentrator is None else device_id(concentrator))
    if scope != store.Scope() and not await store.time_zones(
            connection, account.tenant_id, scope):
        if concentrator is not None:
            raise not_found("concentrator", concentrator)
        raise not_found("concentrator at site", str(site))
    return scope


def _day(text: str, cursor: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise refused(422, "cursor: %r is none of this list's" % cursor) from error


def _counts(c: store.Counts) -> dict[str, Any]:
    return {
        "expected": c.expected, "received": c.received, "late": c.late, "by_six": c.by_six,
        "estimated": 0, "missing": {
            reason: getattr(c, reason) for reason in REASONS if getattr(c, reason)}}


def _interval(one: Interval, sets: list[tuple[RegisterSet, Interval]]) -> IntervalForm:
    return IntervalForm.model_validate({
        "from": one.start, "to": one.end, **_state(one), "concentrator": one.concentrator,
        "register_sets": [
            {"register_set": each.number, "profile": each.profile, "registers": list(each.codes),
             **_state(own)} for each, own in sets]})


def _state(one: Interval) -> dict[str, Any]:
    is_there = one.state in (RECEIVED, LATE)
    return {"state": one.state if is_there else "missing",
            "reason": None if is_there else one.state, "arrived_at": one.arrived_at,
            "path": path_of(one.state)}


def path_of(state: str) -> str | None:
    """How what was received came: with its time, or later out of the archive."""
    return {RECEIVED: "live", LATE: "back-fill"}.get(state)
