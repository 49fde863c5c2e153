"""Making, changing and dropping groups: what people do. In one transaction each.

Who cannot see all meters of a group neither changes it nor orders it about. Left out: SQL
(store.py), telling concentrators (sending/memberships.py), who may (web/rights.py).
"""

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.commands import store as commands
from wum_cloud.commands.groups import store
from wum_cloud.commands.groups.store import Group, Member
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import site_named
from wum_shared.groups import MEMBERSHIPS_MAX, METERS_MAX
from wum_shared.ripple import GROUPS_MAX

GROUP_METERS_MAX = 1000      # As the targets of one request.
GROUPS_OF_TENANT_MAX = 256
NAME_MAX = 64
SERIALS_MAX = 14_000         # Of one order, beside the keys of its groups.


async def set_group(
        connection: Connection, reach: Reach, actor: Actor, name: str, serials: list[str],
        mesh: str | None = None, number: int | None = None) -> Group:
    """Make a group, or give it these meters and no others. Raises CommandRefused."""
    _checked(name, mesh, number)
    wanted = list(dict.fromkeys(serials))
    if not 1 <= len(wanted) <= GROUP_METERS_MAX:
        raise CommandRefused("A group has 1..%d meters." % GROUP_METERS_MAX)
    found = await commands.meters(connection, reach, wanted)
    known = {one.serial: one for one in found}
    missing = [serial for serial in wanted if serial not in known]
    if missing:
        raise CommandRefused("There is no meter %s behind a concentrator." % ", ".join(missing[:5]))
    kept = await store.locked(connection, reach.tenant_id, name)
    if kept is None:
        if await store.count(connection, reach.tenant_id) >= GROUPS_OF_TENANT_MAX:
            raise CommandRefused("There are %d groups already." % GROUPS_OF_TENANT_MAX)
        number_of = await store.make(connection, reach.tenant_id, name)
    else:
        number_of = kept[0]
        _in_reach(await store.members(connection, reach, number_of), name)
        if kept[1] == 0xFFFF:
            raise CommandRefused("Group %s was changed too often: make another one." % name)
    if number is not None and await store.is_taken(
            connection, reach.tenant_id, mesh, number, number_of):
        raise CommandRefused("Number %d of mesh %s is another group's." % (number, mesh))
    meters = [one.meter_id for one in found if one.meter_id is not None]
    await store.change(connection, number_of, mesh, number, meters)
    most, groups, length = await store.most_of_one(connection, meters)
    if most > METERS_MAX or groups > MEMBERSHIPS_MAX:
        raise CommandRefused("One concentrator has at most %d meters in a group, and is in at most "
                             "%d groups." % (METERS_MAX, MEMBERSHIPS_MAX))
    if length > SERIALS_MAX:
        raise CommandRefused("The serials of all groups of one concentrator take at most %d bytes."
                             % SERIALS_MAX)
    await note(connection, actor, acts.COMMAND_GROUP_SET, name, meters=str(len(meters)),
               mesh=mesh or "", number="" if number is None else str(number))
    return (await store.groups(connection, reach.tenant_id, name))[0]


async def serials_below(connection: Connection, reach: Reach, branch: str) -> list[str]:
    """Meters of a branch of the tree of sites that a group of it would have, as it is now: those
    behind its concentrators, its root's included. Raises CommandRefused."""
    site = await site_named(connection, reach, branch)
    if site is None:
        raise CommandRefused("There is no site %s." % branch)
    found = await store.serials_below(
        connection, Reach(reach.tenant_id, site), GROUP_METERS_MAX + 1)
    if not found:
        raise CommandRefused("No concentrator of %s or below it has a meter." % branch)
    if len(found) > GROUP_METERS_MAX:
        raise CommandRefused("Branch %s has more than %d meters, as many as a group may have: "
                             "choose a branch below it." % (branch, GROUP_METERS_MAX))
    return found


async def drop_group(
        connection: Connection, reach: Reach, actor: Actor, name: str) -> bool:
    """Make a group none; whether there was one. Raises CommandRefused."""
    kept = await store.locked(connection, reach.tenant_id, name)
    if kept is None:
        return False
    _in_reach(await store.members(connection, reach, kept[0]), name)
    await store.drop(connection, kept[0])
    await note(connection, actor, acts.COMMAND_GROUP_DROPPED, name)
    return True


async def members_of(
        connection: Connection, reach: Reach, name: str) -> tuple[Group, list[Member]]:
    """A group and its meters, to be ordered about. Raises CommandRefused."""
    found = await store.groups(connection, reach.tenant_id, name)
    if not found:
        raise CommandRefused("There is no group %s." % name)
    members = await store.members(connection, reach, found[0].group_id)
    _in_reach(members, name)
    alone = [one.serial for one in members if one.device_id is None]
    if alone:
        raise CommandRefused("Meter %s of group %s is behind no concentrator." % (alone[0], name))
    if not members:
        raise CommandRefused("Group %s has no meters." % name)
    return found[0], members


def _in_reach(members: list[Member], name: str) -> None:
    if [one for one in members if not one.is_in_reach]:
        raise CommandRefused("Group %s reaches beyond the branch that you see." % name)


def _checked(name: str, mesh: str | None, number: int | None) -> None:
    if not (1 <= len(name) <= NAME_MAX and name.isprintable() and name == name.strip()
            and "/" not in name):
        raise CommandRefused("A group's name has 1..%d characters, no / among them." % NAME_MAX)
    if (mesh is None) != (number is None):
        raise CommandRefused("A group that is flooded names a mesh and a number in it.")
    if number is not None and not 0 <= number < GROUPS_MAX:
        raise CommandRefused("Groups of a mesh are 0 to %d." % (GROUPS_MAX - 1))
