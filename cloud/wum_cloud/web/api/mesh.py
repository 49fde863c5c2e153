"""Meshes: where each concentrator stands, and how well it hears its neighbours."""

from collections import defaultdict

from fastapi import APIRouter
from pydantic import AwareDatetime

from wum_cloud.health.mesh import store
from wum_cloud.web.access import Database
from wum_cloud.web.api.forms import Form
from wum_cloud.web.rights import RegistryCaller

router = APIRouter(tags=["mesh"])


class LinkForm(Form):
    """A neighbour. `quality` is the percentage of frames sent there that arrive; `margin_db` how
    far it is heard above what the radio needs, null on a wire.
    """

    address: int
    medium: str
    quality: int
    margin_db: float | None
    heard_at: AwareDatetime


class StationForm(Form):
    """A station as it reported last. `parent` and `gateway` are addresses of its network; `rank`
    is null without a way to any gateway.
    """

    concentrator: str
    name: str
    site: str | None
    mesh: str | None
    network: int
    address: int
    reported_at: AwareDatetime
    report_every_s: int
    is_gateway: bool
    gateway: int | None
    parent: int | None
    rank: int | None
    pieces_held: int
    duty_used_percent: float
    links: list[LinkForm]


class MeshForm(Form):
    """All stations that ever reported, by network and address."""

    stations: list[StationForm]


@router.get("/mesh")
async def show_topology(
        account: RegistryCaller, database: Database) -> MeshForm:
    """The topology of the meshes; of another branch only the addresses that neighbours have."""
    async with database.connection() as connection:
        stations = await store.stations(connection, account.reach)
        links = await store.links(connection, account.reach)
    told: defaultdict[int, list[LinkForm]] = defaultdict(list)
    for link in links:
        told[link.concentrator_id].append(LinkForm(
            address=link.address, medium="wire" if link.medium else "radio",
            quality=link.quality, margin_db=None if link.medium else link.margin_q4 / 4,
            heard_at=link.heard_at))
    return MeshForm(stations=[_form(one, told[one.concentrator_id]) for one in stations])


def _form(one: store.Station, links: list[LinkForm]) -> StationForm:
    return StationForm(
        concentrator=one.device_id.hex(), name=one.name, site=one.site, mesh=one.mesh,
        network=one.network, address=one.address, reported_at=one.arrived_at,
        report_every_s=one.every_s, is_gateway=one.is_gateway, gateway=one.gateway or None,
        parent=one.parent or None, rank=one.rank if one.rank < 0xF000 else None,
        pieces_held=one.held, duty_used_percent=one.used_permille / 10, links=links)
