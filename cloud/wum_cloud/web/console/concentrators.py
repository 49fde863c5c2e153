"""Concentrators: which cabinets are out or behind, and what was asked of one again?"""

from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from wum_cloud.campaigns import store as campaigns
from wum_cloud.campaigns.asked import store as asked_for
from wum_cloud.database import Connection
from wum_cloud.health import store as health
from wum_cloud.health.gaps import store as gaps
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.people.permissions import READ_UPDATES
from wum_cloud.reasons.asked import Line, lines
from wum_cloud.registry.conditions import store as conditions
from wum_cloud.registry.conditions.words import FLASH_STATES, apart, flash_remedy
from wum_cloud.registry.listing import store
from wum_cloud.registry.reach import Reach
from wum_cloud.web.access import Database
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import text_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import RegistryVisitor
from wum_shared.updates import STATES

router = APIRouter()

_ARCHIVES_MAX = 1000
_REQUESTS_MAX = 50              # Gap requests on one page, the newest,
_LINES_MAX = 20                 # and of each so many lines.
_EVENTS_MAX = 10                # The newest of a concentrator; all stand under Events.


@router.get("/concentrators")
async def show_concentrators(
        request: Request, database: Database, session: RegistryVisitor, cursor: str | None = None,
) -> Response:
    """Name, site, last contact, what is still to come."""
    tenant, reach = session.account.tenant_id, session.account.reach
    async with database.connection() as connection:
        found = await store.concentrators(connection, reach, text_key(cursor), PAGE_DEFAULT + 1)
        archives = await newest_archives(connection, reach)
        zone = await zone_of(connection, tenant)
    template = "concentrators_rows.html" if wants_fragment(request) else "concentrators.html"
    listed = page_of(found, PAGE_DEFAULT, lambda c: [c.name])
    return page(request, template, session, cursor=cursor or "", found=listed,
                cabinets=listed.items, archives=archives, zone=zone)


@router.get("/concentrators/{id}")
async def show_concentrator(
        request: Request, id: str, database: Database, session: RegistryVisitor) -> Response:
    """One of them: its state, what happened on it, and what it was asked for again."""
    tenant, reach = session.account.tenant_id, session.account.reach
    async with database.connection() as connection:
        found = await store.concentrator(connection, reach, device_id(id))
        if found is None:
            raise HTTPException(404, "There is no concentrator %s." % id)
        number = found.concentrator_id
        archives = await newest_archives(connection, reach)
        missing = await gaps.missing_numbers(connection, number)
        last = await gaps.last_request(connection, number)
        asked = await gaps.history(connection, number, _REQUESTS_MAX + 1)
        events = await health.events(connection, reach, None, _EVENTS_MAX, found.device_id)
        zone = await zone_of(connection, tenant)
        trouble = await conditions.trouble_of(connection, number)
        standing = await campaigns.standing(connection, number)
        version, campaign = (await asked_for.of_concentrator(connection, tenant, number)
                             or ("", 0))
    return page(request, "concentrator.html", session, c=found, zone=zone, missing=missing,
                trouble=trouble, disk=FLASH_STATES[trouble.flash if trouble else 0],
                remedy=flash_remedy(trouble.flash if trouble else 0),
                apart=apart(trouble.apart_s if trouble else 0).replace("ahead", "ahead of"),
                archive=archives.get(found.device_id), last=last, events=events,
                requests=[_shown(one) for one in asked[:_REQUESTS_MAX]],
                standing=standing, version=version,
                campaign=campaign if READ_UPDATES in session.account.permissions else 0,
                state_words=STATES[standing.state] if standing else "",
                older=len(asked) > _REQUESTS_MAX)


@dataclass(frozen=True, slots=True)
class Shown:
    """A request with the first of its lines; `more` are left out."""

    asked: gaps.Asked
    lines: list[Line]
    more: int


def _shown(one: gaps.Asked) -> Shown:
    found = lines(one.asked, one.answer)
    return Shown(one, found[:_LINES_MAX], len(found[_LINES_MAX:]))


async def newest_archives(connection: Connection, reach: Reach) -> dict[bytes, health.Archive]:
    """The archive of each concentrator's newest batch; earlier ones ended with their flash."""
    kept = await health.archives(connection, reach, _ARCHIVES_MAX)
    return {archive.device_id: archive for archive in reversed(kept)}
