"""Groups of meters in the database, as people make and see them."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within
from wum_shared.cose import key_id
from wum_shared.ids import CONCENTRATOR_SIZE


@dataclass(frozen=True, slots=True)
class Group:
    """A group. `confirmed` of `concentrators` have said under their signature that they know it."""

    group_id: int
    name: str
    mesh: str | None
    number: int | None
    version: int
    meters: int
    concentrators: int
    confirmed: int
    changed_at: datetime
    address: bytes

    def reference(self) -> bytes:
        """What an order calls it in this version."""
        return key_id(self.address, self.version)


@dataclass(frozen=True, slots=True)
class Member:
    """A meter of a group, its concentrator, and whether that one has the group's version."""

    meter_id: int
    serial: str
    concentrator_id: int | None
    device_id: bytes | None
    concentrator: str | None
    is_confirmed: bool
    is_in_reach: bool


_CONFIRMED = """
    exists (select from command_group_member k join command_group_notice n
              on (n.concentrator_id, n.command_id) = (k.concentrator_id, k.command_id)
             where k.group_id = g.group_id and k.concentrator_id = c.concentrator_id
               and k.version = g.version and k.is_confirmed)"""

_GROUPS = """
    select g.group_id, g.name, g.mesh, g.number, g.version, g.changed_at, g.address,
           (select count(*) from command_group_meter x where x.group_id = g.group_id) as meters,
           count(c.concentrator_id) as concentrators,
           count(c.concentrator_id) filter (where %s) as confirmed
      from command_group g left join lateral (
           select distinct m.concentrator_id
             from command_group_meter x join meter m using (meter_id)
            where x.group_id = g.group_id and m.concentrator_id is not null) as c on true
     where g.tenant_id = %%(tenant)s and (%%(name)s::text is null or g.name = %%(name)s)
     group by g.group_id order by g.name limit 1000""" % _CONFIRMED


async def groups(connection: Connection, tenant: int, name: str | None = None) -> list[Group]:
    """The tenant's groups by name, or the one with this name."""
    async with connection.cursor(row_factory=class_row(Group)) as cursor:
        await cursor.execute(_GROUPS.encode(), {"tenant": tenant, "name": name})
        return await cursor.fetchall()


async def serials_below(connection: Connection, branch: Reach, most: int) -> list[str]:
    """Meters behind the concentrators of a branch, in their order, so many at most."""
    cursor = await connection.execute(("""
        select m.serial from meter m join concentrator c using (concentrator_id)
         where c.tenant_id = %(tenant)s and m.archived_at is null
           and c.revoked_at is null and c.planned_at is null""" + within(branch, "c.site_id")
        + " order by m.serial limit %(most)s").encode(),
        {"tenant": branch.tenant_id, "branch": branch.site_id, "most": most})
    return [str(row[0]) for row in await cursor.fetchall()]


async def members(connection: Connection, reach: Reach, group_id: int) -> list[Member]:
    """The meters of a group; those out of reach without a name."""
    seen = "(true" + within(reach, "c.site_id") + ")"
    async with connection.cursor(row_factory=class_row(Member)) as cursor:
        await cursor.execute(("""
            select m.meter_id, m.serial, c.concentrator_id, c.device_id, c.name as concentrator,
                   coalesce(%s, false) as is_confirmed, %s as is_in_reach
              from command_group g join command_group_meter x using (group_id)
              join meter m using (meter_id)
              left join concentrator c on c.concentrator_id = m.concentrator_id
                                      and c.revoked_at is null
             where g.group_id = %%(group)s order by m.serial""" % (_CONFIRMED, seen)).encode(),
            {"group": group_id, "tenant": reach.tenant_id, "branch": reach.site_id})
        return await cursor.fetchall()


async def locked(connection: Connection, tenant: int, name: str) -> tuple[int, int] | None:
    """(number, version) of the group of this name, locked."""
    row = await (await connection.execute(
        "select group_id, version from command_group where tenant_id = %s and name = %s"
        " for no key update", [tenant, name])).fetchone()
    return None if row is None else (int(row[0]), int(row[1]))


async def count(connection: Connection, tenant: int) -> int:
    """How many groups the tenant has; locks the tenant."""
    await connection.execute(
        "select from tenant where tenant_id = %s for no key update", [tenant])
    row = await (await connection.execute(
        "select count(*) from command_group where tenant_id = %s", [tenant])).fetchone()
    assert row is not None
    return int(row[0])


async def make(connection: Connection, tenant: int, name: str) -> int:
    """A new group without meters; its number."""
    row = await (await connection.execute(
        "insert into command_group (tenant_id, name, address) values (%s, %s, %s)"
        " returning group_id",
        [tenant, name, secrets.token_bytes(CONCENTRATOR_SIZE)])).fetchone()
    assert row is not None
    return int(row[0])


async def change(
        connection: Connection, group_id: int, mesh: str | None, number: int | None,
        meters: list[int]) -> None:
    """These meters and no others, in a new version; who is or was concerned is to be told."""
    await notice(connection, group_id)
    await connection.execute(
        "update command_group set mesh = %s, number = %s, version = version + 1,"
        " sealed_key = null, changed_at = now() where group_id = %s", [mesh, number, group_id])
    await connection.execute("delete from command_group_meter where group_id = %s", [group_id])
    await connection.execute(
        "insert into command_group_meter (group_id, meter_id) select %s, unnest(%s::bigint[])",
        [group_id, meters])
    await notice(connection, group_id)


async def notice(connection: Connection, group_id: int) -> None:
    """Whoever has a meter in this group, or was told so, is to be told anew."""
    await connection.execute(
        "insert into command_group_notice (concentrator_id, due_at)"
        " select concentrator_id, now() from ("
        "   select m.concentrator_id from command_group_meter x join meter m using (meter_id)"
        "    where x.group_id = %(g)s and m.concentrator_id is not null"
        "   union select k.concentrator_id from command_group_member k where k.group_id = %(g)s"
        " ) as found order by 1"
        " on conflict (concentrator_id) do update set due_at = now()", {"g": group_id})


async def drop(connection: Connection, group_id: int) -> None:
    """A group that is no more."""
    await notice(connection, group_id)
    await connection.execute("delete from command_group where group_id = %s", [group_id])


async def most_of_one(connection: Connection, meters: list[int]) -> tuple[int, int, int]:
    """(most meters of one concentrator among these, most groups that one of theirs is in, most
    bytes that serials of one of theirs take in all its groups)."""
    row = await (await connection.execute(
        "select coalesce(max(n), 0) from (select count(*) as n from meter"
        " where meter_id = any(%s) group by concentrator_id) as c", [meters])).fetchone()
    many = await (await connection.execute(
        "select coalesce(max(n), 0), coalesce(max(b), 0) from ("
        " select count(distinct x.group_id) as n, sum(length(o.serial) + 2) as b"
        "   from meter o join command_group_meter x on x.meter_id = o.meter_id"
        "  where o.concentrator_id in (select concentrator_id from meter where meter_id = any(%s))"
        "  group by o.concentrator_id) as c", [meters])).fetchone()
    assert row is not None and many is not None
    return int(row[0]), int(many[0]), int(many[1])


async def is_taken(
        connection: Connection, tenant: int, mesh: str | None, number: int, but: int) -> bool:
    """Whether another group has this number in the mesh."""
    row = await (await connection.execute(
        "select exists (select from command_group where tenant_id = %s and mesh = %s"
        " and number = %s and group_id <> %s)", [tenant, mesh, number, but])).fetchone()
    return row is not None and bool(row[0])
