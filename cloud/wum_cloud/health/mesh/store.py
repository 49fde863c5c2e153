"""The questions of page and API to the mesh reports of a tenant or a branch of its sites."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within

STATIONS_MAX = 2000          # A network has at most some hundred; a tenant a few networks.
LINKS_MAX = 20000


@dataclass(frozen=True, slots=True)
class Station:
    """A concentrator of a mesh, as its newest report has it. Addresses: 0 is nobody."""

    concentrator_id: int
    device_id: bytes
    name: str
    site: str | None
    mesh: str | None
    network: int
    address: int
    arrived_at: datetime
    is_gateway: bool
    gateway: int
    rank: int
    parent: int
    held: int
    used_permille: int
    every_s: int


@dataclass(frozen=True, slots=True)
class Link:
    """What one station says of a neighbour; `medium` 0 radio, 1 wire."""

    concentrator_id: int
    address: int
    medium: int
    quality: int
    margin_q4: int
    heard_at: datetime


async def stations(connection: Connection, reach: Reach) -> list[Station]:
    """All in reach that ever reported, by network and address."""
    async with connection.cursor(row_factory=class_row(Station)) as cursor:
        await cursor.execute(
            ("""
            select c.concentrator_id, c.device_id, c.name, s.name as site, c.mesh, m.network,
                   m.address, m.arrived_at, m.is_gateway, m.gateway, m.rank, m.parent, m.held,
                   m.used_permille, m.every_s
              from mesh_station m join concentrator c using (concentrator_id)
              left join site s using (site_id)
             where c.tenant_id = %(tenant)s""" + within(reach, "c.site_id") + """
             order by m.network, m.address, c.name limit %(limit)s""").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "limit": STATIONS_MAX})
        return await cursor.fetchall()


async def links(connection: Connection, reach: Reach) -> list[Link]:
    """What those stations hear, by station and neighbour."""
    async with connection.cursor(row_factory=class_row(Link)) as cursor:
        await cursor.execute(
            ("""
            select l.concentrator_id, l.address, l.medium, l.quality, l.margin_q4, l.heard_at
              from mesh_link l join concentrator c using (concentrator_id)
             where c.tenant_id = %(tenant)s""" + within(reach, "c.site_id") + """
             order by l.concentrator_id, l.address limit %(limit)s""").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "limit": LINKS_MAX})
        return await cursor.fetchall()
