"""Approvers' signatures on the page of a command: what is to be signed, and taking what was.

Left out: the page itself (commands.py), what a signature has to be of (commands/consents).
"""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from wum_cloud.commands import store
from wum_cloud.commands.consents import giving
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.people.permissions import APPROVE
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.commands import ConsentsForm, form_to_sign
from wum_cloud.web.console.commands import NUMBER_MAX, command_page
from wum_cloud.web.rights import ApproveVisitor
from wum_cloud.web.uploads import CONSENTS_MAX, UploadNeeds

router = APIRouter()

_TOLD_MAX = 200
_Upload = Annotated[Session, Depends(UploadNeeds(APPROVE, in_branch=True))]


@router.get("/commands/{number}/to-sign")
async def download_what_to_sign(
        request: Request, database: Database, session: ApproveVisitor, number: int) -> Response:
    """The file that `wum-firmware consent` reads: all commands of this one's request."""
    own = session.account
    async with database.connection() as connection:
        found = (await store.one(connection, own.reach, number)
                 if 0 < number <= NUMBER_MAX else None)
        wanted = [] if found is None else await giving.to_sign(
            connection, own.reach, found.request_id)
    if found is None:
        raise HTTPException(404, "There is no such command.")
    return Response(
        json.dumps([form_to_sign(one).model_dump() for one in wanted or ()], indent=1),
        media_type="application/json", headers={
            "content-disposition": 'attachment; filename="request-%d.json"' % found.request_id})


@router.post("/commands/consent")
async def hand_in(request: Request, database: Database, session: _Upload) -> Response:
    """Take a file, or its text, as `wum-firmware consent` writes it; or say what is wrong."""
    own, form = session.account, await request.form()
    number, typed = form.get("number", ""), form.get("text", "")
    if not isinstance(number, str) or not number.isdecimal() or not 0 < int(number) <= NUMBER_MAX:
        raise HTTPException(422, "This form names no command.")
    text = typed.encode() if isinstance(typed, str) else b""
    file = form.get("file")
    if isinstance(file, UploadFile) and file.filename:
        text = await file.read(CONSENTS_MAX + 1)
    async with database.connection() as connection:
        found = await store.one(connection, own.reach, int(number))
    if found is None:
        raise HTTPException(404, "There is no such command.")
    try:
        signatures = _signatures(text)
        async with database.connection() as connection:
            taken = await giving.give(connection, own.reach, actor_of(request, own), own.name,
                                      found.request_id, signatures)
    except CommandRefused as error:
        return await command_page(request, database, session, found, mistake=str(error),
                                  typed=typed if isinstance(typed, str) else "")
    assert taken is not None
    if taken.approved:
        return RedirectResponse("/commands?done=approved", 303)
    return RedirectResponse("/commands/%d?done=%s" % (
        found.command_id, "signed" if taken.kept else "again"), 303)


def _signatures(text: bytes) -> dict[int, bytes]:
    """By command. Raises CommandRefused."""
    if not text.strip():
        raise CommandRefused("Choose the file that `wum-firmware consent` wrote, or paste what "
                             "stands in it.")
    try:
        given = ConsentsForm.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join([str(part) for part in first["loc"]])
        raise CommandRefused(
            "This is not what `wum-firmware consent` writes: wanted {\"consents\": [{\"command\": "
            "..., \"signed\": ...}]}, but %s%s." % (
                where + ": " if where else "", first["msg"][:_TOLD_MAX])) from error
    return {one.command: bytes.fromhex(one.signed) for one in given.consents}
