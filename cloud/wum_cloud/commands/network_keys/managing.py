"""Changing the key of a mesh's network: what people do. In one transaction each.

    begin    a new key is made, sealed in the vault, and told to every station: it is good beside
             the one so far, and neighbours begin to use it as they hear each other do so
    finish   every station is told that it is the only one: who has not got it is out

Left out: SQL (store.py), telling stations (sending/network_keys), who may (web/rights.py).
"""

import secrets
import time
from dataclasses import dataclass

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.commands import store as commands
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.network_keys import store
from wum_cloud.commands.network_keys.store import KeyStation, NewestKey
from wum_cloud.database import Connection
from wum_cloud.registry.keys import Vault
from wum_shared.network_key import NETWORK_KEY_SIZE

NAMED_MAX = 5                # Stations that a refusal names.


@dataclass(frozen=True, slots=True)
class Standing:
    """A key, and who has it."""

    key: NewestKey
    stations: list[KeyStation]

    @property
    def lacking(self) -> list[KeyStation]:
        """Who has not said that it has the key."""
        return [one for one in self.stations if one.has_it_at is None]

    @property
    def not_alone(self) -> list[KeyStation]:
        """Who has not said that it is the only one."""
        return [one for one in self.stations if one.is_only_at is None]


@dataclass(frozen=True, slots=True)
class MeshKeys:
    """A mesh, its newest key, and revoked concentrators that have a key of it all the same."""

    mesh: str
    standing: Standing | None
    revoked: list[str]


async def begin(
        connection: Connection, vault: Vault, actor: Actor, tenant: int, mesh: str) -> Standing:
    """A new key for this mesh. Raises CommandRefused."""
    if not await commands.has_order_key(connection):
        raise CommandRefused("No trust document names a key for orders yet: run `wum-cloud trust "
                             "ROOT.KEY` once.")
    networks = await store.networks(connection, tenant, mesh)
    if len(networks) != 1:
        raise CommandRefused(
            "No station of a mesh called %s has reported yet: see the page Mesh, and `wum-cloud "
            "register --mesh`." % mesh if not networks else
            "Stations of %s report to be in several networks (%s)." % (
                mesh, ", ".join(["%04x" % one for one in networks])))
    before = await store.newest(connection, tenant, mesh, locks=True)
    if before is not None and before.ending_at is None:
        raise CommandRefused(
            "The key of %s is being changed already, to epoch %d: finish that first." % (
                mesh, before.epoch))
    # Minutes since 1970: more than a workbench ever counts, and than the one before.
    epoch = max(int(time.time()) // 60, 0 if before is None else before.epoch + 1)
    key = secrets.token_bytes(NETWORK_KEY_SIZE)
    count = await store.make(connection, tenant, mesh, networks[0], epoch, vault.seal_text(
        place(tenant, mesh, epoch), key.hex()), actor.name)
    await note(connection, actor, acts.NETWORK_KEY_BEGUN, "mesh %s" % mesh, epoch=str(epoch),
               stations=str(count))
    made = await standing(connection, tenant, mesh)
    assert made is not None
    return made


async def finish(
        connection: Connection, actor: Actor, tenant: int, mesh: str, *, anyway: bool) -> Standing:
    """The new key is the only one from now on. Raises CommandRefused while somebody lacks it,
    unless `anyway`.
    """
    await store.newest(connection, tenant, mesh, locks=True)
    found = await standing(connection, tenant, mesh)
    if found is None or found.key.ending_at is not None:
        raise CommandRefused("The key of %s is not being changed." % mesh)
    if found.lacking and not anyway:
        raise CommandRefused(
            "%d of %d stations have not got the key of epoch %d yet: %s. Who lacks it when the old "
            "one ends is out until somebody visits it, or it joins again with a key of its own." % (
                len(found.lacking), len(found.stations), found.key.epoch, named(found.lacking)))
    await store.end(connection, found.key.network_key_id, actor.name)
    await note(connection, actor, acts.NETWORK_KEY_FINISHED, "mesh %s" % mesh,
               epoch=str(found.key.epoch), without=named(found.lacking))
    made = await standing(connection, tenant, mesh)
    assert made is not None
    return made


async def standing(connection: Connection, tenant: int, mesh: str) -> Standing | None:
    """The newest key of a mesh and who has it; None where the head-end has made none."""
    key = await store.newest(connection, tenant, mesh)
    return None if key is None else Standing(
        key, await store.stations(connection, key.network_key_id))


async def of_mesh(connection: Connection, tenant: int, mesh: str) -> MeshKeys:
    """One mesh as people see it."""
    found = await standing(connection, tenant, mesh)
    return MeshKeys(mesh, found, await store.revoked(
        connection, tenant, mesh, None if found is None else found.key.network_key_id))


async def overview(connection: Connection, tenant: int) -> list[MeshKeys]:
    """Every mesh of a tenant, by name."""
    return [await of_mesh(connection, tenant, mesh)
            for mesh in await store.meshes(connection, tenant)]


def place(tenant: int, mesh: str, epoch: int) -> str:
    """What a sealed key is bound to."""
    return "network key %d %d %s" % (tenant, epoch, mesh)


def named(stations: list[KeyStation]) -> str:
    """Some of them, for a person."""
    more = len(stations) - NAMED_MAX
    return ", ".join([one.name for one in stations[:NAMED_MAX]]) + (
        " and %d more" % more if more > 0 else "")


def sentence(one: KeyStation, *, is_ending: bool) -> str:
    """How it stands with a station, for a person; empty when it is through."""
    if one.is_only_at is not None or (one.has_it_at is not None and not is_ending):
        return ""
    said = "has it, beside the old one" if one.has_it_at is not None else "has it not"
    if one.state is None or not one.sent:
        return said + "; nothing was sent yet"
    if one.state == "failed":
        return "%s; it says: %s" % (said, one.told)
    return "%s; told %s, no answer" % (said, "once" if one.sent == 1 else "%d times" % one.sent)
