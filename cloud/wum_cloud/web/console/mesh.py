"""Mesh: how do the concentrators reach the head-end, how good are the links, and who has the orders
that were given to groups?
"""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.health.mesh import store
from wum_cloud.health.mesh.picture import pictures
from wum_cloud.ingest.ripples import store as ripples
from wum_cloud.web.access import Database
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import RegistryVisitor

router = APIRouter()
ORDERS_SHOWN = 10


@router.get("/mesh")
async def show_mesh(
        request: Request, database: Database, session: RegistryVisitor) -> Response:
    """Every network as a drawing, and as a list beside it."""
    tenant, reach = session.account.tenant_id, session.account.reach
    async with database.connection() as connection:
        stations = await store.stations(connection, reach)
        links = await store.links(connection, reach)
        # An order to a group goes to stations of every branch.
        orders = [] if reach.site_id is not None else await ripples.ripples(
            connection, tenant, ORDERS_SHOWN)
        zone = await zone_of(connection, tenant)
    template = "mesh_live.html" if wants_fragment(request) else "mesh.html"
    return page(request, template, session, zone=zone, orders=orders,
                pictures=pictures(stations, links, datetime.now(UTC)))
