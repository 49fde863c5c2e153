"""`wum-cloud site NAME --under PARENT`."""

from wum_cloud.audit.acts import at_the_machine
from wum_cloud.database import connect
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites import store
from wum_cloud.registry.sites.tree import SiteRefused, move_site


async def move(database_url: str, tenant: str, name: str, under: str | None) -> int:
    """Put the site there; return the exit code. Raises SiteRefused."""
    async with await connect(database_url) as connection:
        number = await store.tenant_named(connection, tenant)
        if number is None:
            raise SiteRefused("There is no tenant called %s." % tenant)
        await move_site(connection, Reach(number), at_the_machine(number), name, under)
    print("%s lies %s now." % (name, "in " + under if under else "at the top"))
    return 0
