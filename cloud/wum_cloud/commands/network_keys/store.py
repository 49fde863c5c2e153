"""Keys of meshes' networks in the database, as people make them and see who has them."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class NewestKey:
    """The newest key of a mesh; `ending_at`: since then the keys before it are not good any more.
    """

    network_key_id: int
    mesh: str
    network: int
    epoch: int
    sealed_key: bytes | None
    begun_at: datetime
    begun_by: str
    ending_at: datetime | None
    ended_by: str | None

    def __repr__(self) -> str:
        return "NewestKey(%s, epoch %d)" % (self.mesh, self.epoch)


@dataclass(frozen=True, slots=True)
class KeyStation:
    """A station that is to have it, and what became of the order that told it last."""

    device_id: bytes
    name: str
    carries: bool
    has_it_at: datetime | None
    is_only_at: datetime | None
    state: str | None
    told: str | None
    sent: int | None


_STATIONS = """
    select c.device_id, c.name, c.carries, s.has_it_at, s.is_only_at, k.state, k.told, k.sent
      from network_key_station s join concentrator c using (concentrator_id)
      left join command k using (command_id)
     where s.network_key_id = %s and c.revoked_at is null order by c.name, c.device_id"""

# Of a mesh that one is told of anew: who is in it and was not told yet.
_JOIN = """
    insert into network_key_station (network_key_id, concentrator_id, due_at)
    select n.network_key_id, c.concentrator_id, now()
      from network_key n join concentrator c on (c.tenant_id, c.mesh) = (n.tenant_id, n.mesh)
     where n.ending_at is null and c.revoked_at is null and c.planned_at is null
       and not exists (select from network_key_station s where (s.network_key_id,
           s.concentrator_id) = (n.network_key_id, c.concentrator_id))
        on conflict do nothing"""


_REVOKED = """
    select c.name from concentrator c
      left join network_key_station s on (s.network_key_id, s.concentrator_id)
                                       = (%(key)s, c.concentrator_id)
     where c.tenant_id = %(tenant)s and c.mesh = %(mesh)s and c.revoked_at is not null
       and (%(key)s::integer is null or s.command_id is not null)
     order by c.revoked_at desc, c.name limit 20"""


async def newest(connection: Connection, tenant: int, mesh: str, *,
                 locks: bool = False) -> NewestKey | None:
    """The newest key of this mesh that was made here."""
    async with connection.cursor(row_factory=class_row(NewestKey)) as cursor:
        await cursor.execute((
            "select network_key_id, mesh, network, epoch, sealed_key, begun_at, begun_by,"
            " ending_at, ended_by from network_key where tenant_id = %s and mesh = %s"
            " order by epoch desc limit 1" + (" for update" if locks else "")).encode(),
            [tenant, mesh])
        return await cursor.fetchone()


async def meshes(connection: Connection, tenant: int) -> list[str]:
    """What the tenant's meshes are called."""
    rows = await (await connection.execute(
        "select distinct mesh from concentrator where tenant_id = %s and mesh is not null"
        " and revoked_at is null order by 1", [tenant])).fetchall()
    return [row[0] for row in rows]


async def revoked(connection: Connection, tenant: int, mesh: str,
                  network_key_id: int | None) -> list[str]:
    """Names of revoked concentrators that have, or were sent, the newest key of a mesh: this one,
    or the workbench's where there is none of ours. Those of before are out when it is alone.
    """
    rows = await (await connection.execute(_REVOKED.encode(), {
        "tenant": tenant, "mesh": mesh, "key": network_key_id})).fetchall()
    return [row[0] for row in rows]


async def networks(connection: Connection, tenant: int, mesh: str) -> list[int]:
    """The networks that stations of the mesh have reported to be in; locks the tenant."""
    await connection.execute("select from tenant where tenant_id = %s for no key update", [tenant])
    rows = await (await connection.execute(
        "select distinct m.network from mesh_station m join concentrator c using (concentrator_id)"
        " where c.tenant_id = %s and c.mesh = %s and c.revoked_at is null order by 1",
        [tenant, mesh])).fetchall()
    return [row[0] for row in rows]


async def make(connection: Connection, tenant: int, mesh: str, network: int, epoch: int,
               sealed: bytes, by: str) -> int:
    """A new key, and nothing left of those before it; how many stations are to have it."""
    await connection.execute(
        "update network_key set sealed_key = null where tenant_id = %s and mesh = %s",
        [tenant, mesh])
    await connection.execute(
        "insert into network_key (tenant_id, mesh, network, epoch, sealed_key, begun_by)"
        " values (%s, %s, %s, %s, %s, %s)", [tenant, mesh, network, epoch, sealed, by])
    return await join(connection)


async def join(connection: Connection) -> int:
    """Stations that came into a mesh while its key changes are to have it too; how many."""
    return (await connection.execute(_JOIN.encode())).rowcount


async def stations(connection: Connection, network_key_id: int) -> list[KeyStation]:
    """Who is to have it."""
    async with connection.cursor(row_factory=class_row(KeyStation)) as cursor:
        await cursor.execute(_STATIONS.encode(), [network_key_id])
        return await cursor.fetchall()


async def end(connection: Connection, network_key_id: int, by: str) -> None:
    """From now on it is the only one; all are to be told so."""
    await connection.execute(
        "update network_key set ending_at = now(), ended_by = %s where network_key_id = %s",
        [by, network_key_id])
    await connection.execute(
        "update network_key_station set due_at = now(), epoch = null where network_key_id = %s",
        [network_key_id])
