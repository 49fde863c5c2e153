"""The questions of pages and API to the ledger: days, concentrators, sites and meters of a day.

Answered from the summaries alone, so that a page costs the same for a street and for a country.
Left out: how they are counted (counting/store.py), a meter's single intervals (slots/store.py).
"""

from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.ledger.counting.store import COUNTS
from wum_cloud.registry.sites.store import BRANCH

_COUNTS = ", ".join(["d.%s" % name for name in (*COUNTS, "missing")])
_SUMS = ", ".join(["coalesce(sum(d.%s), 0)::bigint as %s" % (name, name)
                   for name in (*COUNTS, "missing")])


@dataclass(frozen=True, slots=True)
class Counts:
    """Intervals: due ones, what became of them, and why the missing ones are missing."""

    expected: int
    received: int
    late: int
    by_six: int
    missing: int
    silent: int
    damaged: int
    exception: int
    not_tried: int
    never_read: int
    unreachable: int
    awaited: int
    archive_gap: int
    dropped: int
    refused: int
    unexplained: int


@dataclass(frozen=True, slots=True)
class DayCounts(Counts):
    """One local day of all meters of a scope."""

    day: date
    meters: int


@dataclass(frozen=True, slots=True)
class ConcentratorCounts(Counts):
    """One concentrator's day."""

    concentrator_id: int
    name: str
    device_id: bytes
    site: str | None
    meters: int
    last_contact_at: datetime | None


@dataclass(frozen=True, slots=True)
class SiteCounts(Counts):
    """One site's day."""

    name: str
    meters: int


@dataclass(frozen=True, slots=True)
class SetCounts(Counts):
    """One register set's day; `codes` are OBIS codes in their order."""

    register_set: int
    codes: list[str]
    meters: int


@dataclass(frozen=True, slots=True)
class MeterCounts(Counts):
    """One register set of one meter on a day. `last_before`: the meter's newest reading from before
    what is missing."""

    meter_id: int
    register_set: int
    codes: list[str]
    serial: str
    delivery_point: str
    concentrator: str
    device_id: bytes
    time_zone: str
    missing_from: datetime | None
    last_before: datetime | None
    last_contact_at: datetime | None


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose meters: all of a tenant's, a site's (by name), or a concentrator's. And which register
    set of them, None: all. `branch`: of the sites under this one only, whatever else is asked."""

    site: str | None = None
    concentrator: bytes | None = None
    register_set: int | None = None
    branch: int | None = None

    @property
    def is_chosen(self) -> bool:
        """Whether somebody asked for a site or a concentrator."""
        return self.site is not None or self.concentrator is not None

    @property
    def is_narrow(self) -> bool:
        """Whether only some concentrators are meant."""
        return self.is_chosen or self.branch is not None

    def values(self) -> dict[str, object]:
        """For the queries."""
        return {"site": self.site, "device": self.concentrator, "set": self.register_set,
                "branch": self.branch}


def _written(query: str, scope: Scope, *, is_later: bool = False) -> bytes:
    """`query` with the conditions of this scope, and of a page that is not the first, and no other:
    a plan that the database makes once for all values is then a good one for each."""
    narrow = ("" if scope.site is None else " and s.name = %(site)s") + (
        "" if scope.concentrator is None else " and c.device_id = %(device)s") + (
        "" if scope.branch is None else " and c.site_id in " + BRANCH)
    by_set = scope.register_set is not None
    for mark, text in (("{narrow}", narrow), ("{by_set}", "set_" if by_set else ""),
                       ("{set}", " and d.register_set_id = %(set)s" if by_set else "")):
        query = query.replace(mark, text)
    first, _, later = query.partition("{later:")
    condition, _, rest = later.partition("}")
    return (first + (condition if is_later else "") + rest).encode()


async def days(
        connection: Connection, tenant: int, scope: Scope, first: date, last: date, limit: int,
) -> list[DayCounts]:
    """Up to `limit` counted days of first..last (both included), oldest first."""
    query = _NARROW_DAYS if scope.is_narrow else _TENANT_DAYS
    async with connection.cursor(row_factory=class_row(DayCounts)) as cursor:
        await cursor.execute(
            _written(query, scope),
            {"tenant": tenant, "first": first, "last": last, "limit": limit, **scope.values()})
        return await cursor.fetchall()


# By register set or not: each has its own sums.
_TENANT_DAYS = """
    select d.day, d.meters, """ + _COUNTS + """ from ledger_tenant_{by_set}day d
     where d.tenant_id = %(tenant)s and d.day between %(first)s and %(last)s
       and d.expected > 0{set} order by d.day limit %(limit)s"""
_NARROW_DAYS = "select d.day, sum(d.meters)::bigint as meters, " + _SUMS + """
      from concentrator c left join site s using (site_id)
      join ledger_concentrator_{by_set}day d using (concentrator_id)
     where c.tenant_id = %(tenant)s and d.expected > 0{set}{narrow}
       and d.day between %(first)s and %(last)s
     group by d.day order by d.day limit %(limit)s"""


async def register_sets(
        connection: Connection, tenant: int, scope: Scope, day: date, after: int, limit: int,
) -> list[SetCounts]:
    """Up to `limit` register sets that were due that day, by number, from the first after `after`.
    """
    query = _NARROW_SETS if scope.is_narrow else _TENANT_SETS
    async with connection.cursor(row_factory=class_row(SetCounts)) as cursor:
        await cursor.execute(_written(query, scope), {
            "tenant": tenant, "day": day, "after": after, "limit": limit, **scope.values()})
        return await cursor.fetchall()


_CODES = "array(select jsonb_array_elements_text(r.codes)) as codes"
_SETS_OF = """
     where d.tenant_id = %(tenant)s and d.day = %(day)s and d.expected > 0
       and d.register_set_id > %(after)s{set}"""
_TENANT_SETS = "select d.register_set_id as register_set, d.meters, " + (
    _CODES + ", " + _COUNTS) + """
      from ledger_tenant_set_day d join register_set r using (register_set_id)""" + _SETS_OF + """
     order by d.register_set_id limit %(limit)s"""
_NARROW_SETS = "select d.register_set_id as register_set, sum(d.meters)::bigint as meters, " + (
    _CODES + ", " + _SUMS) + """
      from ledger_concentrator_set_day d join register_set r using (register_set_id)
      join concentrator c using (concentrator_id) left join site s using (site_id)""" + (
    _SETS_OF) + """{narrow}
     group by d.register_set_id, r.codes order by d.register_set_id limit %(limit)s"""


async def concentrators(
        connection: Connection, tenant: int, scope: Scope, day: date,
        after: tuple[int, int] | None, limit: int,
) -> list[ConcentratorCounts]:
    """Up to `limit` concentrators with meters that day, most missing intervals first, from the
    first one behind `after` (missing, concentrator_id)."""
    missing, number = after or (None, None)
    async with connection.cursor(row_factory=class_row(ConcentratorCounts)) as cursor:
        await cursor.execute(_written(
            _CONCENTRATORS, scope, is_later=after is not None), {
            "tenant": tenant, "day": day, **scope.values(), "missing": missing,
            "number": number, "limit": limit})
        return await cursor.fetchall()


_CONCENTRATORS = """
    select c.concentrator_id, c.name, c.device_id, s.name as site, d.meters, c.last_contact_at,
           """ + _COUNTS + """
      from ledger_concentrator_{by_set}day d join concentrator c using (concentrator_id)
      left join site s using (site_id)
     where d.tenant_id = %(tenant)s and d.day = %(day)s and d.expected > 0{set}{narrow}
       {later:and (d.missing, d.concentrator_id) < (%(missing)s, %(number)s)}
     order by d.missing desc, d.concentrator_id desc limit %(limit)s"""


async def sites(
        connection: Connection, tenant: int, day: date, after: str, limit: int,
        branch: int | None = None,
) -> list[SiteCounts]:
    """Up to `limit` sites with meters that day, by name, from the first name after `after`; all of
    the tenant's, or those under the site `branch`."""
    narrow = "" if branch is None else " and x.site_id in " + BRANCH
    async with connection.cursor(row_factory=class_row(SiteCounts)) as cursor:
        await cursor.execute(_SITES.replace("{narrow}", narrow).encode(), {
            "tenant": tenant, "day": day, "after": after, "limit": limit,
            "branch": branch})
        return await cursor.fetchall()


_SITES = """
    select s.name, sum(d.meters)::bigint as meters, %s
      from (select site_id, name from site x
             where tenant_id = %%(tenant)s and name > %%(after)s{narrow}
               and exists (select from concentrator c join ledger_concentrator_day y
                             using (concentrator_id)
                            where c.site_id = x.site_id and y.day = %%(day)s and y.expected > 0)
             order by name limit %%(limit)s) as s
      join concentrator c using (site_id)
      join ledger_concentrator_day d on d.concentrator_id = c.concentrator_id
                                    and d.day = %%(day)s
     group by s.name order by s.name""" % _SUMS


async def meters(
        connection: Connection, tenant: int, scope: Scope, day: date,
        after: tuple[int, int, int] | None, limit: int,
) -> list[MeterCounts]:
    """Up to `limit` register sets of meters that lack an interval of that day, most missing ones
    first, from the first one behind `after` (missing, meter_id, register_set)."""
    missing, number, register_set = after or (None, None, None)
    values = {"tenant": tenant, "day": day, **scope.values(), "missing": missing,
              "number": number, "behind_set": register_set, "limit": limit}
    query = _METERS % (_OF_NARROW if scope.is_narrow else _OF_ALL)
    async with connection.cursor(row_factory=class_row(MeterCounts)) as cursor:
        await cursor.execute("set local jit = off")
        await cursor.execute(_written(query, scope, is_later=after is not None), values)
        return await cursor.fetchall()


# What is narrow is found first, whole: sorting a street is cheaper than walking a country.
_OF_ALL = "select * from ledger_day d where d.missing > 0"
_OF_NARROW = """
    select * from narrow d where true"""
_METERS = """
    with narrow as materialized (
        select d.* from concentrator c left join site s using (site_id)
          join ledger_day d on d.concentrator_id = c.concentrator_id and d.day = %%(day)s
         where d.missing > 0{narrow}),
    found as materialized (
        %s and d.tenant_id = %%(tenant)s and d.day = %%(day)s{set}
           {later:and (d.missing, d.meter_id, d.register_set_id)
                < (%%(missing)s, %%(number)s, %%(behind_set)s)}
         order by d.missing desc, d.meter_id desc, d.register_set_id desc limit %%(limit)s)
    select m.meter_id, d.register_set_id as register_set, """ + _CODES + """,
           m.serial, p.name as delivery_point, c.name as concentrator, c.device_id,
           coalesce(s.time_zone, 'UTC') as time_zone, d.missing_from, c.last_contact_at,
           (select captured_at from reading r
             where r.meter_id = d.meter_id and r.profile = 0 and r.captured_at < d.missing_from
             order by captured_at desc limit 1) as last_before,
           """ + _COUNTS + """
      from found d join meter m using (meter_id)
      join delivery_point p using (delivery_point_id)
      join concentrator c on c.concentrator_id = d.concentrator_id
      join register_set r using (register_set_id)
      left join site s on s.site_id = c.site_id
     order by d.missing desc, d.meter_id desc, d.register_set_id desc"""


async def counted_until(connection: Connection, tenant: int) -> datetime | None:
    """Since when at least one concentrator's days were not counted again; None: nothing is."""
    cursor = await connection.execute(
        "select l.computed_until from ledger_state l join concentrator c using (concentrator_id)"
        " where c.tenant_id = %s order by l.computed_until limit 1", [tenant])
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def time_zones(connection: Connection, tenant: int, scope: Scope) -> list[str]:
    """The zones in which the meters of a scope are counted; none without a concentrator."""
    query = _NARROW_ZONES if scope.is_narrow else _ZONES
    cursor = await connection.execute(_written(query, scope), {
        "tenant": tenant, **scope.values()})
    return [row[0] for row in await cursor.fetchall()]


_NARROW_ZONES = """
    select distinct coalesce(s.time_zone, 'UTC') as zone from concentrator c
      left join site s using (site_id) where c.tenant_id = %(tenant)s{narrow} order by 1"""
# From each zone of the sites to the next one, and of each whether a concentrator stands in it: by
# its sites, each asked by itself, or the planner may go through all concentrators instead.
_ZONES = """
    with recursive zone as (
        (select time_zone from site where tenant_id = %(tenant)s order by 1 limit 1)
        union all
        select (select s.time_zone from site s
                 where s.tenant_id = %(tenant)s and s.time_zone > zone.time_zone
                 order by 1 limit 1)
          from zone where zone.time_zone is not null)
    select time_zone from zone
     where (select true from site s, lateral (
                    select from concentrator c where c.site_id = s.site_id limit 1) as c
             where s.tenant_id = %(tenant)s and s.time_zone = zone.time_zone limit 1)
    union select 'UTC' where exists (
        select from concentrator c where c.tenant_id = %(tenant)s and c.site_id is null)
     order by 1"""
