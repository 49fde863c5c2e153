"""The twin's questions to the database. Every one is about a single tenant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import args_row, class_row
from psycopg.types.json import Jsonb

from wum_cloud.configuration.composing import Bus, Meter, Parts, Set, Wanted
from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within


@dataclass(frozen=True, slots=True)
class Place:
    """A concentrator that can be configured."""

    concentrator_id: int
    device_id: bytes
    name: str
    mesh: str | None
    group: str | None
    is_planned: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """One configuration that was sent, and what became of it (a state of commands/states.py)."""

    number: int
    parts: Parts
    digest: bytes
    made_by: str
    made_at: datetime
    reason: str
    state: str
    told: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Group:
    """A group, with its settings and how many concentrators it has."""

    name: str
    settings: dict[str, Any]
    version: int
    changed_by: str
    changed_at: datetime
    members: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member of a group stands: what is in force, what was sent last and what became of it.

    Versions of a group are those of its settings; None: that configuration was of another group,
    or of none.
    """

    device_id: bytes
    name: str
    in_force: int | None
    in_force_version: int | None
    newest: int | None
    newest_version: int | None
    state: str | None
    told: str | None


_PLACES = """
    select c.concentrator_id, c.device_id, c.name, c.mesh, c.configuration_group as "group",
           c.planned_at is not null as is_planned
      from concentrator c where c.tenant_id = %(tenant)s and c.revoked_at is null"""
_VERSIONS = """
    select v.number, v.parts, v.digest, v.made_by, v.made_at, v.reason, c.state, c.told, c.ended_at
      from configuration_version v join command c using (command_id)
     where v.concentrator_id = %(number)s"""


async def place(connection: Connection, reach: Reach, device_id: bytes) -> Place | None:
    """The concentrator with this id; None where there is none in reach."""
    async with connection.cursor(row_factory=class_row(Place)) as cursor:
        await cursor.execute(
            (_PLACES + within(reach, "c.site_id") + " and c.device_id = %(device)s").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "device": device_id})
        return await cursor.fetchone()


async def members(connection: Connection, reach: Reach, group: str, most: int) -> list[Place]:
    """Up to `most` concentrators of a group, by name."""
    async with connection.cursor(row_factory=class_row(Place)) as cursor:
        await cursor.execute(
            (_PLACES + within(reach, "c.site_id")
             + " and c.configuration_group = %(group)s order by c.name limit %(most)s").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "group": group, "most": most})
        return await cursor.fetchall()


async def lock(connection: Connection, concentrator_id: int) -> None:
    """Nobody else configures this concentrator until the transaction ends."""
    await connection.execute(
        "select from concentrator where concentrator_id = %s for no key update",
        [concentrator_id])


async def wanted(connection: Connection, tenant: int, one: Place) -> Wanted:
    """What registry and settings say of a concentrator."""
    async with connection.cursor(row_factory=args_row(Bus)) as cursor:
        await cursor.execute(
            "select name, port, baud, parity, stop_bits, data_bits from bus"
            " where concentrator_id = %s order by name", [one.concentrator_id])
        buses = await cursor.fetchall()
    async with connection.cursor(row_factory=args_row(Meter)) as meters_cursor:
        await meters_cursor.execute(
            "select m.serial, d.name, m.model, b.name, m.address, s.name, s.period_s, s.offset_s"
            "  from meter m join delivery_point d using (delivery_point_id)"
            "  left join bus b using (bus_id) left join schedule s using (schedule_id)"
            " where m.concentrator_id = %s and m.archived_at is null order by m.serial",
            [one.concentrator_id])
        meters = await meters_cursor.fetchall()
    names = [one.group or "", one.device_id.hex(), [m.serial for m in meters]]
    rows = await (await connection.execute(
        "select scope, name, settings from configuration_setting where tenant_id = %s"
        " and (scope = 'group' and name = %s or scope = 'concentrator' and name = %s"
        "   or scope = 'meter' and name = any(%s))", [tenant, *names])).fetchall()
    found = {(scope, name): settings for scope, name, settings in rows}
    return Wanted(
        buses, meters, one.mesh, await _sets(connection, one.concentrator_id),
        found.get(("group", one.group or ""), {}),
        found.get(("concentrator", one.device_id.hex()), {}),
        {name: settings for (scope, name), settings in found.items() if scope == "meter"})


async def _sets(connection: Connection, concentrator_id: int) -> dict[str, list[Set]]:
    """The parts of the schedules of a concentrator's meters, by schedule."""
    rows = await (await connection.execute(
        "select s.name, p.name, p.registers, p.period_s, p.offset_s"
        "  from schedule s join schedule_part x using (schedule_id)"
        "  join schedule p on p.schedule_id = x.part_id"
        " where s.schedule_id in (select schedule_id from meter"
        "   where concentrator_id = %s and archived_at is null)"
        " order by s.name, x.place", [concentrator_id])).fetchall()
    found: dict[str, list[Set]] = {}
    for schedule, *part in rows:
        found.setdefault(schedule, []).append(Set(*part))
    return found


async def first_command(connection: Connection, concentrator_id: int) -> int | None:
    """The command of the only configuration that a concentrator was ever sent; None: there is none,
    or there are more.
    """
    row = await (await connection.execute(
        "select min(command_id) from configuration_version where concentrator_id = %s"
        " having count(*) = 1", [concentrator_id])).fetchone()
    return None if row is None or row[0] is None else int(row[0])


async def versions(connection: Connection, concentrator_id: int, most: int) -> list[Version]:
    """Up to `most` that were sent, the newest first."""
    async with connection.cursor(row_factory=class_row(Version)) as cursor:
        await cursor.execute(
            (_VERSIONS + " order by v.number desc limit %(most)s").encode(),
            {"number": concentrator_id, "most": most})
        return await cursor.fetchall()


async def in_force(connection: Connection, concentrator_id: int) -> Version | None:
    """The newest that the concentrator said it has taken; None: its own file alone."""
    async with connection.cursor(row_factory=class_row(Version)) as cursor:
        await cursor.execute(
            (_VERSIONS + " and c.state = 'done' order by v.number desc limit 1").encode(),
            {"number": concentrator_id})
        return await cursor.fetchone()


async def next_number(connection: Connection, concentrator_id: int) -> int:
    """The number of the next version."""
    row = await (await connection.execute(
        "select coalesce(max(number), 0) + 1 from configuration_version"
        " where concentrator_id = %s", [concentrator_id])).fetchone()
    assert row is not None
    return int(row[0])


async def add(
        connection: Connection, concentrator_id: int, *, number: int, parts: Parts, digest: bytes,
        made_by: str, reason: str, command_id: int) -> None:
    """Keep a version that is sent, with that of its group's settings as they are now."""
    await connection.execute(
        "insert into configuration_version (concentrator_id, number, parts, digest, made_by,"
        " reason, command_id, group_name, group_version)"
        " select c.concentrator_id, %s, %s, %s, %s, %s, %s, s.name, s.version"
        "   from concentrator c left join configuration_setting s on s.tenant_id = c.tenant_id"
        "    and s.scope = 'group' and s.name = c.configuration_group"
        "  where c.concentrator_id = %s",
        [number, Jsonb(parts), digest, made_by, reason, command_id, concentrator_id])


async def setting(
        connection: Connection, tenant: int, scope: str, name: str) -> dict[str, Any]:
    """What somebody has said of one; empty: nothing."""
    row = await (await connection.execute(
        "select settings from configuration_setting"
        " where tenant_id = %s and scope = %s and name = %s", [tenant, scope, name])).fetchone()
    return {} if row is None else dict(row[0])


async def say(
        connection: Connection, tenant: int, scope: str, name: str, settings: dict[str, Any],
        by: str) -> None:
    """Keep settings; their version rises."""
    await connection.execute(
        "insert into configuration_setting as s (tenant_id, scope, name, settings, changed_by)"
        " values (%s, %s, %s, %s, %s) on conflict (tenant_id, scope, name) do update set"
        " settings = excluded.settings, version = s.version + 1,"
        " changed_by = excluded.changed_by, changed_at = now()",
        [tenant, scope, name, Jsonb(settings), by])


async def groups(connection: Connection, tenant: int) -> list[Group]:
    """The groups there are, by name."""
    async with connection.cursor(row_factory=class_row(Group)) as cursor:
        await cursor.execute(
            "select s.name, s.settings, s.version, s.changed_by, s.changed_at,"
            "       (select count(*) from concentrator c where c.tenant_id = s.tenant_id"
            "           and c.configuration_group = s.name and c.revoked_at is null) as members"
            "  from configuration_setting s where s.tenant_id = %s and s.scope = 'group'"
            " order by s.name", [tenant])
        return await cursor.fetchall()


async def standings(
        connection: Connection, reach: Reach, group: str, most: int) -> list[Standing]:
    """Up to `most` members of a group, by name."""
    of_this = "case when v.group_name = c.configuration_group then v.group_version end"
    async with connection.cursor(row_factory=class_row(Standing)) as cursor:
        await cursor.execute(("""
            select c.device_id, c.name, f.number as in_force, f.version as in_force_version,
                   n.number as newest, n.version as newest_version, n.state, n.told
              from concentrator c
              left join lateral (
                   select v.number, """ + of_this + """ as version
                     from configuration_version v join command k using (command_id)
                    where v.concentrator_id = c.concentrator_id and k.state = 'done'
                    order by v.number desc limit 1) f on true
              left join lateral (
                   select v.number, """ + of_this + """ as version, k.state, k.told
                     from configuration_version v join command k using (command_id)
                    where v.concentrator_id = c.concentrator_id
                    order by v.number desc limit 1) n on true
             where c.tenant_id = %(tenant)s and c.revoked_at is null
               and c.configuration_group = %(group)s""" + within(reach, "c.site_id") + """
             order by c.name limit %(most)s""").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "group": group, "most": most})
        return await cursor.fetchall()


async def join_group(connection: Connection, concentrator_id: int, group: str | None) -> None:
    """Which group's settings a concentrator has."""
    await connection.execute(
        "update concentrator set configuration_group = %s where concentrator_id = %s",
        [group, concentrator_id])


async def meter_is_there(connection: Connection, reach: Reach, serial: str) -> bool:
    """Whether a meter of this serial is in reach."""
    row = await (await connection.execute(
        ("select from meter m join concentrator c using (concentrator_id)"
         " where m.tenant_id = %(tenant)s and m.serial = %(serial)s"
         + within(reach, "c.site_id")).encode(),
        {"tenant": reach.tenant_id, "branch": reach.site_id, "serial": serial})).fetchone()
    return row is not None
