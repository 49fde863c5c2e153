"""Assignments that may share a roll, and rolls, in the database."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.commands import states
from wum_cloud.database import Connection
from wum_shared import orders

_SILENT_AFTER = 3            # As health/mesh/picture.py: reports that are missing.
_LOCK = 0x57554D0D

# Nothing was signed for these yet. A station is in a mesh as long as it reports; one that has an
# uplink of its own is told by that.
_DUE = """
    with wanted as materialized (
        select c.command_id, c.tenant_id, x.device_id, x.mesh, c.arguments, c.begins_at,
               c.expires_at, s.network
          from command c join concentrator x using (concentrator_id)
          join mesh_station s using (concentrator_id)
         where c.kind = %(update)s and c.state = %(approved)s and c.sent = 0 and c.signed = 0
           and substring(c.arguments for 3) = %(assign)s
           and c.due_at <= now() and c.begins_at <= now() and c.expires_at > now()
           and x.revoked_at is null and not s.is_gateway
           and s.arrived_at > now() - make_interval(secs => %(silent)s * s.every_s + 30)
           and pg_try_advisory_xact_lock(%(lock)s)
         order by c.command_id limit %(limit)s for no key update of c skip locked),
    served as materialized (
        select y.tenant_id, y.mesh, o.network, count(*) as stations
          from mesh_station o join concentrator y using (concentrator_id)
         where o.network in (select network from wanted)
           and o.arrived_at > now() - make_interval(secs => %(silent)s * o.every_s + 30)
         group by 1, 2, 3 having bool_or(o.is_gateway))
    select w.command_id, w.tenant_id, w.device_id, w.arguments, w.begins_at, w.expires_at,
           w.network, g.stations, clock_timestamp() as now
      from wanted w join served g on (g.tenant_id, g.mesh, g.network)
                                   = (w.tenant_id, w.mesh, w.network)
     order by w.command_id"""

_KEEP = """
    with kept as (
        insert into command_order (digest, command_id, sequence, signed, to_group)
        select %(digest)s, c.command_id, %(sequence)s, %(signed)s, true
          from unnest(%(commands)s::bigint[]) as c (command_id))
    update command set order_id = int8send(%(sequence)s), is_numbered = true, signed = 1, sent = 1,
           state = %(sent)s, is_again = true, due_at = now() + make_interval(secs => %(wait)s)
     where command_id = any(%(commands)s)"""


@dataclass(frozen=True, slots=True)
class Alone:
    """An assignment that nobody has been told of, locked. `stations`: of its network, that report.
    """

    command_id: int
    tenant_id: int
    device_id: bytes
    arguments: bytes
    begins_at: datetime
    expires_at: datetime
    network: int
    stations: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """A roll and the order that names it, for these commands."""

    tenant_id: int
    network: int
    digest: bytes
    body: bytes
    order_digest: bytes
    sequence: int
    signed: bytes
    commands: list[int]
    until: datetime


async def due(connection: Connection, limit: int) -> list[Alone]:
    """Assignments of stations without an uplink that are to be sent for the first time."""
    async with connection.cursor(row_factory=class_row(Alone)) as cursor:
        await cursor.execute(_DUE.encode(), {
            "silent": _SILENT_AFTER, "update": orders.UPDATE, "approved": states.APPROVED,
            "assign": b"\x87\x00\x01", "lock": _LOCK, "limit": limit})
        return await cursor.fetchall()


async def hashes_of(connection: Connection, tenant: int, envelope: bytes) -> bytes:
    """The hashes of the pieces of the release with this envelope; none where there is none such."""
    row = await (await connection.execute(
        "select chunk_index from release where tenant_id = %s and envelope = %s",
        [tenant, envelope])).fetchone()
    return b"" if row is None else bytes(row[0])


async def keep(connection: Connection, made: Made, wait_s: int) -> None:
    """Keep a roll, have its notice flooded, and look at its commands again in `wait_s` seconds:
    what is still unanswered then is signed for each alone.
    """
    await connection.execute(
        "insert into update_roll (tenant_id, digest, network, sequence, members, body)"
        " values (%s, %s, %s, %s, %s, %s)",
        [made.tenant_id, made.digest, made.network, made.sequence, len(made.commands), made.body])
    await connection.execute(_KEEP.encode(), {
        "digest": made.order_digest, "sequence": made.sequence, "signed": made.signed,
        "commands": made.commands, "sent": states.SENT, "wait": wait_s})
    await connection.execute(
        "insert into ripple (tenant_id, network, until, payload, expected, ordered_by)"
        " values (%s, %s, %s, %s, '{}', 'command')",
        [made.tenant_id, made.network, made.until, made.signed])

