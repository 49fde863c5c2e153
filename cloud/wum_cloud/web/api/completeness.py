"""Completeness: what should have come by day, what did, and why the rest did not."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from wum_cloud.database import Connection
from wum_cloud.ledger import store
from wum_cloud.ledger.reckoning import (
    KEPT_DAYS,
    LATE,
    RECEIVED,
    SETTLED_AFTER,
    Interval,
    by_start,
    day_of,
    worst,
)
from wum_cloud.ledger.sets.store import RegisterSet, named, unscheduled
from wum_cloud.ledger.slots.store import intervals
from wum_cloud.paging import page_of
from wum_cloud.people.accounts import Account
from wum_cloud.reasons.names import REASONS
from wum_cloud.registry.listing.store import meter as meter_by_serial
from wum_cloud.web.access import Database
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
from wum_cloud.web.rights import HealthCaller

router = APIRouter(tags=["completeness"])

Site = Annotated[str | None, Query(max_length=200, description="A site's name.")]
Cabinet = Annotated[str | None, Query(max_length=16, description="A concentrator's id.")]
RegisterSetNumber = Annotated[int | None, Query(
    alias="register_set", ge=1, le=2**31 - 1, description="A register set's number.")]
_SINCE = ("Where the meter gave nothing: its newest reading from before. Where the concentrator is "
          "unreachable: when it was last heard. Null for other reasons, and where it never was.")


class CountsForm(Form):
    """Intervals that are due, each counted for each register set of its meter. `missing` holds
    each reason that occurs, and adds up to expected - received."""

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


class SetDayForm(CountsForm):
    """One register set on one local day."""

    register_set: int
    registers: list[str] = Field(description="OBIS codes.")
    meters: int


class MeterDayForm(CountsForm):
    """One register set of one meter on one local day. `last_captured_at`: the meter's newest
    reading from before `missing_from`, where the first missing interval begins."""

    serial: str
    register_set: int
    registers: list[str] = Field(description="OBIS codes.")
    delivery_point: str
    concentrator: str
    missing_from: AwareDatetime | None
    last_captured_at: AwareDatetime | None


class SetForm(Form):
    """What of one register set came in the interval; `state` and `reason` as of the interval."""

    register_set: int
    registers: list[str] = Field(description="OBIS codes.")
    state: str
    reason: str | None
    since: AwareDatetime | None
    arrived_at: AwareDatetime | None
    path: str | None


class IntervalForm(Form):
    """One interval of a meter: missing where one of its register sets is, else late where one is.
    `path`: live, back-fill (later, out of the archive) or asked for (the head-end asked for it
    again); null where nothing was received."""

    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime
    state: str = Field(description="received, late or missing; estimated is reserved.")
    reason: str | None = Field(description="Why it is missing: " + ", ".join(REASONS) + ".")
    since: AwareDatetime | None = Field(description=_SINCE)
    arrived_at: AwareDatetime | None
    path: str | None
    concentrator: str
    register_sets: list[SetForm] = Field(description="Each set that was due.")


@router.get("/completeness")
async def list_days(
        account: HealthCaller, database: Database,
        from_: Annotated[date, Query(alias="from")], to: date, site: Site = None,
        concentrator: Cabinet = None, register_set: RegisterSetNumber = None,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[DayForm]:
    """Local days from `from` to `to`, both included, oldest first; days of no meter are left out.
    """
    if not timedelta() <= to - from_ <= timedelta(days=KEPT_DAYS):
        raise refused(422, "from, to: wanted 1 to %d days in their order." % (KEPT_DAYS + 1))
    key = None if cursor is None else _day(text_key(cursor), cursor)
    if key is not None:
        from_ = max(from_, key + timedelta(days=1))
    async with database.connection() as connection:
        scope = await _scope(connection, account, site, concentrator, register_set)
        found = await store.days(connection, account.tenant_id, scope, from_, to, limit + 1)
    page = page_of(found, limit, lambda one: [one.day.isoformat()])
    return PageOf(next_cursor=page.next_cursor, items=[
        DayForm(day=d.day, meters=d.meters, **_counts(d)) for d in page.items])


@router.get("/completeness/{day}/sites")
async def list_sites_of_day(
        day: date, account: HealthCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
) -> PageOf[SiteDayForm]:
    """Sites with meters on that day, by name."""
    async with database.connection() as connection:
        found = await store.sites(
            connection, account.tenant_id, day, text_key(cursor), limit + 1, account.site_id)
    page = page_of(found, limit, lambda one: [one.name])
    return PageOf(next_cursor=page.next_cursor, items=[
        SiteDayForm(name=s.name, meters=s.meters, **_counts(s)) for s in page.items])


@router.get("/completeness/{day}/concentrators")
async def list_concentrators_of_day(
        day: date, account: HealthCaller, database: Database, site: Site = None,
        register_set: RegisterSetNumber = None, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
) -> PageOf[ConcentratorDayForm]:
    """Concentrators with meters on that day, most missing intervals first."""
    async with database.connection() as connection:
        scope = await _scope(connection, account, site, None, register_set)
        found = await store.concentrators(
            connection, account.tenant_id, scope, day, pair_key(cursor), limit + 1)
    page = page_of(found, limit, lambda one: [one.missing, one.concentrator_id])
    return PageOf(next_cursor=page.next_cursor, items=[
        ConcentratorDayForm(
            id=c.device_id.hex(), name=c.name, site=c.site, meters=c.meters,
            last_contact_at=c.last_contact_at, **_counts(c)) for c in page.items])


@router.get("/completeness/{day}/register-sets")
async def list_register_sets_of_day(
        day: date, account: HealthCaller, database: Database, site: Site = None,
        concentrator: Cabinet = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[SetDayForm]:
    """Register sets that were due on that day, by number."""
    after = number_key(cursor)
    if after is not None and after >= 2**31:
        raise refused(422, "cursor: %r is none of this list's" % cursor)
    async with database.connection() as connection:
        scope = await _scope(connection, account, site, concentrator, None)
        found = await store.register_sets(
            connection, account.tenant_id, scope, day, after or 0, limit + 1)
    page = page_of(found, limit, lambda one: [one.register_set])
    return PageOf(next_cursor=page.next_cursor, items=[
        SetDayForm(register_set=s.register_set, registers=s.codes, meters=s.meters, **_counts(s))
        for s in page.items])


@router.get("/completeness/{day}/meters")
async def list_meters_of_day(
        day: date, account: HealthCaller, database: Database, site: Site = None,
        concentrator: Cabinet = None, register_set: RegisterSetNumber = None,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[MeterDayForm]:
    """Register sets of meters that lack an interval of that day, most missing ones first."""
    async with database.connection() as connection:
        scope = await _scope(connection, account, site, concentrator, register_set)
        found = await store.meters(
            connection, account.tenant_id, scope, day, triple_key(cursor), limit + 1)
    page = page_of(found, limit, lambda one: [one.missing, one.meter_id, one.register_set])
    return PageOf(next_cursor=page.next_cursor, items=[
        MeterDayForm(
            serial=m.serial, register_set=m.register_set, registers=m.codes,
            delivery_point=m.delivery_point, concentrator=m.device_id.hex(),
            missing_from=m.missing_from, last_captured_at=m.last_before, **_counts(m))
        for m in page.items])


@router.get("/meters/{serial}/intervals")
async def list_intervals(
        serial: str, day: date, account: HealthCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
) -> PageOf[IntervalForm]:
    """The intervals of one meter that begin on a local day of its site and are due, oldest first.
    """
    after = number_key(cursor)
    now = datetime.now(UTC)
    _check_year(day)
    async with database.connection() as connection:
        meter = await meter_by_serial(connection, account.reach, serial)
        if meter is None:
            raise not_found("meter", serial)
        found = await intervals(
            connection, meter.meter_id, day_of(day, meter.time_zone), now - SETTLED_AFTER, now)
        sets = {one.number: one for one in await named(
            connection, [*{one.register_set for one in found}])}
    rest = [own for own in by_start(found) if after is None or own[0].start.timestamp() > after]
    page = page_of(rest, limit, lambda own: [int(own[0].start.timestamp())])
    return PageOf(next_cursor=page.next_cursor, items=[_interval(own, sets) for own in page.items])


class UnscheduledForm(Form):
    """Rows of a day of a set that the meter keeps by its own clock: no schedule says how many."""

    register_set: int
    profile: int
    registers: list[str] = Field(description="OBIS codes.")
    rows: int
    first_captured_at: AwareDatetime | None
    last_captured_at: AwareDatetime | None


@router.get("/meters/{serial}/unscheduled")
async def list_unscheduled(
        serial: str, day: date, account: HealthCaller, database: Database,
) -> PageOf[UnscheduledForm]:
    """What came on a local day of sets that no schedule speaks of, such as a load profile."""
    _check_year(day)
    async with database.connection() as connection:
        meter = await meter_by_serial(connection, account.reach, serial)
        if meter is None:
            raise not_found("meter", serial)
        its = day_of(day, meter.time_zone)
        found = await unscheduled(connection, meter.meter_id, its.start, its.end)
    return PageOf(next_cursor=None, items=[
        UnscheduledForm(
            register_set=one.number, profile=one.profile, registers=one.codes, rows=one.rows,
            first_captured_at=one.first_captured_at, last_captured_at=one.last_captured_at)
        for one in found])


def _check_year(day: date) -> None:
    if not date(1971, 1, 1) <= day <= date(9998, 1, 1):
        raise refused(422, "day: wanted a year from 1971 to 9997, got %s." % day)


def pair_key(cursor: str | None) -> tuple[int, int] | None:
    """(missing, number) behind which a page starts. Refuses a foreign cursor."""
    if cursor is None:
        return None
    missing, number = [int(part) for part in parts_of(cursor, [int, int])]
    if not 0 <= missing < 2**31 or not 0 <= number < 2**62:
        raise refused(422, "cursor: %r is none of this list's" % cursor)
    return missing, number


def triple_key(cursor: str | None) -> tuple[int, int, int] | None:
    """(missing, meter, register set) behind which a page starts. Refuses a foreign cursor."""
    if cursor is None:
        return None
    missing, number, its_set = [int(part) for part in parts_of(cursor, [int, int, int])]
    if not 0 <= missing < 2**31 or not 0 <= number < 2**62 or not 0 <= its_set < 2**31:
        raise refused(422, "cursor: %r is none of this list's" % cursor)
    return missing, number, its_set


async def _scope(
        connection: Connection, account: Account, site: str | None, concentrator: str | None,
        register_set: int | None,
) -> store.Scope:
    """Whose meters are asked for. Refuses a site or concentrator that is not in the account's
    reach, and a register set that is none."""
    scope = store.Scope(
        site, None if concentrator is None else device_id(concentrator), register_set,
        account.site_id)
    if register_set is not None and not await named(connection, [register_set]):
        raise not_found("register set", str(register_set))
    if scope.is_chosen and not await store.time_zones(connection, account.tenant_id, scope):
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


def _interval(own: list[Interval], sets: dict[int, RegisterSet]) -> IntervalForm:
    whole = worst(own)
    return IntervalForm.model_validate({
        "from": whole.start, "to": whole.end, **_state(whole),
        "concentrator": whole.concentrator, "register_sets": [
            {"register_set": one.register_set, "registers": sets[one.register_set].codes,
             **_state(one)} for one in own]})


def _state(one: Interval) -> dict[str, Any]:
    is_there = one.state in (RECEIVED, LATE)
    return {"state": one.state if is_there else "missing",
            "reason": None if is_there else one.state, "since": one.since,
            "arrived_at": one.arrived_at, "path": one.path}

