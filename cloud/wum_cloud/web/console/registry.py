"""The registry's file: upload it, see every fault by row, import it and watch how far it is."""

import asyncio
import logging
import zlib
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection, Pool
from wum_cloud.registry.bulk.columns import COLUMNS, KINDS
from wum_cloud.registry.bulk.file import BulkRefused
from wum_cloud.registry.bulk.importing import Report, import_registry, report_of
from wum_cloud.registry.bulk.uploads import store
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.registry import CSV, lines_of
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import TenantsEditorForm, TenantsEditorVisitor
from wum_cloud.web.uploads import RegistryUpload, uploaded

router = APIRouter()

_log = logging.getLogger("wum_cloud.web")
_imports: set[asyncio.Task[None]] = set()   # That run in this process, so that none is collected.
_SHOWN_MAX = 200        # Faults on a page.


@router.get("/registry")
async def show_registry(
        request: Request, session: TenantsEditorVisitor) -> Response:
    """A form for a file."""
    return page(request, "registry.html", session, columns=COLUMNS, kinds=KINDS, mistake="")


@router.post("/registry")
async def upload_registry(
        request: Request, database: Database, session: RegistryUpload) -> Response:
    """Try the file: what it would change, or every fault by row."""
    own = session.account
    name, content = await uploaded(request)
    try:
        async with database.connection() as connection:
            report = await import_registry(
                connection, own.tenant_id, actor_of(request, own), content, _nobody, dry_run=True)
    except BulkRefused as error:
        return page(request, "registry.html", session, 422, columns=COLUMNS, kinds=KINDS,
                    mistake=str(error))
    async with database.connection() as connection:
        number = await store.keep(
            connection, own.tenant_id, name, await asyncio.to_thread(zlib.compress, content),
            own.name, report.as_json(), "checked" if report.is_good else "refused")
        await note(connection, actor_of(request, own), acts.REGISTRY_CHECKED, name,
                   upload=str(number), rows=str(report.rows))
    return RedirectResponse("/registry/uploads/%d" % number, 303)


@router.get("/registry/uploads/{number}")
async def show_upload(
        request: Request, number: int, database: Database, session: TenantsEditorVisitor,
) -> Response:
    """What an uploaded file would do; or how far its import is, which asks again by itself."""
    async with database.connection() as connection:
        found = await _known(connection, session.account.tenant_id, number)
        zone = await zone_of(connection, session.account.tenant_id)
    report = report_of(found.report)
    template = "registry_upload_state.html" if wants_fragment(request) else "registry_upload.html"
    return page(request, template, session, u=found, report=report, zone=zone, kinds=KINDS,
                faults=report.faults[:_SHOWN_MAX],
                more=len(report.faults[_SHOWN_MAX:]) + report.more_faults)


@router.post("/registry/import")
async def start_import(
        request: Request, database: Database, session: TenantsEditorForm,
        number: Annotated[int, Form(ge=1, le=2**31 - 1)] = 1) -> Response:
    """Import a file that was tried and is good; it runs on while nobody looks."""
    own = session.account
    async with database.connection() as connection:
        await _known(connection, own.tenant_id, number)
        content = await store.begin(connection, own.tenant_id, number)
        if content is not None:
            await note(connection, actor_of(request, own), acts.REGISTRY_IMPORT_BEGUN,
                       "upload %d" % number)
    if content is None:
        raise HTTPException(409, "This file is not waiting to be imported any more.")
    task = asyncio.create_task(_import(
        database, own.tenant_id, actor_of(request, own), number, zlib.decompress(content)))
    _imports.add(task)
    task.add_done_callback(_imports.discard)
    return RedirectResponse("/registry/uploads/%d" % number, 303)


@router.get("/registry/export")
async def export_registry(
        request: Request, database: Database, session: TenantsEditorVisitor) -> Response:
    """The whole registry as a file that can be imported again."""
    async with database.connection() as connection:
        await note(connection, actor_of(request, session.account), acts.REGISTRY_EXPORTED)
    return StreamingResponse(
        lines_of(database, session.account.tenant_id), media_type=CSV,
        headers={"content-disposition": 'attachment; filename="registry.csv"'})


async def _known(connection: Connection, tenant: int, number: int) -> store.Upload:
    found = await store.upload(connection, tenant, number) if 0 < number < 2**31 else None
    if found is None:
        raise HTTPException(404, "There is no upload %d; files are kept for a week." % number)
    return found


async def _import(
        database: Pool, tenant: int, actor: Actor, number: int, content: bytes) -> None:
    async def told(stage: str, done: int, total: int) -> None:
        async with database.connection() as connection:
            await store.progress(connection, number, stage, done)

    try:
        async with database.connection() as connection:
            report = await import_registry(
                connection, tenant, actor, content, told, dry_run=False)
        await _finish(database, number, "imported" if report.is_good else "refused", report)
    except Exception:
        # It stands as "importing" until it counts as cut off, and can then be started again.
        _log.exception("registry import %d was cut off", number)


async def _finish(database: Pool, number: int, state: str, report: Report) -> None:
    async with database.connection() as connection:
        await store.finish(connection, number, state, report.as_json())


async def _nobody(stage: str, done: int, total: int) -> None:
    """The upload itself is what takes the time."""
