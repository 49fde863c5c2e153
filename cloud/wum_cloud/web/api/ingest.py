"""Ingest's health: who reports, what is complete, what was refused, what concentrators said."""

from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from wum_cloud.health import store
from wum_cloud.health.alarms import store as alarms
from wum_cloud.health.overview import Overview, overview
from wum_cloud.paging import page_of
from wum_cloud.web.access import Database
from wum_cloud.web.api.forms import (
    DEFAULT_LIMIT,
    TIME_QUALITY_WORDS,
    Cursor,
    Form,
    Limit,
    PageOf,
    foreign_cursor,
    number_key,
    parts_of,
)
from wum_cloud.web.rights import HealthCaller, TenantsHealthCaller
from wum_shared.status import EVENTS

router = APIRouter(tags=["ingest"])

_ARCHIVES_MAX = 1000


class HealthForm(Form):
    """Numbers of this moment; counters are of the present UTC day."""

    as_of: AwareDatetime
    meters: int
    meters_reporting: int
    concentrators: int
    concentrators_behind: int
    intervals_expected_today: int = Field(
        description="Whole intervals since midnight in the time zone of each meter's site.")
    intervals_received_today: int
    counters: dict[str, int]
    archives: list["ArchiveForm"]


class ArchiveForm(Form):
    """One archive of a concentrator: records that arrived, are lost, or are still to come."""

    concentrator: str
    incarnation: str
    received: int
    lost: int
    missing: int
    last_batch_at: AwareDatetime | None


class EventForm(Form):
    """Something that happened on a concentrator, by its own clock."""

    concentrator: str
    sequence: int
    at: AwareDatetime
    arrived_at: AwareDatetime
    time_quality: str
    kind: str
    meter: str | None
    note: str


class QuarantineForm(Form):
    """A message, or a part of one, that was refused. Its bytes are kept in the database."""

    id: int
    arrived_at: AwareDatetime
    last_arrived_at: AwareDatetime
    times: int = Field(description="How often the same content came.")
    concentrator: str | None = Field(description="null: it was not genuine.")
    topic: str
    reason: str
    detail: str
    size_bytes: int


@router.get("/ingest/health")
async def ingest_health(
        account: HealthCaller, database: Database) -> HealthForm:
    """Who reports, how complete today is, and what ingest counted."""
    now = datetime.now(UTC)
    seen: Overview = await overview(database, account.reach, now)
    async with database.connection() as connection:
        counts = await store.counts(connection, account.reach, now.date())
        archives = await store.archives(connection, account.reach, _ARCHIVES_MAX)
    return HealthForm(
        as_of=seen.as_of, meters=seen.reporting.meters,
        meters_reporting=seen.reporting.reporting,
        concentrators=seen.reporting.concentrators,
        concentrators_behind=seen.reporting.concentrators_behind,
        intervals_expected_today=seen.today.expected,
        intervals_received_today=seen.today.received,
        counters={count.what: count.n for count in counts},
        archives=[ArchiveForm(
            concentrator=a.device_id.hex(), incarnation=a.incarnation.hex(),
            received=a.received, lost=a.lost, missing=a.missing, last_batch_at=a.last_batch_at)
            for a in archives])


class AlarmForm(Form):
    """What speaks of an attack, within the last 24 hours."""

    kind: str
    is_raised: bool = Field(description="Whether there are enough to call somebody.")
    n: int
    last_at: AwareDatetime | None
    what: str
    then: str = Field(description="What to do about it.")


@router.get("/alarms")
async def list_alarms(account: TenantsHealthCaller, database: Database) -> list[AlarmForm]:
    """Every kind of alarm, those without an event too."""
    async with database.connection() as connection:
        found = await alarms.counted(connection, account.tenant_id)
    return [AlarmForm(
        kind=one.alarm.kind, is_raised=alarms.is_raised(one), n=one.n, last_at=one.last_at,
        what=one.alarm.what, then=one.alarm.then) for one in found]


@router.get("/events")
async def list_events(
        account: HealthCaller, database: Database,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[EventForm]:
    """Events of all concentrators in reach, the newest arrival first."""
    async with database.connection() as connection:
        found = await store.events(connection, account.reach, event_key(cursor), limit + 1)
    page = page_of(found, limit, lambda event: [
        event.arrived_at.isoformat(), event.device_id.hex(), event.sequence])
    return PageOf(next_cursor=page.next_cursor, items=[
        EventForm(
            concentrator=e.device_id.hex(), sequence=e.sequence, at=e.at,
            arrived_at=e.arrived_at, time_quality=TIME_QUALITY_WORDS[e.time_quality],
            kind=EVENTS.get(e.kind, "event %d" % e.kind), meter=e.meter, note=e.note)
        for e in page.items])


def event_key(cursor: str | None) -> store.EventKey | None:
    """The event after which a page starts. Refuses a foreign cursor."""
    if cursor is None:
        return None
    arrived_at, device_id, sequence = parts_of(cursor, [str, str, int])
    try:
        return store.EventKey(datetime.fromisoformat(str(arrived_at)),
                              bytes.fromhex(str(device_id)), int(sequence))
    except ValueError as error:
        raise foreign_cursor(cursor) from error


@router.get("/ingest/quarantine")
async def list_quarantine(
        account: HealthCaller, database: Database,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[QuarantineForm]:
    """What ingest refused, the newest first."""
    async with database.connection() as connection:
        found = await store.quarantined(
            connection, account.reach, number_key(cursor), limit + 1)
    page = page_of(found, limit, lambda refusal: [refusal.quarantine_id])
    return PageOf(next_cursor=page.next_cursor, items=[
        QuarantineForm(
            id=q.quarantine_id, arrived_at=q.arrived_at, last_arrived_at=q.last_arrived_at,
            times=q.times, concentrator=q.concentrator, topic=q.topic, reason=q.reason,
            detail=q.detail, size_bytes=q.size_bytes)
        for q in page.items])
