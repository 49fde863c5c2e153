"""What fields of forms offer while somebody types: parts of pages, options of a list."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from wum_cloud.database import Connection
from wum_cloud.people.store import Session
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
    return await _page(request, database, session, lambda connection, reach: store.sites(
        connection, reach, branch))


@router.get("/choices/concentrators")
async def offer_concentrators(
        request: Request, database: Database, session: RegistryVisitor, concentrator: _Typed = "",
) -> Response:
    """Concentrators with this in their name, site or id."""
    return await _page(request, database, session, lambda connection, reach: store.concentrators(
        connection, reach, concentrator))


@router.get("/choices/buses")
async def offer_buses(
        request: Request, database: Database, session: RegistryVisitor, bus: _Typed = "",
        concentrator: _Typed = "") -> Response:
    """Buses of the concentrator that stands in the form."""
    return await _page(request, database, session, lambda connection, reach: store.buses(
        connection, reach, bus, concentrator))


@router.get("/choices/points")
async def offer_points(
        request: Request, database: Database, session: RegistryVisitor,
        delivery_point: _Typed = "") -> Response:
    """Delivery points, those without a meter first."""
    return await _page(request, database, session, lambda connection, reach: store.points(
        connection, reach, delivery_point))


@router.get("/choices/models")
async def offer_models(
        request: Request, database: Database, session: RegistryVisitor, model: _Typed = "",
) -> Response:
    """Models, with their entries in the catalogue."""
    return await _page(request, database, session, lambda connection, reach: models_of(
        connection, reach, model))


async def _page(request: Request, database: Database, session: Session,
                found: Callable[[Connection, Reach], Awaitable[list[Choice]]]) -> Response:
    async with database.connection() as connection:
        return page(request, "choices.html", session,
                    choices=await found(connection, session.account.reach))


async def models_of(connection: Connection, reach: Reach, search: str = "") -> list[Choice]:
    """Models that are offered for what was typed."""
    return models.offered(search, await store.models(connection, reach, search))
