"""Groups and their orders in the database, as one is signed for all."""

from dataclasses import dataclass
from datetime import datetime

from wum_cloud.commands.sending.store import Due
from wum_cloud.database import Connection
from wum_shared.cose import KEY_ID_SIZE
from wum_shared.ids import CONCENTRATOR_SIZE

_SILENT_AFTER = 3            # As health/mesh/picture.py: reports that are missing.


@dataclass(frozen=True, slots=True)
class Group:
    """A group that stations of one network are in, as it is now. `network` None: none is."""

    group_id: int
    version: int
    sealed_key: bytes | None
    number: int | None
    network: int | None


@dataclass(frozen=True, slots=True)
class Flood:
    """What a gateway is to flood: when it is carried out, until when it may be flooded."""

    group_id: int
    network: int
    moment: datetime
    until: datetime
    payload: bytes


async def group_of(connection: Connection, to_group: bytes) -> Group | None:
    """The group of a reference, locked; None for one that is no more, or of another version."""
    row = await (await connection.execute(
        "select g.group_id, g.version, g.sealed_key, g.number, case when cardinality(n.found) = 1"
        "       then n.found[1] end"
        "  from command_group g, lateral (select array_agg(distinct s.network) as found"
        "   from mesh_station s join concentrator c using (concentrator_id)"
        "  where c.tenant_id = g.tenant_id and c.mesh = g.mesh and g.number = any(s.groups)"
        "    and s.arrived_at > now() - make_interval(secs => %s * s.every_s + 30)) as n"
        " where g.address = %s for no key update of g",
        [_SILENT_AFTER, to_group[:CONCENTRATOR_SIZE]])).fetchone()
    if row is None or row[1] != int.from_bytes(to_group[CONCENTRATOR_SIZE:KEY_ID_SIZE], "big"):
        return None
    return Group(*row)


async def signed_before(connection: Connection, due: Due) -> tuple[int, bytes] | None:
    """(number, signed order to the group) of another member's command of the act."""
    row = await (await connection.execute(
        "select o.sequence, o.signed from command c join command_order o using (command_id)"
        " where c.order_id = %s and o.to_group order by o.sequence limit 1",
        [due.order_id])).fetchone()
    return None if row is None else (int(row[0]), bytes(row[1]))


async def add(connection: Connection, flood: Flood) -> None:
    """Have a gateway of the network flood it; every station that is in the group is expected."""
    await connection.execute(
        "insert into ripple (tenant_id, network, group_number, execute_at, until, payload,"
        " expected, ordered_by)"
        " select g.tenant_id, %(network)s, g.number, %(moment)s, %(until)s, %(payload)s, array("
        "   select s.address from mesh_station s join concentrator c using (concentrator_id)"
        "    where c.tenant_id = g.tenant_id and s.network = %(network)s"
        "      and g.number = any(s.groups) order by 1), 'command'"
        "   from command_group g where g.group_id = %(group)s",
        {"network": flood.network, "moment": flood.moment, "until": flood.until,
         "payload": flood.payload, "group": flood.group_id})


async def is_flooded(connection: Connection, due: Due, group: Group) -> bool:
    """Whether this member hears floods: a station of the mesh that is in the group there."""
    row = await (await connection.execute(
        "select exists (select from mesh_station where concentrator_id = %s and network = %s"
        " and %s = any(groups))",
        [due.concentrator_id, group.network, group.number])).fetchone()
    return row is not None and bool(row[0])
