"""A new command: choose the act, whom, its values; see what will happen; ask for it.

Left out: what was asked for and what became of it (commands.py), groups (command_groups.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.commands import requesting, store
from wum_cloud.commands.groups import store as groups
from wum_cloud.commands.kinds import (
    ASKING,
    KINDS,
    MAINTENANCE,
    SESSIONS,
    SWITCHING,
    CommandRefused,
    Kind,
)
from wum_cloud.commands.requesting import CAP, REASON_LEAST, REASON_MAX, Planned, Wanted
from wum_cloud.people.permissions import ASK_METERS, LEND, MAINTAIN, SWITCH
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import AskForm, CommandsVisitor, LendForm, MaintainForm, SwitchForm
from wum_shared.order_kinds import OF_GROUPS

router = APIRouter()

FOUND_MAX = 20
FORMS = ((ASK_METERS, ASKING), (SWITCH, SWITCHING), (MAINTAIN, MAINTENANCE), (LEND, SESSIONS))
_Text = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]
_Long = Annotated[str, Form(max_length=70_000, pattern=r"^[^\x00]*$")]
_MOMENT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed into the form, as it was typed."""

    kind: str
    targets: str
    group: str
    reason: str
    minutes: str
    begins: str
    values: dict[str, str]
    search: str
    step: str


def typed(
        kind: _Text = "", targets: _Long = "", group: _Text = "", reason: _Text = "",
        minutes: _Text = "15", begins: _Text = "", value: _Text = "", exponent: _Text = "0",
        on: _Text = "", lines: _Text = "200", seconds: _Text = "300", first: _Text = "",
        last: _Text = "", search: _Text = "", step: _Text = "check",
        add: Annotated[list[str] | None, Form(max_length=FOUND_MAX)] = None) -> Typed:
    """The form."""
    names = targets.replace(",", " ").split()
    names += [one for one in add or [] if one not in names]
    return Typed(kind, " ".join(names), group, reason, minutes, begins, {
        "value": value, "exponent": exponent, "on": on, "lines": lines, "seconds": seconds,
        "first": first, "last": last}, search, step)


_Typed = Annotated[Typed, Depends(typed)]


@router.get("/commands/new")
async def new_command(
        request: Request, database: Database, session: CommandsVisitor,
        kind: Annotated[str, Query(max_length=20)] = "",
        target: Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")] = "",
        group: Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")] = "") -> Response:
    """What can be done, or the form of one act."""
    own = session.account
    chosen = KINDS.get(kind)
    may = {part for permission, part in FORMS if permission in own.permissions}
    if chosen is None or chosen.group not in may:
        acts = [(part, [one for one in KINDS.values() if one.group == part])
                for _, part in FORMS if part in may]
        return page(request, "command_choose.html", session, acts=acts, target=target, group=group,
                    mistake="")
    return await _form(request, database, session, chosen, typed(
        kind, target, group, "", "15", "", "", "0", "", "200", "300", "", "", "", ""))


@router.post("/commands/asking")
async def ask(request: Request, database: Database, session: AskForm, form: _Typed) -> Response:
    """Read meters now, or again, or set their clocks."""
    return await _ask(request, database, session, ASKING, form)


@router.post("/commands/switching")
async def switch(
        request: Request, database: Database, session: SwitchForm, form: _Typed) -> Response:
    """Disconnect, reconnect, limit, or cut a secondary load."""
    return await _ask(request, database, session, SWITCHING, form)


@router.post("/commands/maintenance")
async def maintain(
        request: Request, database: Database, session: MaintainForm, form: _Typed) -> Response:
    """Fetch a concentrator's log, or restart it."""
    return await _ask(request, database, session, MAINTENANCE, form)


@router.post("/commands/sessions")
async def lend(request: Request, database: Database, session: LendForm, form: _Typed) -> Response:
    """A session with a meter."""
    return await _ask(request, database, session, SESSIONS, form)


async def _ask(
        request: Request, database: Database, session: Session, part: str, form: Typed,
) -> Response:
    kind = KINDS.get(form.kind)
    if kind is None or kind.group != part:
        return page(request, "command_choose.html", session, 422,
                    acts=[(part, [one for one in KINDS.values() if one.group == part])],
                    mistake="Choose what is to be done.", target="", group="")
    if form.step == "search":
        return await _form(request, database, session, kind, form)
    own = session.account
    try:
        async with database.connection() as connection:
            zone = await zone_of(connection, own.tenant_id)
            wanted = _wanted(kind, form, zone)
            if form.step == "ask":
                made = await requesting.request(
                    connection, own.reach, actor_of(request, own), own.name, wanted)
                return RedirectResponse("/commands?done=%s" % (
                    "waits" if made.needs_approval else "requested"), 303)
            planned = await requesting.plan(connection, own.reach, wanted)
    except CommandRefused as error:
        return await _form(request, database, session, kind, form, str(error))
    return page(request, "command_check.html", session, form=form, kind=kind, planned=planned,
                zone=zone, cap=CAP, happens=_happens(planned))


async def _form(
        request: Request, database: Database, session: Session, kind: Kind, form: Typed,
        mistake: str = "") -> Response:
    own = session.account
    async with database.connection() as connection:
        zone = await zone_of(connection, own.tenant_id)
        found = await store.found(
            connection, own.reach, form.search, FOUND_MAX,
            of_meters=kind.is_of_meter) if form.step == "search" else None
        known = [] if kind.number not in OF_GROUPS or own.site_id is not None else (
            await groups.groups(connection, own.tenant_id))
    return page(request, "command_new.html", session, 422 if mistake else 200, form=form,
                kind=kind, zone=zone, found=found, groups=known, mistake=mistake,
                least=REASON_LEAST, most=REASON_MAX, found_max=FOUND_MAX)


def _wanted(kind: Kind, form: Typed, zone: str) -> Wanted:
    """Raises CommandRefused, naming the field."""
    values: dict[str, int | bool] = {}
    for name in kind.fields:
        text = form.values[name]
        if name == "on":
            if text not in ("yes", "no"):
                raise CommandRefused("Secondary load: choose on or off.")
            values[name] = text == "yes"
        elif name in ("first", "last"):
            values[name] = int(_moment(text, zone, "From" if name == "first" else "To").timestamp())
        else:
            values[name] = _number(text, {"value": "Threshold", "lines": "Lines",
                                          "seconds": "Seconds"}.get(name, name))
    begins = _moment(form.begins, zone, "Not before") if form.begins else None
    return Wanted(kind.word, [] if form.group else form.targets.split(), form.reason, values,
                  begins, 60 * _number(form.minutes, "Minutes"), form.group)


def _number(text: str, field: str) -> int:
    if not (text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) < 12):
        raise CommandRefused("%s: a whole number is wanted, got %s." % (field, text or "nothing"))
    return int(text)


def _moment(text: str, zone: str, field: str) -> datetime:
    try:
        return datetime.strptime(text, _MOMENT).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CommandRefused("%s: a day and a time are wanted, got %s." % (
            field, text or "nothing")) from error


def _happens(planned: Planned) -> dict[str, int]:
    """How many targets, concentrators, orders that one signature is for, orders of their own."""
    together = [one for one in planned.commands if one.to_group is not None]
    return {"targets": len(planned.targets), "commands": len(planned.commands),
            "together": len(together), "alone": len(planned.commands) - len(together),
            "concentrators": len({one.concentrator_id for one in planned.targets})}
