"""The questions about ingest's health to the database: numbers for today, events, quarantine.

Who is confined to a branch of the sites gets what concentrators in it did and said. What nobody
knows the sender of is shown to whole tenants only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within

BEHIND_PERIODS = 2  # A meter or concentrator is late when two of its periods passed without it.


@dataclass(frozen=True, slots=True)
class Reporting:
    """How many meters there are, and how many gave a row within two of their periods."""

    meters: int
    reporting: int
    concentrators: int
    concentrators_behind: int


@dataclass(frozen=True, slots=True)
class Behind:
    """A concentrator whose newest reading is too old; `of` such ones in all."""

    name: str
    last_contact_at: datetime | None
    newest_captured_at: datetime
    of: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """Intervals of a span that should have a row by now, and those that have one."""

    expected: int
    received: int


@dataclass(frozen=True, slots=True)
class Count:
    """One counter of ingest, of one UTC day, over all concentrators of the tenant."""

    what: str
    n: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on a concentrator; `kind` is one of wum_shared.status.EVENTS."""

    concentrator: str
    device_id: bytes
    incarnation: bytes
    sequence: int
    at: datetime
    arrived_at: datetime
    time_quality: int
    kind: int
    meter: str | None
    note: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something that ingest refused; its bytes stay in the database."""

    quarantine_id: int
    arrived_at: datetime
    last_arrived_at: datetime
    times: int
    concentrator: str | None
    topic: str
    reason: str
    detail: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Archive:
    """What of one concentrator's archive has arrived. `missing` numbers are still to come."""

    concentrator: str
    device_id: bytes
    incarnation: bytes
    received: int
    lost: int
    missing: int
    last_batch_at: datetime | None


async def reporting(connection: Connection, reach: Reach) -> Reporting:
    """Meters and concentrators, and who is late, as of now."""
    async with connection.cursor(row_factory=class_row(Reporting)) as cursor:
        await cursor.execute(
            ("""
            with mine as materialized (
                select * from concentrator c where c.tenant_id = %(tenant)s
                   and c.planned_at is null"""
             + within(reach, "c.site_id") + """),
            seen as (
                select m.concentrator_id, coalesce(m.last_captured_at >= now()
                         - make_interval(secs => %(periods)s * m.period_s), false) as reports,
                       m.period_s
                  from meter_state m join mine using (concentrator_id)
                 where m.tenant_id = %(tenant)s and m.archived_at is null),
            behind as (
                select c.concentrator_id
                  from mine c left join seen on seen.concentrator_id = c.concentrator_id
                 group by c.concentrator_id, c.newest_captured_at
                having c.newest_captured_at is null or c.newest_captured_at
                       < now() - make_interval(secs => %(periods)s * coalesce(min(period_s), 0)))
            select (select count(*) from seen) as meters,
                   (select count(*) from seen where reports) as reporting,
                   (select count(*) from mine) as concentrators,
                   (select count(*) from behind) as concentrators_behind
            """).encode(),
            {**_of(reach), "periods": BEHIND_PERIODS})
        row = await cursor.fetchone()
    assert row is not None
    return row


async def behind(connection: Connection, limit: int) -> tuple[int, list[Behind]]:
    """How many concentrators delivered once and now nothing for two periods; some, longest first.
    """
    async with connection.cursor(row_factory=class_row(Behind)) as cursor:
        await cursor.execute(
            """
            select c.name, c.last_contact_at, c.newest_captured_at, count(*) over ()::int as of
              from concentrator c
             where c.newest_captured_at < now() - make_interval(secs => %s * coalesce((
                   select min(m.period_s) from meter m
                    where m.concentrator_id = c.concentrator_id), 3600))
             order by c.newest_captured_at, c.name limit %s
            """, [BEHIND_PERIODS, limit])
        found = await cursor.fetchall()
    return (found[0].of if found else 0), found


async def time_zones(connection: Connection, tenant: int) -> list[str]:
    """The zones of the tenant's sites, and UTC for meters without a site."""
    cursor = await connection.execute(
        "select 'UTC' union select time_zone from site where tenant_id = %s", [tenant])
    return [row[0] for row in await cursor.fetchall()]


async def completeness(
        connection: Connection, reach: Reach, starts: Mapping[str, datetime], until: datetime,
) -> Completeness:
    """Whole intervals of all meters in reach until `until`, by the schedule in force.

    `starts`: since when, by time zone of the meter's site; zones that are not named are left out.
    Intervals from before a meter was first asked are not expected: it may not have been there.
    """
    async with connection.cursor(row_factory=class_row(Completeness)) as cursor:
        await cursor.execute("set local work_mem = '64MB'")  # A day's rows are sorted in memory.
        query = _COMPLETENESS.replace("{within}", within(reach, "c.site_id"))
        await cursor.execute(query.encode(), {
            **_of(reach), "zones": list(starts), "starts": list(starts.values()),
            "first": min(starts.values()), "until": until})
        row = await cursor.fetchone()
    assert row is not None
    return row


# Only a meter that is new today is looked up for its first interval: all others are older.
_COMPLETENESS = """
    with zone as (
        select name, since from unnest(%(zones)s::text[], %(starts)s::timestamptz[])
            as given (name, since)),
    asked as (
        select m.meter_id, m.period_s, m.offset_s, z.since,
               least(m.last_captured_at, m.last_missed_at) < z.since as is_old,
               (extract(epoch from z.since)::bigint - m.offset_s + m.period_s - 1) / m.period_s
                   as first_slot,
               (extract(epoch from %(until)s::timestamptz)::bigint - m.offset_s) / m.period_s
                   as end_slot
          from meter_state m join concentrator c using (concentrator_id)
          left join site s on s.site_id = c.site_id
          join zone z on z.name = coalesce(s.time_zone, 'UTC')
         where m.tenant_id = %(tenant)s{within}
           and coalesce(m.last_captured_at, m.last_missed_at) is not null),
    filled as (
        select a.meter_id, count(distinct slot) as n
          from asked a join reading r using (meter_id)
          cross join lateral (select (extract(epoch from r.captured_at)::bigint - a.offset_s)
                                     / a.period_s as slot) as its
         where r.captured_at >= %(first)s and r.captured_at < %(until)s
           and r.profile = 0 and slot >= a.first_slot and slot < a.end_slot
         group by a.meter_id),
    due as (
        select a.meter_id, greatest(0, a.end_slot - greatest(a.first_slot, case
               when a.is_old
                 or exists (select from reading r where r.meter_id = a.meter_id
                               and r.captured_at < a.since)
                 or exists (select from missed i where i.meter_id = a.meter_id
                               and i.captured_at < a.since) then null
               else (extract(epoch from least(
                   (select min(captured_at) from reading r where r.meter_id = a.meter_id),
                   (select min(captured_at) from missed i where i.meter_id = a.meter_id)))
                   ::bigint - a.offset_s) / a.period_s end)) as n
          from asked a)
    select coalesce(sum(due.n), 0)::bigint as expected,
           coalesce(sum(filled.n), 0)::bigint as received
      from due left join filled using (meter_id)"""


async def counts(connection: Connection, reach: Reach, day: date) -> list[Count]:
    """Ingest's counters of one UTC day; unknown senders are counted for every whole tenant."""
    async with connection.cursor(row_factory=class_row(Count)) as cursor:
        await cursor.execute(
            ("""
            select i.what, sum(i.n)::bigint as n
              from ingest_count i left join concentrator c using (concentrator_id)
             where i.day = %(day)s and """ + _own(reach, "i.concentrator_id = 0") + """
             group by i.what order by i.what
            """).encode(), {**_of(reach), "day": day})
        return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class EventKey:
    """Where an event stands in the list: events of one batch arrive in the same moment."""

    arrived_at: datetime
    device_id: bytes
    sequence: int


async def events(
        connection: Connection, reach: Reach, before: EventKey | None, limit: int,
        device_id: bytes | None = None) -> list[Event]:
    """Up to `limit` events, newest arrival first, from those that stand behind `before`; of one
    concentrator or of all.
    """
    async with connection.cursor(row_factory=class_row(Event)) as cursor:
        await cursor.execute(
            ("""
            select c.name as concentrator, c.device_id, e.incarnation, e.sequence, e.at,
                   e.arrived_at, e.time_quality, e.kind, m.serial as meter, e.note
              from event e join concentrator c using (concentrator_id)
              left join meter m on m.meter_id = e.meter_id
             where c.tenant_id = %(tenant)s""" + within(reach, "c.site_id") + """
               and (%(of)s::bytea is null or e.concentrator_id = (
                    select concentrator_id from concentrator where device_id = %(of)s))
               and (%(at)s::timestamptz is null or (e.arrived_at, c.device_id, e.sequence)
                    < (%(at)s, %(device)s, %(sequence)s))
             order by e.arrived_at desc, c.device_id desc, e.sequence desc limit %(limit)s
            """).encode(),
            {**_of(reach), "limit": limit, "of": device_id,
             "at": None if before is None else before.arrived_at,
             "device": None if before is None else before.device_id,
             "sequence": None if before is None else before.sequence})
        return await cursor.fetchall()


async def quarantined(
        connection: Connection, reach: Reach, before: int | None, limit: int,
) -> list[Quarantined]:
    """Up to `limit` refused messages, newest first, numbered below `before`.

    What is nobody's, for it was not genuine, is shown to every whole tenant.
    """
    async with connection.cursor(row_factory=class_row(Quarantined)) as cursor:
        await cursor.execute(
            ("""
            select q.quarantine_id, q.arrived_at, q.last_arrived_at, q.times,
                   c.name as concentrator, q.topic, q.reason, q.detail, q.size_bytes
              from quarantine q left join concentrator c using (concentrator_id)
             where """ + _own(reach, "q.concentrator_id is null") + """
               and (%(before)s::bigint is null or q.quarantine_id < %(before)s)
             order by q.quarantine_id desc limit %(limit)s
            """).encode(), {**_of(reach), "before": before, "limit": limit})
        return await cursor.fetchall()


async def count_quarantined(connection: Connection, reach: Reach) -> int:
    """How many refused messages are kept."""
    cursor = await connection.execute(
        ("select count(*) from quarantine q left join concentrator c using (concentrator_id)"
         " where " + _own(reach, "q.concentrator_id is null")).encode(), _of(reach))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def archives(connection: Connection, reach: Reach, limit: int) -> list[Archive]:
    """What has arrived of every archive, the newest batch first."""
    async with connection.cursor(row_factory=class_row(Archive)) as cursor:
        await cursor.execute(
            ("""
            select c.name as concentrator, c.device_id, a.incarnation, a.last_batch_at,
                   got.n as received, gone.n as lost,
                   greatest(0, coalesce(upper(a.received + a.lost), 1) - 1 - got.n - gone.n)
                       as missing
              from archive a join concentrator c using (concentrator_id)
              cross join lateral (select coalesce(sum(upper(r) - lower(r)), 0)::bigint as n
                                    from unnest(a.received) r) got
              cross join lateral (select coalesce(sum(upper(r) - lower(r)), 0)::bigint as n
                                    from unnest(a.lost - a.received) r) gone
             where c.tenant_id = %(tenant)s""" + within(reach, "c.site_id") + """
             order by a.last_batch_at desc nulls last limit %(limit)s
            """).encode(), {**_of(reach), "limit": limit})
        return await cursor.fetchall()


def _own(reach: Reach, nobodys: str) -> str:
    """Whether something of a concentrator c is in reach, or of nobody."""
    if reach.site_id is None:
        return "(c.tenant_id = %(tenant)s or " + nobodys + ")"
    return "c.tenant_id = %(tenant)s" + within(reach, "c.site_id")


def _of(reach: Reach) -> dict[str, object]:
    return {"tenant": reach.tenant_id, "branch": reach.site_id}
