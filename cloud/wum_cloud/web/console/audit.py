"""Audit trail: who did what, and when?"""

from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from wum_cloud.audit import acts, store
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.readings.days import midnight
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.audit import LINES, lines_of
from wum_cloud.web.api.forms import number_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import AuditVisitor

router = APIRouter()

_DAY = r"^(\d{4}-\d\d-\d\d)?$"
_Search = Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/audit")
async def show_audit(
        request: Request, database: Database, session: AuditVisitor, search: _Search = "",
        first: Annotated[str, Query(alias="from", pattern=_DAY)] = "",
        last: Annotated[str, Query(alias="to", pattern=_DAY)] = "",
        cursor: str | None = None) -> Response:
    """Acts, the newest first; htmx asks for more of them."""
    tenant = session.account.tenant_id
    async with database.connection() as connection:
        zone = await zone_of(connection, tenant)
        wanted = store.Search(search.strip() or None, None, _midnight(first, zone, 0),
                              _midnight(last, zone, 1))
        found = await store.search(
            connection, tenant, wanted, number_key(cursor), PAGE_DEFAULT + 1)
    asked = {name: text for name, text in (
        ("search", search), ("from", first), ("to", last)) if text}
    template = "audit_rows.html" if wants_fragment(request) else "audit.html"
    return page(request, template, session, search=search, zone=zone, cursor=cursor or "",
                first=first, last=last,
                address="/audit?" + urlencode(asked) if asked else "/audit",
                found=page_of(found, PAGE_DEFAULT, lambda entry: [entry.number]))


def _midnight(day: str, zone: str, later: int) -> datetime | None:
    """Where a day of the page's zone begins, or the one `later` days after it; None: any."""
    if not day:
        return None
    try:
        there = date.fromisoformat(day) + timedelta(days=later)
        return midnight(there, ZoneInfo(zone))
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, "There is no day %s." % day) from error


@router.get("/audit/export")
async def export_audit(
        request: Request, database: Database, session: AuditVisitor) -> StreamingResponse:
    """The whole trail as a file, for `wum-cloud audit verify FILE`."""
    async with database.connection() as connection:
        await store.note(connection, actor_of(request, session.account), acts.AUDIT_EXPORTED)
    return StreamingResponse(
        lines_of(database, session.account.tenant_id), media_type=LINES,
        headers={"content-disposition": 'attachment; filename="audit.ndjson"'})
