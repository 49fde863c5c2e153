"""Keys of meshes' networks: who has the newest one, and changing it without a visit."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, Field

from wum_cloud.commands.network_keys import managing
from wum_cloud.commands.network_keys.managing import MeshKeys
from wum_cloud.web.access import Database, actor_of, needed_vault
from wum_cloud.web.api.forms import Form
from wum_cloud.web.rights import TenantsRegistryCaller, TenantsRevokeCaller

router = APIRouter(tags=["mesh"])

_Mesh = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class NetworkKeyForm(Form):
    """The newest key that the head-end has made for a mesh; null where it has made none. Stations
    are by id. `lacking` have not signed that they have it; `not_alone` have not signed that they
    take no other any more, which they are told after `finished_at`. `held_by_revoked`: revoked
    concentrators, by name, that have a key of this mesh all the same.
    """

    mesh: str
    network: int | None
    epoch: int | None
    begun_at: AwareDatetime | None
    begun_by: str | None
    finished_at: AwareDatetime | None
    stations: int
    lacking: list[str]
    not_alone: list[str]
    held_by_revoked: list[str]


class BeginForm(Form):
    """Which mesh."""

    mesh: _Mesh


class EndForm(BeginForm):
    """`anyway`: though somebody lacks the new key, who is out then."""

    anyway: bool = False


@router.get("/network-keys")
async def list_network_keys(
        account: TenantsRegistryCaller, database: Database) -> list[NetworkKeyForm]:
    """Every mesh by name."""
    async with database.connection() as connection:
        return [_form(one) for one in await managing.overview(connection, account.tenant_id)]


@router.post("/network-keys", status_code=201)
async def begin_network_key(
        request: Request, account: TenantsRevokeCaller, database: Database, wanted: BeginForm,
) -> NetworkKeyForm:
    """Make a new key for a mesh: every station is told it, and the one so far is good beside it."""
    vault = needed_vault(request)
    async with database.connection() as connection:
        await managing.begin(
            connection, vault, actor_of(request, account), account.tenant_id, wanted.mesh)
        return _form(await managing.of_mesh(connection, account.tenant_id, wanted.mesh))


@router.post("/network-keys/end")
async def end_network_key(
        request: Request, account: TenantsRevokeCaller, database: Database, wanted: EndForm,
) -> NetworkKeyForm:
    """The new key alone is good from now on: every station is told so."""
    async with database.connection() as connection:
        await managing.finish(connection, actor_of(request, account), account.tenant_id,
                              wanted.mesh, anyway=wanted.anyway)
        return _form(await managing.of_mesh(connection, account.tenant_id, wanted.mesh))


def _form(one: MeshKeys) -> NetworkKeyForm:
    found = one.standing
    if found is None:
        return NetworkKeyForm(
            mesh=one.mesh, network=None, epoch=None, begun_at=None, begun_by=None,
            finished_at=None, stations=0, lacking=[], not_alone=[], held_by_revoked=one.revoked)
    return NetworkKeyForm(
        mesh=one.mesh, network=found.key.network, epoch=found.key.epoch,
        begun_at=found.key.begun_at, begun_by=found.key.begun_by, finished_at=found.key.ending_at,
        stations=len(found.stations), lacking=[s.device_id.hex() for s in found.lacking],
        not_alone=[s.device_id.hex() for s in found.not_alone], held_by_revoked=one.revoked)
