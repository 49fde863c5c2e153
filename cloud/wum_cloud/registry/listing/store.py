"""The questions of pages and API to the registry: sites, concentrators, meters.

Every list is in a fixed order and starts after a key, so that a page costs the same anywhere.
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.registry.conditions.store import TROUBLE
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within

MATCHES_COUNTED = 10_001  # Past it a page says "more than 10 000".


@dataclass(frozen=True, slots=True)
class Site:
    """A place; `time_zone` is an IANA name, `parent` the site that it lies in."""

    site_id: int
    name: str
    address: str
    time_zone: str
    parent: str | None
    concentrators: int
    meters: int


@dataclass(frozen=True, slots=True)
class Concentrator:
    """A concentrator as lists show it. Times are UTC; None: never."""

    concentrator_id: int
    device_id: bytes
    name: str
    site: str | None
    registered_at: datetime
    last_contact_at: datetime | None
    newest_captured_at: datetime | None
    meters: int
    period_s: int | None        # Shortest of its meters' periods; None: no meter yet.
    flash: int                  # Of wum_shared.condition; 0: nothing is wrong with it,
    is_clock_wrong: bool        # as far as it says.
    is_planned: bool            # Nobody has it yet.


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter as lists show it. `last_outcome` is one of wum_shared.status.OUTCOMES."""

    meter_id: int
    serial: str
    model: str
    delivery_point: str
    concentrator: str
    device_id: bytes
    site: str | None
    time_zone: str
    period_s: int
    offset_s: int
    last_captured_at: datetime | None
    last_missed_at: datetime | None
    last_outcome: int | None
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which meters: every field that is not None narrows the list.

    `search` is looked for anywhere in serial, model and delivery point, whatever its case.
    `state` is `reporting` or `silent`, as of `late_before`: a meter is silent when its newest row
    is older than two of its periods before that, or when there is none. Those that were archived
    are in no list but that of `archived`, and what a search finds.
    """

    search: str | None = None
    concentrator: bytes | None = None
    site: str | None = None
    state: str | None = None


_CONCENTRATORS = """
    select c.concentrator_id, c.device_id, c.name, s.name as site, c.registered_at,
           c.last_contact_at, c.newest_captured_at,
           (select count(*) from meter m where m.concentrator_id = c.concentrator_id
               and m.archived_at is null) as meters,
           (select min(period_s) from meter m where m.concentrator_id = c.concentrator_id
               and m.archived_at is null) as period_s,
           coalesce(t.flash, 0) as flash,
           coalesce(t.has_no_time or t.apart_s <> 0, false) as is_clock_wrong,
           c.planned_at is not null as is_planned
      from concentrator c left join site s using (site_id)
      left join """ + TROUBLE + """ t using (concentrator_id)
     where c.tenant_id = %(tenant)s"""

_METERS = """
    select m.meter_id, m.serial, m.model, d.name as delivery_point, c.name as concentrator,
           c.device_id, s.name as site, coalesce(s.time_zone, 'UTC') as time_zone,
           m.period_s, m.offset_s, m.last_captured_at, m.last_missed_at, m.last_outcome,
           m.archived_at
      from meter_state m
      join delivery_point d using (delivery_point_id)
      join concentrator c using (concentrator_id)
      left join site s on s.site_id = c.site_id
     where m.tenant_id = %(tenant)s"""

# What is searched is ASCII by the contract: its collation is three times as fast as a language's.
_WANTED = """
       and (%(search)s::text is null or m.serial collate "C" ilike %(search)s
            or m.model collate "C" ilike %(search)s or d.name collate "C" ilike %(search)s)
       and (%(concentrator)s::bytea is null or c.device_id = %(concentrator)s)
       and (%(site)s::text is null or s.name = %(site)s)
       and (case when %(state)s::text = 'archived' then m.archived_at is not null
            else (m.archived_at is null or %(state)s::text is null and %(search)s::text is not null)
             and (%(state)s::text is null or (%(state)s = 'reporting') = coalesce(
                  m.last_captured_at >= now() - make_interval(secs => 2 * m.period_s), false))
            end)"""


async def sites(connection: Connection, reach: Reach, after: str, limit: int) -> list[Site]:
    """Up to `limit` sites by name, from the first name after `after`."""
    async with connection.cursor(row_factory=class_row(Site)) as cursor:
        await cursor.execute(
            ("""
            select s.site_id, s.name, s.address, s.time_zone, p.name as parent,
                   count(c.concentrator_id) as concentrators,
                   coalesce(sum((select count(*) from meter m
                                  where m.concentrator_id = c.concentrator_id
                                    and m.archived_at is null)), 0)::bigint
                       as meters
              from (select * from site where tenant_id = %(tenant)s and name > %(after)s"""
             + within(reach, "site_id") + """
                     order by name limit %(limit)s) s
              left join concentrator c using (site_id)
              left join site p on p.site_id = s.parent_site_id
             group by s.site_id, s.name, s.address, s.time_zone, p.name order by s.name
            """),
            {**_of(reach), "after": after, "limit": limit})
        return await cursor.fetchall()


async def time_zones(connection: Connection, tenant: int) -> list[str]:
    """The zones that the tenant's sites lie in, at most two of them."""
    cursor = await connection.execute(
        "select distinct time_zone from site where tenant_id = %s order by 1 limit 2", [tenant])
    return [row[0] for row in await cursor.fetchall()]


async def concentrators(
        connection: Connection, reach: Reach, after: str, limit: int) -> list[Concentrator]:
    """Up to `limit` concentrators by name, from the first name after `after`."""
    async with connection.cursor(row_factory=class_row(Concentrator)) as cursor:
        await cursor.execute(
            (_CONCENTRATORS + within(reach, "c.site_id")
             + " and c.name > %(after)s order by c.name limit %(limit)s"),
            {**_of(reach), "after": after, "limit": limit})
        return await cursor.fetchall()


async def concentrator(
        connection: Connection, reach: Reach, device_id: bytes) -> Concentrator | None:
    """The concentrator with this id; None where the tenant has none such."""
    async with connection.cursor(row_factory=class_row(Concentrator)) as cursor:
        await cursor.execute(
            (_CONCENTRATORS + within(reach, "c.site_id")
             + " and c.device_id = %(device)s"),
            {**_of(reach), "device": device_id})
        return await cursor.fetchone()


async def meters(
        connection: Connection, reach: Reach, wanted: Wanted, after: str, limit: int,
) -> list[Meter]:
    """Up to `limit` meters that match, by serial, from the first serial after `after`."""
    async with connection.cursor(row_factory=class_row(Meter)) as cursor:
        await cursor.execute(
            (_METERS + within(reach, "c.site_id") + _WANTED
             + " and m.serial > %(after)s order by m.serial limit %(limit)s"),
            {**_narrowed(reach, wanted), "after": after, "limit": limit})
        return await cursor.fetchall()


async def count_meters(connection: Connection, reach: Reach, wanted: Wanted) -> int:
    """How many meters match, counted up to MATCHES_COUNTED."""
    async with connection.cursor() as cursor:
        await cursor.execute(
            ("select count(*) from (" + _METERS + within(reach, "c.site_id") + _WANTED
             + " limit %(most)s) as matches"),
            {**_narrowed(reach, wanted), "most": MATCHES_COUNTED})
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def meter(connection: Connection, reach: Reach, serial: str) -> Meter | None:
    """The meter with this serial; None where the tenant has none such."""
    async with connection.cursor(row_factory=class_row(Meter)) as cursor:
        await cursor.execute(
            _METERS + within(reach, "c.site_id") + " and m.serial = %(serial)s",
            {**_of(reach), "serial": serial})
        return await cursor.fetchone()


def _narrowed(reach: Reach, wanted: Wanted) -> dict[str, object]:
    pattern = None
    if wanted.search:
        literal = wanted.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = "%" + literal + "%"
    return {**_of(reach), "search": pattern, "concentrator": wanted.concentrator,
            "site": wanted.site, "state": wanted.state}


def _of(reach: Reach) -> dict[str, object]:
    return {"tenant": reach.tenant_id, "branch": reach.site_id}
