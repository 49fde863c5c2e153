"""The operator's console: pages, each a GET with its whole state in the address."""

from fastapi import APIRouter

from wum_cloud.web.console import (
    account,
    audit,
    campaigns,
    choices,
    claims,
    command_groups,
    commands,
    completeness,
    concentrators,
    configuration,
    consents,
    days,
    events,
    factor,
    ingest,
    life,
    mesh,
    meter,
    meters,
    network_keys,
    new_command,
    overview,
    people,
    points,
    registry,
    releases,
    schedules,
    sign_in,
)

router = APIRouter(include_in_schema=False)
PARTS = (sign_in, account, factor, overview, concentrators, meters, meter, days, completeness,
         events, ingest, mesh, network_keys, people, audit, claims, new_command, commands,
         command_groups, consents, registry, schedules, configuration, campaigns, releases, life,
         choices, points)
for part in PARTS:
    router.include_router(part.router)
