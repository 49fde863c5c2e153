"""Commands: what was asked for, by whom, why, what waits for a second person, what became of it?"""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.commands import requesting, store
from wum_cloud.commands.kinds import (
    ASKING,
    KINDS,
    MAINTENANCE,
    SWITCHING,
    WORDS,
    CommandRefused,
)
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.people.permissions import APPROVE, ASK_METERS, MAINTAIN, SWITCH
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import number_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import (
    ApproveForm,
    AskForm,
    CommandsForm,
    CommandsVisitor,
    MaintainForm,
    SwitchForm,
)

router = APIRouter()

_NUMBER_MAX = 2**53 - 1
_VALUES_MAX = 8
_Number = Annotated[int, Form(ge=1, le=_NUMBER_MAX)]
_Kind = Annotated[str, Form(max_length=20)]
_Targets = Annotated[str, Form(max_length=70_000, pattern=r"^[^\x00]*$")]
_Reason = Annotated[str, Form(max_length=1000, pattern=r"^[^\x00]*$")]
_Values = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]
_Within = Annotated[int, Form(ge=1, le=10_080)]
# Which form of the page asks for what, and who sees it.
FORMS = ((ASK_METERS, ASKING), (SWITCH, SWITCHING), (MAINTAIN, MAINTENANCE))


@router.get("/commands")
async def show_commands(
        request: Request, database: Database, session: CommandsVisitor,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        done: Annotated[str, Query(max_length=20)] = "",
        target: Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")] = "") -> Response:
    """The newest commands, and forms for what this person may ask for."""
    return await _page(request, database, session, cursor=cursor, done=done,
                       typed={"targets": target})


@router.get("/commands/{number}")
async def show_command(
        request: Request, database: Database, session: CommandsVisitor, number: int) -> Response:
    """One command: its life, and what was signed."""
    own = session.account
    async with database.connection() as connection:
        found = (await store.one(connection, own.reach, number)
                 if 0 < number <= _NUMBER_MAX else None)
        if found is None:
            raise HTTPException(404, "There is no such command.")
        _, signed, receipts = await store.proof(connection, number)
        zone = await zone_of(connection, own.tenant_id)
    content = b"" if found.content is None else found.content
    return page(request, "command.html", session, command=found, word=WORDS.get(found.kind, "?"),
                zone=zone, signed=len(signed), receipts=[at for _, at in receipts],
                content=content.decode("utf-8", "replace"))


@router.post("/commands/asking")
async def ask(
        request: Request, database: Database, session: AskForm, kind: _Kind = "",
        targets: _Targets = "", reason: _Reason = "", values: _Values = "",
        minutes: _Within = 15) -> Response:
    """Read meters now, or set their clocks."""
    return await _ask(request, database, session, ASKING,
                      _typed(kind, targets, reason, values, minutes))


@router.post("/commands/switching")
async def switch(
        request: Request, database: Database, session: SwitchForm, kind: _Kind = "",
        targets: _Targets = "", reason: _Reason = "", values: _Values = "",
        minutes: _Within = 15) -> Response:
    """Disconnect, reconnect, limit, or cut a secondary load."""
    return await _ask(request, database, session, SWITCHING,
                      _typed(kind, targets, reason, values, minutes))


@router.post("/commands/maintenance")
async def maintain(
        request: Request, database: Database, session: MaintainForm, kind: _Kind = "",
        targets: _Targets = "", reason: _Reason = "", values: _Values = "",
        minutes: _Within = 15) -> Response:
    """Fetch a concentrator's log, or restart it."""
    return await _ask(request, database, session, MAINTENANCE,
                      _typed(kind, targets, reason, values, minutes))


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


def _typed(kind: str, targets: str, reason: str, values: str, minutes: int) -> dict[str, str]:
    return {"kind": kind, "targets": targets, "reason": reason, "values": values,
            "minutes": str(minutes)}


async def _ask(request: Request, database: Database, session: Session, group: str,
               typed: dict[str, str]) -> Response:
    own = session.account
    try:
        kind = KINDS.get(typed["kind"])
        if kind is None or kind.group != group:
            raise CommandRefused("Choose what is to be done.")
        async with database.connection() as connection:
            made = await requesting.request(
                connection, own.reach, actor_of(request, own), own.name, requesting.Wanted(
                    kind.word, typed["targets"].replace(",", " ").split(), typed["reason"],
                    _values(typed["values"]), None, 60 * int(typed["minutes"])))
    except CommandRefused as error:
        return await _page(request, database, session, mistake=str(error), typed=typed)
    done = "waits" if made.needs_approval else "requested"
    return RedirectResponse("/commands?done=" + done, 303)


def _values(text: str) -> dict[str, int | bool]:
    """`value=5000 exponent=0`, as typed. Raises CommandRefused."""
    found: dict[str, int | bool] = {}
    for word in text.replace(",", " ").split()[:_VALUES_MAX]:
        name, _, value = word.partition("=")
        if value in ("yes", "no"):
            found[name] = value == "yes"
        elif value.lstrip("-").isascii() and value.lstrip("-").isdigit() and len(value) < 20:
            found[name] = int(value)
        else:
            raise CommandRefused("Details are written name=number, or name=yes; got %s." % word)
    return found


async def _page(
        request: Request, database: Database, session: Session, *, cursor: str | None = None,
        done: str = "", mistake: str = "", typed: dict[str, str] | None = None) -> Response:
    own = session.account
    before = number_key(cursor)
    if before is not None and not 0 < before <= _NUMBER_MAX:
        raise HTTPException(422, "This list has no such page.")
    async with database.connection() as connection:
        found = await store.listed(connection, own.reach, before, PAGE_DEFAULT + 1)
        waiting = await store.listed(connection, own.reach, None, PAGE_DEFAULT, "requested")
        zone = await zone_of(connection, own.tenant_id)
    forms = [("/commands/" + group, [kind for kind in KINDS.values() if kind.group == group])
             for permission, group in FORMS if permission in own.permissions]
    requests = {one.request_id: one for one in reversed(waiting)}
    counts = {number: len([one for one in waiting if one.request_id == number])
              for number in requests}
    return page(
        request, "commands.html", session, 422 if mistake else 200, mistake=mistake, done=done,
        typed=typed or {}, forms=forms, zone=zone, words=WORDS, waiting=list(requests.values()),
        counts=counts, may_approve=APPROVE in own.permissions,
        found=page_of(found, PAGE_DEFAULT, lambda one: [one.command_id]))
