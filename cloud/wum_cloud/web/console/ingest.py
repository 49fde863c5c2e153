"""Ingest: what came, and what was refused?"""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.health import store
from wum_cloud.history.retention import store as retention
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.web.access import Database
from wum_cloud.web.api.forms import number_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import HealthVisitor

router = APIRouter()

_ARCHIVES_MAX = 100
_DROPPED_MAX = 20


@router.get("/ingest")
async def show_ingest(
        request: Request, database: Database, session: HealthVisitor,
        cursor: str | None = None,
) -> Response:
    """Counters of today, archives, quarantine; htmx asks for more of quarantine."""
    tenant, reach = session.account.tenant_id, session.account.reach
    today = datetime.now(UTC).date()
    async with database.connection() as connection:
        refusals = await store.quarantined(
            connection, reach, number_key(cursor), PAGE_DEFAULT + 1)
        counts = await store.counts(connection, reach, today)
        archives = await store.archives(connection, reach, _ARCHIVES_MAX)
        dropped = [] if reach.site_id is not None else await retention.dropped_of(
            connection, tenant, _DROPPED_MAX)
        kept = await store.count_quarantined(connection, reach)
        zone = await zone_of(connection, tenant)
    template = "quarantine_rows.html" if wants_fragment(request) else "ingest.html"
    return page(request, template, session, counts=counts, archives=archives, today=today,
                kept=kept, zone=zone, cursor=cursor or "",
                dropped=dropped,
                refusals=page_of(refusals, PAGE_DEFAULT, lambda q: [q.quarantine_id]))
