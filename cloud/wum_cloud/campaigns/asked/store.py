"""Campaigns in the database, as people ask for and see them. Every question is of one tenant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import args_row, class_row
from psycopg.types.json import Jsonb

from wum_cloud.campaigns.members import Candidate
from wum_cloud.campaigns.states import Target
from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites import store as sites


@dataclass(frozen=True, slots=True)
class New:
    """A campaign that is to be kept; `waves` are numbers of concentrators."""

    release_id: int
    name: str
    reason: str
    plan: dict[str, Any]
    requested_by: str
    waves: list[list[int]]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as people see it; `counts` by state of its members."""

    campaign_id: int
    name: str
    reason: str
    release_id: int
    sequence: int
    version: str
    target: str
    plan: dict[str, Any]
    state: str
    wave: int
    waves: int
    why: str
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    ended_at: datetime | None
    counts: dict[str, int]

    @property
    def members(self) -> int:
        """How many concentrators it is for."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Member:
    """A concentrator of a campaign as people see it, with what it told last."""

    concentrator_id: int
    device_id: bytes
    name: str
    wave: int
    state: str
    fault: str
    words: str
    tries: int
    deadline_at: datetime | None
    have: int | None
    of: int | None
    runs: int | None
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log."""

    number: int
    at: datetime
    device_id: bytes | None
    name: str | None
    what: str
    words: str


_CAMPAIGNS = """
    select c.campaign_id, c.name, c.reason, c.release_id, r.sequence, r.version, r.target, c.plan,
           c.state, c.wave, c.waves, c.why, c.requested_by, c.requested_at, c.approved_by,
           c.approved_at, c.ended_at,
           (select coalesce(jsonb_object_agg(x.state, x.n), '{}') from (
               select m.state, count(*) as n from campaign_member m
                where m.campaign_id = c.campaign_id group by m.state) x) as counts
      from campaign c join release r using (release_id) where c.tenant_id = %(tenant)s"""


async def can_order(connection: Connection) -> bool:
    """Whether the trust document in force names a key that signs orders."""
    row = await (await connection.execute(
        "select order_secret_sealed is not null from trust_document order by number desc limit 1"
    )).fetchone()
    return row is not None and bool(row[0])


async def target(connection: Connection, tenant: int, release: int) -> Target | None:
    """What a campaign about this release is to reach."""
    row = await (await connection.execute(
        "select sequence, digest from release where tenant_id = %s and release_id = %s",
        [tenant, release])).fetchone()
    return None if row is None else Target(row[0], row[1])


async def site_named(connection: Connection, tenant: int, name: str) -> int | None:
    """Number of the site."""
    return await sites.site_named(connection, Reach(tenant), name)


async def candidates(connection: Connection, tenant: int, release: int, site: int | None,
                     most: int) -> list[Candidate]:
    """Concentrators that have told what they run, of a branch of sites; not those that are known to
    run releases for another target.
    """
    reach = Reach(tenant, site)
    async with connection.cursor(row_factory=args_row(Candidate)) as cursor:
        await cursor.execute((
            "select c.concentrator_id, c.device_id,"
            "       coalesce((select string_agg(distinct k.kind, ', ' order by k.kind) from ("
            "         select concat(case when b.port like '%%:%%' then split_part(b.port, ':', 1)"
            "                  else 'serial' end, ' ', b.baud, b.parity, b.stop_bits, ': ',"
            "                  string_agg(distinct m.model, '+' order by m.model)) as kind"
            "           from meter m left join bus b using (bus_id)"
            "          where m.concentrator_id = c.concentrator_id and m.archived_at is null"
            "          group by b.bus_id) k), ''),"
            "       coalesce(c.mesh, above.name, x.name, ''),"
            "       greatest(c.last_contact_at, s.arrived_at) > now() - interval '1 day'"
            "  from concentrator c join update_standing s using (concentrator_id)"
            "  left join site x using (site_id)"
            "  left join site above on above.site_id = x.parent_site_id"
            "  left join release r on r.tenant_id = c.tenant_id and r.digest = s.digest"
            " where c.tenant_id = %(tenant)s and c.revoked_at is null and c.planned_at is null"
            "   and (r.target is null or r.target = (select target from release"
            "         where release_id = %(release)s))" + sites.within(reach, "c.site_id")
            + " order by c.concentrator_id limit %(most)s").encode(),
            {"tenant": tenant, "release": release, "branch": site, "most": most})
        return await cursor.fetchall()


async def busy(connection: Connection, numbers: list[int]) -> tuple[int, int] | None:
    """(how many, in which campaign) of these are under way already."""
    row = await (await connection.execute(
        "select count(*), m.campaign_id from campaign_member m join campaign c using (campaign_id)"
        " where m.concentrator_id = any(%s) and c.state in ('requested', 'running', 'paused')"
        " group by m.campaign_id order by m.campaign_id limit 1", [numbers])).fetchone()
    return None if row is None else (row[0], row[1])


async def add(connection: Connection, tenant: int, new: New) -> int:
    """Keep it with its snapshot; its number."""
    row = await (await connection.execute(
        "insert into campaign (tenant_id, release_id, name, reason, plan, state, waves,"
        " requested_by) values (%s, %s, %s, %s, %s, 'requested', %s, %s) returning campaign_id",
        [tenant, new.release_id, new.name, new.reason, Jsonb(new.plan), len(new.waves),
         new.requested_by])).fetchone()
    assert row is not None
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into campaign_member (campaign_id, concentrator_id, wave, place)"
            " values (%s, %s, %s, %s)",
            [[row[0], one, wave, place] for wave, found in enumerate(new.waves)
             for place, one in enumerate(found)])
    return int(row[0])


async def locked_state(
        connection: Connection, tenant: int, number: int) -> tuple[str, str] | None:
    """(state, who asked for it), locked."""
    row = await (await connection.execute(
        "select state, requested_by from campaign where tenant_id = %s and campaign_id = %s"
        " for no key update", [tenant, number])).fetchone()
    return None if row is None else (row[0], row[1])


async def approve(connection: Connection, number: int, by: str) -> None:
    """It begins."""
    await connection.execute(
        "update campaign set state = 'running', approved_by = %s, approved_at = now()"
        " where campaign_id = %s", [by, number])


async def change(connection: Connection, number: int, state: str, at: datetime) -> None:
    """Another state. What was paused has its time back."""
    await connection.execute(
        "update campaign_member m set deadline_at = m.deadline_at + (%(at)s - c.paused_at)"
        "  from campaign c where c.campaign_id = m.campaign_id and c.campaign_id = %(number)s"
        "   and c.paused_at is not null", {"at": at, "number": number})
    await connection.execute(
        "update campaign set state = %(state)s,"
        " paused_at = case when %(state)s = 'paused' then %(at)s::timestamptz end,"
        " ended_at = case when %(state)s in ('aborted', 'withdrawn') then %(at)s::timestamptz"
        "   else ended_at end where campaign_id = %(number)s",
        {"state": state, "at": at, "number": number})


async def listed(connection: Connection, tenant: int, before: int | None,
                 limit: int) -> list[Campaign]:
    """Up to `limit` campaigns, the newest first, numbered below `before`."""
    async with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        await cursor.execute(
            _CAMPAIGNS + " and (%(before)s::bigint is null or c.campaign_id < %(before)s)"
            " order by c.campaign_id desc limit %(limit)s",
            {"tenant": tenant, "before": before, "limit": limit})
        return await cursor.fetchall()


async def one(connection: Connection, tenant: int, number: int) -> Campaign | None:
    """The campaign with this number."""
    async with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        await cursor.execute(_CAMPAIGNS + " and c.campaign_id = %(number)s",
                             {"tenant": tenant, "number": number})
        return await cursor.fetchone()


async def waves(connection: Connection, number: int) -> list[dict[str, int]]:
    """Of each wave: how many members are in which state."""
    rows = await (await connection.execute(
        "select wave, state, count(*) from campaign_member where campaign_id = %s"
        " group by wave, state order by wave", [number])).fetchall()
    found: list[dict[str, int]] = [{} for _ in range(1 + max([row[0] for row in rows], default=-1))]
    for wave, state, count in rows:
        found[wave][state] = count
    return found


async def members(
        connection: Connection, number: int, after: int | None, limit: int,
        state: str | None = None) -> list[Member]:
    """Up to `limit` members behind `after`, by number; of one state, if one is named."""
    async with connection.cursor(row_factory=class_row(Member)) as cursor:
        await cursor.execute(
            "select m.concentrator_id, c.device_id, c.name, m.wave, m.state, m.fault, m.words,"
            "       m.tries, m.deadline_at, s.have, s.of, s.sequence as runs,"
            "       s.arrived_at as told_at"
            "  from campaign_member m join concentrator c using (concentrator_id)"
            "  left join update_standing s using (concentrator_id)"
            " where m.campaign_id = %(number)s"
            "   and (%(after)s::bigint is null or m.concentrator_id > %(after)s)"
            "   and (%(state)s::text is null or m.state = %(state)s)"
            " order by m.concentrator_id limit %(limit)s",
            {"number": number, "after": after, "limit": limit, "state": state})
        return await cursor.fetchall()


async def log(connection: Connection, number: int, before: int | None, limit: int) -> list[Line]:
    """Up to `limit` lines, the newest first, numbered below `before`."""
    async with connection.cursor(row_factory=class_row(Line)) as cursor:
        await cursor.execute(
            "select l.number, l.at, c.device_id, c.name, l.what, l.words"
            "  from campaign_log l left join concentrator c using (concentrator_id)"
            " where l.campaign_id = %(number)s"
            "   and (%(before)s::bigint is null or l.number < %(before)s)"
            " order by l.number desc limit %(limit)s",
            {"number": number, "before": before, "limit": limit})
        return await cursor.fetchall()


async def of_concentrator(
        connection: Connection, tenant: int, concentrator: int) -> tuple[str, int] | None:
    """(version of the release that it says it runs, newest campaign that it is in, or 0)."""
    row = await (await connection.execute(
        "select coalesce(r.version, ''), coalesce((select max(m.campaign_id)"
        "     from campaign_member m where m.concentrator_id = s.concentrator_id), 0)"
        "  from update_standing s left join release r on r.digest = s.digest and r.tenant_id = %s"
        " where s.concentrator_id = %s", [tenant, concentrator])).fetchone()
    return None if row is None else (row[0], row[1])
