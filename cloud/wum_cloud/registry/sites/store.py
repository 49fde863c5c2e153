"""The tree's questions to the database. Every one is about a single tenant."""

from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach

# For a query that binds %(branch)s: the sites of a branch, its root included. `union` ends even
# where the tree had a ring.
BRANCH = """(with recursive branch as (
        select site_id from site where site_id = %(branch)s
        union select x.site_id from site x join branch b on x.parent_site_id = b.site_id)
    select site_id from branch)"""


def within(reach: Reach, column: str) -> str:
    """A condition on a column with a site's number; empty where the whole tenant is in reach."""
    return "" if reach.site_id is None else " and %s in %s" % (column, BRANCH)


async def site_named(connection: Connection, reach: Reach, name: str) -> int | None:
    """Number of the site with this name; None where there is none in reach."""
    query = "select s.site_id from site s where s.tenant_id = %(tenant)s and s.name = %(name)s"
    row = await (await connection.execute(
        query + within(reach, "s.site_id"),
        {"tenant": reach.tenant_id, "branch": reach.site_id, "name": name})).fetchone()
    return None if row is None else int(row[0])


async def lock_tree(connection: Connection, tenant: int) -> None:
    """Let every other move within the tenant's tree wait until this transaction ends."""
    await connection.execute(
        "select from tenant where tenant_id = %s for no key update", [tenant])


async def tenant_named(connection: Connection, name: str) -> int | None:
    """Number of the tenant with this name."""
    row = await (await connection.execute(
        "select tenant_id from tenant where name = %s", [name])).fetchone()
    return None if row is None else int(row[0])


async def move(connection: Connection, site: int, parent: int | None) -> str | None:
    """Put the site under `parent`; the name of where it lay before."""
    row = await (await connection.execute(
        "select p.name from site s left join site p on p.site_id = s.parent_site_id"
        " where s.site_id = %s", [site])).fetchone()
    await connection.execute(
        "update site set parent_site_id = %s where site_id = %s", [parent, site])
    return None if row is None else row[0]
