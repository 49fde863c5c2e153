"""What fields of forms offer while somebody types: parts of pages, options of a list."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from wum_cloud.database import Connection
from wum_cloud.registry.choices import models, store
from wum_cloud.registry.choices.store import Choice
from wum_cloud.registry.reach import Reach
from wum_cloud.web.access import Database
from wum_cloud.web.pages import page
from wum_cloud.web.rights import RegistryVisitor

router = APIRouter()

_Typed = Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/choices/sites")
async def offer_sites(
        request: Request, database: Database, session: RegistryVisitor, branch: _Typed = "",
) -> Response:
    """Sites with this in their name."""
    async with database.connection() as connection:
        found = await store.sites(connection, session.account.reach, branch)
    return page(request, "choices.html", session, choices=found)


@router.get("/choices/concentrators")
async def offer_concentrators(
        request: Request, database: Database, session: RegistryVisitor, concentrator: _Typed = "",
) -> Response:
    """Concentrators with this in their name, site or id."""
    async with database.connection() as connection:
        found = await store.concentrators(connection, session.account.reach, concentrator)
    return page(request, "choices.html", session, choices=found)


@router.get("/choices/buses")
async def offer_buses(
        request: Request, database: Database, session: RegistryVisitor, bus: _Typed = "",
        concentrator: _Typed = "") -> Response:
    """Buses of the concentrator that stands in the form."""
    async with database.connection() as connection:
        found = await store.buses(connection, session.account.reach, bus, concentrator)
    return page(request, "choices.html", session, choices=found)


@router.get("/choices/points")
async def offer_points(
        request: Request, database: Database, session: RegistryVisitor,
        delivery_point: _Typed = "") -> Response:
    """Delivery points, those without a meter first."""
    async with database.connection() as connection:
        found = await store.points(connection, session.account.reach, delivery_point)
    return page(request, "choices.html", session, choices=found)


@router.get("/choices/models")
async def offer_models(
        request: Request, database: Database, session: RegistryVisitor, model: _Typed = "",
) -> Response:
    """Models, with their entries in the catalogue."""
    async with database.connection() as connection:
        found = await models_of(connection, session.account.reach, model)
    return page(request, "choices.html", session, choices=found)


async def models_of(connection: Connection, reach: Reach, search: str = "") -> list[Choice]:
    """Models that are offered for what was typed."""
    return models.offered(search, await store.models(connection, reach, search))
