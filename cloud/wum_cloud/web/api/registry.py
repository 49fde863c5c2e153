"""The registry as one file: sites, schedules, concentrators, buses and meters, out and in."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from wum_cloud.audit import acts
from wum_cloud.audit.store import note
from wum_cloud.database import Pool
from wum_cloud.registry.bulk.importing import Report, export_registry, import_registry
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import Form
from wum_cloud.web.rights import TenantsRegistryEditor
from wum_cloud.web.uploads import body_of

router = APIRouter(tags=["registry"])

CSV = "text/csv"
_BODY = {"requestBody": {
    "required": True, "description": "A registry file: docs/registry.md has its columns.",
    "content": {CSV: {"schema": {"type": "string"}}}}}


class FaultForm(Form):
    """One fault. Rows count from 1, the header."""

    row: int
    column: str
    wanted: str
    got: str


class CountForm(Form):
    """Rows of a kind."""

    new: int
    changed: int
    same: int


class ReportForm(Form):
    """What became of a file, or would. With faults nothing is written."""

    is_imported: bool
    rows: int
    faults: list[FaultForm]
    more_faults: int = Field(description="Beyond those listed.")
    counts: dict[str, CountForm] = Field(description="By kind; empty where there are faults.")


@router.post("/registry/import", openapi_extra=_BODY)
async def import_registry_file(
        request: Request, account: TenantsRegistryEditor, database: Database,
        dry_run: Annotated[bool, Query(
            description="Check and count only.")] = False) -> ReportForm:
    """Import a registry file, whole or not at all; every fault is listed by its row."""
    content = await body_of(request)
    async with database.connection() as connection:
        report = await import_registry(
            connection, account.tenant_id, actor_of(request, account), content, _nobody,
            dry_run=dry_run)
    return _form(report, is_imported=report.is_good and not dry_run)


@router.get("/registry/export", response_class=StreamingResponse, responses={
    200: {"content": {CSV: {}}, "description": "A registry file."}})
async def export_registry_file(
        request: Request, account: TenantsRegistryEditor, database: Database,
) -> StreamingResponse:
    """The whole registry as a file that can be imported again."""
    async with database.connection() as connection:
        await note(connection, actor_of(request, account), acts.REGISTRY_EXPORTED)
    return StreamingResponse(lines_of(database, account.tenant_id), media_type=CSV, headers={
        "content-disposition": 'attachment; filename="registry.csv"'})


async def lines_of(database: Pool, tenant: int) -> AsyncIterator[str]:
    """The parts of an export; they come as they are read."""
    async with database.connection() as connection:
        async for part in export_registry(connection, tenant):
            yield part


async def _nobody(stage: str, done: int, total: int) -> None:
    """Nobody looks on: the answer comes at the end."""


def _form(report: Report, *, is_imported: bool) -> ReportForm:
    return ReportForm(
        is_imported=is_imported, rows=report.rows, more_faults=report.more_faults,
        faults=[FaultForm(row=f.row, column=f.column, wanted=f.wanted, got=f.got)
                for f in report.faults],
        counts={kind: CountForm(**count) for kind, count in report.counts.items()})
