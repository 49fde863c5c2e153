"""The operator's console: pages, each a GET with its whole state in the address."""

from fastapi import APIRouter

from wum_cloud.web.console import (
    account,
    audit,
    claims,
    commands,
    completeness,
    concentrators,
    configuration,
    days,
    events,
    factor,
    ingest,
    mesh,
    meter,
    meters,
    overview,
    people,
    registry,
    sign_in,
)

router = APIRouter(include_in_schema=False)
PARTS = (sign_in, account, factor, overview, concentrators, meters, meter, days, completeness,
         events, ingest, mesh, people, audit, claims, commands, registry, configuration)
for part in PARTS:
    router.include_router(part.router)
