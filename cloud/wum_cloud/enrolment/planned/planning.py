"""Planning a concentrator: a name and a site today, a box some day; a claim joins them.

Left out: what is planned at it, which the registry's other acts say of it as of any concentrator.
"""

import secrets

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.enrolment.planned import store
from wum_cloud.registry import store as registry
from wum_cloud.registry.cipher import SodiumSigner
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites import store as sites
from wum_shared.ids import concentrator_id

NAME_MAX = 64


class PlanningRefused(Exception):
    """A plan is not taken: a sentence that says why."""


async def plan(
        connection: Connection, reach: Reach, actor: Actor, name: str, site: str | None) -> bytes:
    """Plan a concentrator; the id that it has until it is claimed. Raises PlanningRefused."""
    if not (0 < len(name) <= NAME_MAX and name.isprintable()):
        raise PlanningRefused("A concentrator's name has 1..%d printable characters." % NAME_MAX)
    if await registry.name_is_taken(connection, reach.tenant_id, name, b""):
        raise PlanningRefused("Another concentrator is called %s already." % name)
    number = None
    if site is not None:
        number = await sites.site_named(connection, reach, site)
        if number is None:
            raise PlanningRefused("There is no site %s." % site)
    elif reach.site_id is not None:
        raise PlanningRefused("Say at which site: you see a branch of the sites only, and would "
                              "not see it again.")
    identity_key = SodiumSigner.public(secrets.token_bytes(32))      # The seed is kept nowhere.
    device_id = concentrator_id(identity_key)
    await store.add(connection, tenant=reach.tenant_id, device_id=device_id,
                    identity_key=identity_key, name=name, site=number, planned_by=actor.name)
    await note(connection, actor, acts.CONCENTRATOR_PLANNED, name, site=site or "",
               concentrator=device_id.hex())
    return device_id


async def forget(
        connection: Connection, reach: Reach, actor: Actor, device_id: bytes) -> bool:
    """Forget a plan; False where there is none such in reach. Raises PlanningRefused."""
    found = await store.listed(connection, reach, most=1, device_id=device_id)
    if not found:
        return False
    one = found[0]
    if one.is_claimed:
        raise PlanningRefused("A claim waits for %s: take that back first." % one.name)
    if await store.has_meters(connection, one.concentrator_id):
        raise PlanningRefused("Meters are planned at %s: move them to another concentrator first."
                              % one.name)
    await store.drop(connection, one, reach.tenant_id)
    await note(connection, actor, acts.PLAN_FORGOTTEN, one.name, concentrator=device_id.hex())
    return True
