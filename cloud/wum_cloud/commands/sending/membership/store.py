"""Which concentrators are to be told of their groups, and what they were told."""

from dataclasses import dataclass

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_shared import orders
from wum_shared.orders import WINDOW_MAX_S

_DUE = """
    select x.concentrator_id, x.device_id, x.tenant_id, t.name as tenant, e.epoch, e.sealed_keys
      from command_group_notice n join concentrator x on x.concentrator_id = n.concentrator_id
      join tenant t on t.tenant_id = x.tenant_id left join command k on k.command_id = n.command_id
      join lateral (select epoch, sealed_keys from concentrator_epoch e
                     where e.concentrator_id = x.concentrator_id
                     order by e.epoch = n.epoch desc nulls last, e.epoch desc limit 1
     ) as e on true
     where x.revoked_at is null and (
           n.due_at <= now()
           or n.due_at is null and k.state in ('expired', 'withdrawn', 'unknown'))
     order by n.due_at, n.concentrator_id limit %s for update of n skip locked"""

_GROUPS = """
    select g.group_id, g.address, g.version, g.number, g.sealed_key,
           array_agg(m.serial order by m.serial) as serials
      from command_group g join command_group_meter y using (group_id) join meter m using (meter_id)
     where m.concentrator_id = %s group by g.group_id order by g.group_id"""

_ORDER = """
    insert into command (tenant_id, concentrator_id, request_id, order_id, kind, arguments, shown,
        reason, state, requested_by, needs_approval, begins_at, expires_at, due_at)
    values (%s, %s, nextval('command_request'), %s, %s, %s, %s, 'groups of meters were changed',
        'approved', 'the head-end', false, now(), now() + make_interval(secs => %s), now())
    returning command_id"""


@dataclass(frozen=True, slots=True)
class Told:
    """A concentrator that is to be told."""

    concentrator_id: int
    device_id: bytes
    tenant_id: int
    tenant: str
    epoch: int
    sealed_keys: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """Its meters of one group."""

    group_id: int
    address: bytes
    version: int
    number: int | None
    sealed_key: bytes | None
    serials: list[str]


async def due(connection: Connection, limit: int) -> list[Told]:
    """Who is to be told now, locked."""
    async with connection.cursor(row_factory=class_row(Told)) as cursor:
        await cursor.execute(_DUE.encode(), [limit])
        return await cursor.fetchall()


async def parts(connection: Connection, concentrator_id: int) -> list[Part]:
    """The groups that its meters are in."""
    async with connection.cursor(row_factory=class_row(Part)) as cursor:
        await cursor.execute(_GROUPS.encode(), [concentrator_id])
        return await cursor.fetchall()


async def keep_key(connection: Connection, part: Part, sealed: bytes) -> bytes | None:
    """The sealed key of the group in this version: `sealed`, or what somebody else made before."""
    row = await (await connection.execute(
        "update command_group set sealed_key = coalesce(sealed_key, %s) where group_id = %s"
        " and version = %s returning sealed_key", [sealed, part.group_id, part.version])).fetchone()
    return None if row is None else bytes(row[0])


async def order(connection: Connection, told: Told, act: bytes, arguments: bytes,
                shown: str) -> int:
    """The command that tells; its number."""
    row = await (await connection.execute(_ORDER.encode(), [
        told.tenant_id, told.concentrator_id, act, orders.GROUP, arguments, shown,
        WINDOW_MAX_S])).fetchone()
    assert row is not None
    return int(row[0])


async def keep_told(connection: Connection, told: Told, command: int | None,
                    found: list[Part]) -> None:
    """Who was told, by which command, which versions; what it was told before does not count."""
    await connection.execute(
        "update command_group_notice set due_at = null, epoch = null, command_id = %s"
        " where concentrator_id = %s", [command, told.concentrator_id])
    await connection.execute(
        "delete from command_group_member where concentrator_id = %s", [told.concentrator_id])
    for part in found if command is not None else []:
        await connection.execute(
            "insert into command_group_member (group_id, concentrator_id, version, command_id)"
            " values (%s, %s, %s, %s)",
            [part.group_id, told.concentrator_id, part.version, command])


async def confirm(connection: Connection, command_id: int) -> None:
    """What this command told is known."""
    await connection.execute(
        "update command_group_member set is_confirmed = true where command_id = %s", [command_id])


async def tell_again(
        connection: Connection, command_id: int, after_s: int, epoch: int | None) -> None:
    """What this command told is not known; it is told once more, unless it is to be anyway: with
    keys of this epoch, or of the newest."""
    await connection.execute(
        "update command_group_notice set due_at = now() + make_interval(secs => %s), epoch = %s"
        " where command_id = %s and due_at is null", [after_s, epoch, command_id])
