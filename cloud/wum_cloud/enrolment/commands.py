"""`wum-cloud claim CODE` and `wum-cloud revoke ID`; and revoking as the API does it."""

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor, at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.database import Connection, connect
from wum_cloud.enrolment.claims import claiming, store
from wum_cloud.enrolment.claims.claiming import ClaimRefused, Wanted
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import tenant_named
from wum_shared.errors import Malformed
from wum_shared.ids import id_from_text


async def revoke_concentrator(
        connection: Connection, reach: Reach, actor: Actor, device_id: bytes) -> bool:
    """Take nothing of it any more; False where there is none such in reach.

    Ingest notices within half a minute, the broker within seconds where WUM_BROKER_FOLDER is set.
    """
    if not await store.revoke(connection, reach, device_id):
        return False
    await note(connection, actor, acts.CONCENTRATOR_REVOKED, device_id.hex())
    return True


async def claim(database_url: str, vault: Vault, tenant: str, wanted: Wanted) -> int:
    """`wum-cloud claim`; returns its exit code. Raises ClaimRefused."""
    async with await connect(database_url) as connection:
        number = await tenant_named(connection, tenant)
        if number is None:
            raise ClaimRefused("There is no tenant called %s." % tenant)
        await claiming.claim(
            connection, vault, Reach(number), at_the_machine(number), wanted)
    print("Claimed: %s is let in as soon as it comes, for %d hours." % (
        wanted.name, wanted.hours))
    return 0


async def revoke(database_url: str, tenant: str, text: str) -> int:
    """The command; returns its exit code. Raises ClaimRefused."""
    try:
        device_id = id_from_text(text)
    except Malformed as error:
        raise ClaimRefused("%s." % error) from error
    async with await connect(database_url) as connection:
        number = await tenant_named(connection, tenant)
        if number is None or not await revoke_concentrator(
                connection, Reach(number), at_the_machine(number), device_id):
            raise ClaimRefused("Tenant %s has no concentrator %s." % (tenant, text))
        mesh = await store.mesh_of(connection, number, device_id)
    print("Concentrator %s is revoked: nothing of it is taken any more." % text)
    if mesh is not None:
        print("It still has the key of the mesh %s, and can disturb its neighbours there. If it is "
              "in wrong hands: wum-cloud network-key begin %s." % (mesh, mesh))
    return 0
