"""`wum-cloud network-key`: change the key of a mesh's network, and see who has it."""

import argparse
from pathlib import Path

from wum_cloud.audit import acts
from wum_cloud.audit.acts import at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.network_keys import managing, store
from wum_cloud.commands.network_keys.managing import Standing
from wum_cloud.database import Connection, connect
from wum_cloud.registry.keys import Vault, open_vault, write_secret
from wum_cloud.registry.sites.store import tenant_named
from wum_cloud.settings import Settings, required


async def network_key(settings: Settings, wanted: argparse.Namespace) -> int:
    """The command; its exit code. Raises CommandRefused."""
    vault = open_vault(required(
        settings.key_file, "WUM_KEY_FILE", "the key file that `wum-cloud migrate` makes"))
    async with await connect(settings.database_url) as connection:
        tenant = await tenant_named(connection, wanted.tenant)
        if tenant is None:
            raise CommandRefused("There is no tenant called %s." % wanted.tenant)
        actor, mesh = at_the_machine(tenant), str(wanted.mesh)
        if wanted.act == "export":
            return await _export(connection, vault, tenant, mesh, wanted.file)
        if wanted.act == "begin":
            found = await managing.begin(connection, vault, actor, tenant, mesh)
        elif wanted.act == "finish":
            found = await managing.finish(connection, actor, tenant, mesh, anyway=wanted.anyway)
        else:
            found = await _newest(connection, tenant, mesh)
        revoked = (await managing.of_mesh(connection, tenant, mesh)).revoked
    print(said(found))
    if revoked:
        print("Revoked, and with this key all the same: %s." % ", ".join(revoked))
    return 1 if wanted.act == "show" and (
        found.lacking if found.key.ending_at is None else found.not_alone) else 0


def said(found: Standing) -> str:
    """How a change stands, for a person."""
    key, total = found.key, len(found.stations)
    lines = ["Mesh %s, network %04x: the key of epoch %d, begun %s UTC by %s%s." % (
        key.mesh, key.network, key.epoch, key.begun_at.strftime("%Y-%m-%d %H:%M"), key.begun_by,
        "" if key.ending_at is None else ", finished %s UTC by %s" % (
            key.ending_at.strftime("%Y-%m-%d %H:%M"), key.ended_by))]
    is_ending = key.ending_at is not None
    lines.append("%d of %d stations have it%s." % (
        total - len(found.lacking), total,
        ", %d of them and no other" % (total - len(found.not_alone)) if is_ending else ""))
    for one in found.stations:
        how = managing.sentence(one, is_ending=is_ending)
        if how:
            lines.append("  %s (%s) %s" % (one.name, one.device_id.hex(), how))
    if not is_ending:
        lines.append("Finish it with `wum-cloud network-key finish %s`%s." % (
            key.mesh, "" if not found.lacking else ", once everybody has it"))
    return "\n".join(lines)


async def _newest(connection: Connection, tenant: int, mesh: str) -> Standing:
    found = await managing.standing(connection, tenant, mesh)
    if found is None:
        raise CommandRefused("The head-end has made no key for a mesh called %s; there are: %s." % (
            mesh, ", ".join(await store.meshes(connection, tenant)) or "none"))
    return found


async def _export(connection: Connection, vault: Vault, tenant: int, mesh: str,
                  file: Path | None) -> int:
    if file is None:
        raise CommandRefused("Where to? wum-cloud network-key export %s FILE." % mesh)
    key = (await _newest(connection, tenant, mesh)).key
    assert key.sealed_key is not None        # The newest one's is kept.
    text = vault.open_text(managing.place(tenant, mesh, key.epoch), key.sealed_key)
    if not write_secret(file, 'network = %d\nepoch = %d\nkey = "%s"\n' % (
            key.network, key.epoch, text)):
        raise CommandRefused("%s is there already: choose another name." % file)
    await note(connection, at_the_machine(tenant), acts.NETWORK_KEY_EXPORTED, "mesh %s" % mesh,
               epoch=str(key.epoch))
    print("Wrote the key of epoch %d into %s. Take it to the workbench: wum-firmware mesh "
          "NETWORK.mesh --take %s. Then destroy this file: who has it can disturb the mesh." % (
              key.epoch, file, file.name))
    return 0
