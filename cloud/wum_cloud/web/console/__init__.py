"""The operator's console: pages, each a GET with its whole state in the address."""

from fastapi import APIRouter

from wum_cloud.web.console import (
    account,
    completeness,
    concentrators,
    events,
    ingest,
    mesh,
    meter,
    meters,
    overview,
    sign_in,
)

router = APIRouter(include_in_schema=False)
for part in (sign_in, account, overview, concentrators, meters, meter, completeness, events,
             ingest, mesh):
    router.include_router(part.router)
