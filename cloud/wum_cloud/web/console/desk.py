"""What several pages need: the clocks they show, and where a list of meters stands."""

from wum_cloud.database import Connection
from wum_cloud.registry.listing import store


async def zone_of(connection: Connection, tenant: int) -> str:
    """The zone of lists over several sites: theirs where they share one, else UTC."""
    zones = await store.time_zones(connection, tenant)
    return zones[0] if len(zones) == 1 else "UTC"
