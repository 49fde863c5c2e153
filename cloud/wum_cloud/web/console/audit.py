"""Audit trail: who did what, and when?"""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from wum_cloud.audit import acts, store
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.audit import LINES, lines_of
from wum_cloud.web.api.forms import number_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import AuditVisitor

router = APIRouter()

_Search = Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/audit")
async def show_audit(
        request: Request, database: Database, session: AuditVisitor, search: _Search = "",
        cursor: str | None = None) -> Response:
    """Acts, the newest first; htmx asks for more of them."""
    tenant = session.account.tenant_id
    async with database.connection() as connection:
        found = await store.search(connection, tenant, store.Search(search.strip() or None),
                                   number_key(cursor), PAGE_DEFAULT + 1)
        zone = await zone_of(connection, tenant)
    template = "audit_rows.html" if wants_fragment(request) else "audit.html"
    return page(request, template, session, search=search, zone=zone, cursor=cursor or "",
                address="/audit?" + urlencode({"search": search}) if search else "/audit",
                found=page_of(found, PAGE_DEFAULT, lambda entry: [entry.number]))


@router.get("/audit/export")
async def export_audit(
        request: Request, database: Database, session: AuditVisitor) -> StreamingResponse:
    """The whole trail as a file, for `wum-cloud audit verify FILE`."""
    async with database.connection() as connection:
        await store.note(connection, actor_of(request, session.account), acts.AUDIT_EXPORTED)
    return StreamingResponse(
        lines_of(database, session.account.tenant_id), media_type=LINES,
        headers={"content-disposition": 'attachment; filename="audit.ndjson"'})
