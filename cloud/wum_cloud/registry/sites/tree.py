"""Putting a site under another one. A ring is refused: every branch has an end."""

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites import store


class SiteRefused(Exception):
    """A site cannot be moved like that: a sentence that says why."""


async def move_site(
        connection: Connection, reach: Reach, actor: Actor, name: str, under: str | None) -> None:
    """Put the site `name` under the site `under`, or at the top. Raises SiteRefused."""
    await store.lock_tree(connection, reach.tenant_id)
    site = await _known(connection, reach, name)
    parent = None if under is None else await _known(connection, reach, under)
    if parent is None and reach.site_id is not None:
        raise SiteRefused("Only who sees the whole tenant puts a site at the top.")
    if site == reach.site_id:
        raise SiteRefused("Nobody moves the root of the own branch.")
    if under is not None and await store.site_named(
            connection, Reach(reach.tenant_id, site), under) is not None:
        raise SiteRefused("%s lies in %s, or is the same: it cannot hold it." % (under, name))
    before = await store.move(connection, site, parent)
    await note(connection, actor, acts.SITE_MOVED, name, before=before or "", under=under or "")


async def _known(connection: Connection, reach: Reach, name: str) -> int:
    found = await store.site_named(connection, reach, name)
    if found is None:
        raise SiteRefused("There is no site %s." % name)
    return found
