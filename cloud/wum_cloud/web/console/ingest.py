"""Ingest: what came, what was refused, what concentrators said."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wum_cloud.health import store
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.web.access import Database, Visitor
from wum_cloud.web.api.forms import number_key
from wum_cloud.web.pages import page

router = APIRouter()

_ARCHIVES_MAX = 100
_EVENTS_MAX = 100


@router.get("/ingest")
async def show_ingest(
        request: Request, database: Database, session: Visitor, cursor: str | None = None,
) -> Response:
    """Counters of today, archives, quarantine, events."""
    tenant = session.account.tenant_id
    today = datetime.now(UTC).date()
    async with database.connection() as connection:
        counts = await store.counts(connection, tenant, today)
        archives = await store.archives(connection, tenant, _ARCHIVES_MAX)
        refusals = await store.quarantined(
            connection, tenant, number_key(cursor), PAGE_DEFAULT + 1)
        events = await store.events(connection, tenant, None, _EVENTS_MAX)
    return page(request, "ingest.html", session, counts=counts, archives=archives, events=events,
                today=today, cursor=cursor or "",
                refusals=page_of(refusals, PAGE_DEFAULT, lambda q: [q.quarantine_id]))
