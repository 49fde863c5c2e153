"""Commands: what was asked for, by whom, why, what waits for a second person, what became of it?

Left out: asking for one (new_command.py), groups (command_groups.py).
"""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.commands import requesting, states, store
from wum_cloud.commands.consents import store as consents
from wum_cloud.commands.kinds import OF_ITSELF, WORDS, CommandRefused
from wum_cloud.commands.sessions import store as sessions
from wum_cloud.commands.store import Command
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.people.permissions import APPROVE
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import number_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.console.new_command import FORMS
from wum_cloud.web.pages import page
from wum_cloud.web.rights import ApproveForm, CommandsForm, CommandsVisitor
from wum_shared import gaps, orders
from wum_shared.errors import WireError
from wum_shared.status import GAPS

router = APIRouter()

NUMBER_MAX = 2**53 - 1
PROGRESS_MAX = 10
_Number = Annotated[int, Form(ge=1, le=NUMBER_MAX)]


@router.get("/commands")
async def show_commands(
        request: Request, database: Database, session: CommandsVisitor,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        done: Annotated[str, Query(max_length=20)] = "",
        search: Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")] = "",
        state: Annotated[str, Query(max_length=20)] = "",
        kind: Annotated[str, Query(max_length=3, pattern=r"^[0-9]*$")] = "",
        of_request: Annotated[int | None, Query(alias="request", ge=1, le=NUMBER_MAX)] = None,
) -> Response:
    """The newest commands, what waits for a second person, and how far many at once have come."""
    return await _page(request, database, session, cursor=cursor, done=done, search=search,
                       state=state if state in states.STATES else "",
                       kind=int(kind) if kind else None, of_request=of_request)


@router.get("/commands/{number}")
async def show_command(
        request: Request, database: Database, session: CommandsVisitor, number: int,
        done: Annotated[str, Query(max_length=20)] = "") -> Response:
    """One command: its life, what was signed and by whom, what was said in a session."""
    async with database.connection() as connection:
        found = (await store.one(connection, session.account.reach, number)
                 if 0 < number <= NUMBER_MAX else None)
    if found is None:
        raise HTTPException(404, "There is no such command.")
    return await command_page(request, database, session, found, done=done)


async def command_page(
        request: Request, database: Database, session: Session, found: Command, *,
        done: str = "", mistake: str = "", typed: str = "") -> Response:
    """The page of one command; with a `mistake` in the approvers' signatures that were `typed`."""
    number = found.command_id
    async with database.connection() as connection:
        _, signed, _ = await store.proof(connection, number)
        life = await store.life(connection, number)
        pieces = await sessions.recorded(connection, number) if (
            found.kind == orders.SESSION) else []
        signers = await consents.signers(connection, number) if found.consents else []
        zone = await zone_of(connection, session.account.tenant_id)
    return page(request, "command.html", session, 422 if mistake else 200, command=found,
                word=WORDS.get(found.kind, "?"),
                zone=zone, signed=len(signed), life=life, pieces=pieces, signers=signers,
                done=done, mistake=mistake, typed=typed,
                may_approve=APPROVE in session.account.permissions,
                receipts={str(one): word for one, word in orders.STATES.items()},
                content=_shown(found.kind, found.content or b""))


@router.post("/commands/approve")
async def approve(
        request: Request, database: Database, session: ApproveForm, number: _Number) -> Response:
    """Agree, as a second person."""
    own = session.account
    try:
        async with database.connection() as connection:
            changed = await requesting.approve(
                connection, own.reach, actor_of(request, own), own.name, number)
    except CommandRefused as error:
        return await _page(request, database, session, mistake=str(error))
    if not changed:
        raise HTTPException(404, "There is no such request.")
    return RedirectResponse("/commands?done=approved", 303)


@router.post("/commands/withdraw")
async def withdraw(
        request: Request, database: Database, session: CommandsForm, number: _Number) -> Response:
    """Take back what was not sent."""
    own = session.account
    try:
        async with database.connection() as connection:
            changed = await requesting.withdraw(
                connection, own.reach, actor_of(request, own), own.name, number,
                is_own=APPROVE not in own.permissions)
    except CommandRefused as error:
        return await _page(request, database, session, mistake=str(error))
    if not changed:
        raise HTTPException(404, "There is no such request.")
    return RedirectResponse("/commands?done=withdrawn", 303)


def _shown(kind: int, content: bytes) -> str:
    """What a receipt gave back, for a person."""
    if kind != orders.READ_AGAIN or not content:
        return content.decode("utf-8", "replace")
    try:
        parts = gaps.decode_gap_answer(content).parts
    except WireError as error:
        return str(error)
    return "\n".join("%d-%d: %s" % (part.first, part.last, GAPS.get(part.reason, part.reason))
                     for part in parts)


async def _page(
        request: Request, database: Database, session: Session, *, cursor: str | None = None,
        done: str = "", mistake: str = "", search: str = "", state: str = "",
        kind: int | None = None, of_request: int | None = None) -> Response:
    own = session.account
    before = number_key(cursor)
    if before is not None and not 0 < before <= NUMBER_MAX:
        raise HTTPException(422, "This list has no such page.")
    is_filtered = bool(search or state or kind or of_request)
    async with database.connection() as connection:
        found = await store.listed(
            connection, own.reach, before, PAGE_DEFAULT + 1, state or None, kind, search.strip(),
            of_request, without=() if is_filtered else OF_ITSELF)
        waiting = await store.listed(connection, own.reach, None, PAGE_DEFAULT, "requested")
        progress = await store.progress(connection, own.reach, PROGRESS_MAX, OF_ITSELF)
        zone = await zone_of(connection, own.tenant_id)
    requests = {one.request_id: one for one in reversed(waiting)}
    counts = {number: len([one for one in waiting if one.request_id == number])
              for number in requests}
    return page(
        request, "commands.html", session, 422 if mistake else 200, mistake=mistake, done=done,
        zone=zone, words=WORDS, waiting=list(requests.values()), counts=counts,
        progress=progress, search=search, state=state, kind=kind, of_request=of_request,
        filtered=is_filtered, states=states.STATES,
        may_approve=APPROVE in own.permissions,
        may_ask=any(permission in own.permissions for permission, _ in FORMS),
        found=page_of(found, PAGE_DEFAULT, lambda one: [one.command_id]))
