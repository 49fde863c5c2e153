"""The audit trail of the tenant: search, and export whole."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from wum_cloud.audit import acts, store
from wum_cloud.audit.commands import export_lines
from wum_cloud.database import Pool
from wum_cloud.paging import page_of
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import (
    DEFAULT_LIMIT,
    Cursor,
    Form,
    Limit,
    Moment,
    PageOf,
    number_key,
)
from wum_cloud.web.rights import AuditCaller

router = APIRouter(tags=["audit"])

LINES = "application/x-ndjson"
_Text = Annotated[str | None, Query(
    max_length=64, pattern=r"^[^\x00]*$", description="Part of who, whom, what or from where.")]


class EntryForm(Form):
    """One act. `hash` covers all other fields and the hash of the entry before it."""

    number: int
    at: AwareDatetime
    account: str
    address: str
    act: str
    subject: str
    detail: dict[str, str]
    hash: str


@router.get("/audit")
async def search_audit(
        account: AuditCaller, database: Database, search: _Text = None,
        act: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
        from_: Annotated[Moment | None, Query(alias="from")] = None,
        to: Annotated[Moment | None, Query(description="Left out of the span.")] = None,
        cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT,
) -> PageOf[EntryForm]:
    """Acts, the newest first."""
    wanted = store.Search(search, act, from_, to)
    async with database.connection() as connection:
        found = await store.search(
            connection, account.tenant_id, wanted, number_key(cursor), limit + 1)
    page = page_of(found, limit, lambda entry: [entry.number])
    return PageOf(next_cursor=page.next_cursor, items=[
        EntryForm(number=e.number, at=e.at, account=e.account, address=e.address, act=e.act,
                  subject=e.subject, detail=e.detail, hash=e.hash.hex()) for e in page.items])


@router.get("/audit/export", response_class=StreamingResponse, responses={
    200: {"content": {LINES: {}}, "description": "A line of JSON for each entry, then its head."}})
async def export_audit(
        request: Request, account: AuditCaller, database: Database) -> StreamingResponse:
    """The whole trail, for `wum-cloud audit verify FILE`. The export itself is on it."""
    async with database.connection() as connection:
        await store.note(connection, actor_of(request, account), acts.AUDIT_EXPORTED)
    return StreamingResponse(lines_of(database, account.tenant_id), media_type=LINES, headers={
        "content-disposition": 'attachment; filename="audit.ndjson"'})


async def lines_of(database: Pool, chain: int) -> AsyncIterator[str]:
    """The lines of an export; they come as they are read."""
    async with database.connection() as connection:
        await store.freeze(connection)
        async for line in export_lines(connection, chain):
            yield line
