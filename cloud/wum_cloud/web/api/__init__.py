"""The API, version 1: everything an integrator may ask, as JSON under /api/v1."""

from fastapi import APIRouter, Depends

from wum_cloud.web.access import signed_in
from wum_cloud.web.api import (
    audit,
    campaigns,
    claims,
    command_groups,
    commands,
    completeness,
    concentrators,
    configuration,
    gaps,
    history,
    ingest,
    life,
    mesh,
    meters,
    network_keys,
    people,
    planned,
    readings,
    registry,
    releases,
    schedules,
    sites,
)
from wum_cloud.web.api.parameters import only_known_parameters

PREFIX = "/api/v1"

router = APIRouter(prefix=PREFIX, dependencies=[
    Depends(signed_in), Depends(only_known_parameters)])
PARTS = (sites, concentrators, gaps, meters, readings, history, ingest, completeness, mesh,
         network_keys, people, audit, claims, planned, commands, command_groups, registry,
         schedules, configuration, releases, campaigns, life)
for part in PARTS:
    router.include_router(part.router)
