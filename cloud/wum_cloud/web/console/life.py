"""The life of a meter: its line, and the forms that replace, move, archive and add one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.configuration import twin
from wum_cloud.database import Connection
from wum_cloud.people.permissions import EDIT_METERS, EDIT_REGISTRY, READ_READINGS
from wum_cloud.people.store import Session
from wum_cloud.readings import points
from wum_cloud.registry.choices import store as choices
from wum_cloud.registry.choices.store import Choice
from wum_cloud.registry.life import acting, amounts, store
from wum_cloud.registry.life.acting import (
    REASON_LEAST,
    REASON_MAX,
    Displays,
    MeterRefused,
    Questioned,
    Saying,
    Spot,
)
from wum_cloud.registry.life.amounts import Amount, BadAmount
from wum_cloud.registry.life.store import Known
from wum_cloud.registry.reach import Reach
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.console.choices import models_of
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import MetersForm, MetersVisitor, RegistryForm, RegistryVisitor
from wum_shared.messages import Register
from wum_shared.obis import obis_to_text

router = APIRouter()

_ACTS_MAX = 200
_Line = Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")]
_Long = Annotated[str, Form(max_length=400, pattern=r"^[^\x00]*$")]
_Serial = Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")]
_Values = Annotated[list[str], Form(max_length=32)]
_NONE: list[str] = []   # Never written to.


@dataclass(frozen=True, slots=True)
class Tried:
    """A form that was not taken: which, what was in it, why not, and what is asked."""

    act: str = ""
    fields: dict[str, str] | None = None
    finals: Sequence[str] = ()
    firsts: Sequence[str] = ()
    mistake: str = ""
    where: str = ""
    questions: Sequence[str] = ()

    def field(self, act: str, name: str, otherwise: str = "") -> str:
        """What stood in a field of the form `act`."""
        if act != self.act or self.fields is None:
            return otherwise
        return self.fields.get(name, otherwise)

    def value(self, act: str, which: str, n: int) -> str:
        """What stood in the n-th final or first reading."""
        values = self.finals if which == "final" else self.firsts
        return values[n] if act == self.act and n < len(values) else ""


@router.get("/life/{serial:path}")  # A serial may hold a slash.
async def show_life(
        request: Request, serial: str, database: Database, session: RegistryVisitor,
        done: str = "") -> Response:
    """Where the meter was and when, who did what with it, and what can be done now."""
    return await _life(request, database, session, serial, done=done)


@router.post("/meter-acts/replacement")
async def replace_meter(
        request: Request, database: Database, session: MetersForm, serial: _Serial = "",
        new: _Serial = "", model: _Line = "", concentrator: _Line = "", bus: _Line = "",
        address: _Line = "", at: _Line = "", reason: _Long = "", note: _Long = "",
        confirmed: _Line = "", codes: _Values = _NONE, finals: _Values = _NONE,
        firsts: _Values = _NONE,
) -> Response:
    """Another meter takes the place of this one."""
    fields = {"new": new, "model": model, "concentrator": concentrator, "bus": bus,
              "address": address, "at": at, "reason": reason, "note": note}
    tried = Tried("replace", fields, finals, firsts)

    async def act(connection: Connection, meter: Known) -> str:
        said = _saying(meter, fields, confirmed)
        registers = await points.counted(connection, meter.meter_id)
        await acting.replace(
            connection, session.account.reach, actor_of(request, session.account), serial,
            new.strip(), model.strip(),
            await _spot(connection, session.account.reach, concentrator, bus, address),
            Displays(_amounts(registers, codes, finals), _amounts(registers, codes, firsts),
                     await points.stored_until(connection, meter.meter_id, said.at)), said)
        return new.strip()
    return await _acted(request, database, session, serial, tried, "replaced", act)


@router.post("/meter-acts/move")
async def move_meter(
        request: Request, database: Database, session: MetersForm, serial: _Serial = "",
        concentrator: _Line = "", bus: _Line = "", address: _Line = "",
        delivery_point: _Line = "", at: _Line = "", reason: _Long = "", note: _Long = "",
        confirmed: _Line = "", codes: _Values = _NONE, finals: _Values = _NONE,
) -> Response:
    """It is wired elsewhere, or measures another delivery point."""
    fields = {"concentrator": concentrator, "bus": bus, "address": address, "at": at,
              "delivery_point": delivery_point, "reason": reason, "note": note}
    tried = Tried("move", fields, finals)

    async def act(connection: Connection, meter: Known) -> str:
        said = _saying(meter, fields, confirmed)
        registers = await points.counted(connection, meter.meter_id)
        await acting.move(
            connection, session.account.reach, actor_of(request, session.account), serial,
            await _spot(connection, session.account.reach, concentrator, bus, address),
            delivery_point.strip(),
            Displays(_amounts(registers, codes, finals), (),
                     await points.stored_until(connection, meter.meter_id, said.at)), said)
        return serial
    return await _acted(request, database, session, serial, tried, "moved", act)


@router.post("/meter-acts/archiving")
async def archive_meter(
        request: Request, database: Database, session: MetersForm, serial: _Serial = "",
        at: _Line = "", reason: _Long = "", note: _Long = "", confirmed: _Line = "",
        codes: _Values = _NONE, finals: _Values = _NONE,
) -> Response:
    """It is taken away, and none takes its place."""
    fields = {"at": at, "reason": reason, "note": note}
    tried = Tried("archive", fields, finals)

    async def act(connection: Connection, meter: Known) -> str:
        said = _saying(meter, fields, confirmed)
        registers = await points.counted(connection, meter.meter_id)
        await acting.archive(
            connection, session.account.reach, actor_of(request, session.account), serial,
            Displays(_amounts(registers, codes, finals), (),
                     await points.stored_until(connection, meter.meter_id, said.at)), said)
        return serial
    return await _acted(request, database, session, serial, tried, "archived", act)


@router.post("/meter-acts/schedule")
async def choose_schedule(
        request: Request, database: Database, session: RegistryForm, serial: _Serial = "",
        schedule: _Line = "") -> Response:
    """By which schedule it is to be read."""
    async def act(connection: Connection, meter: Known) -> str:
        await acting.choose_schedule(
            connection, session.account.reach, actor_of(request, session.account), serial,
            schedule.strip())
        return serial
    return await _acted(request, database, session, serial, Tried(
        "schedule", {"schedule": schedule}), "set", act)


@router.get("/new-meter")
async def show_new_meter(
        request: Request, database: Database, session: MetersVisitor, concentrator: str = "",
        delivery_point: str = "") -> Response:
    """A form for a meter at a delivery point that has none."""
    return await _new(request, database, session, Tried("add", {
        "concentrator": concentrator[:64], "delivery_point": delivery_point[:64]}))


@router.post("/new-meter")
async def add_meter(
        request: Request, database: Database, session: MetersForm, serial: _Serial = "",
        model: _Line = "", delivery_point: _Line = "", concentrator: _Line = "", bus: _Line = "",
        address: _Line = "", schedule: _Line = "", at: _Line = "", reason: _Long = "",
        note: _Long = "") -> Response:
    """Add it; then its own page shows what comes next."""
    own = session.account
    fields = {"serial": serial, "model": model, "delivery_point": delivery_point,
              "concentrator": concentrator, "bus": bus, "address": address, "schedule": schedule,
              "at": at, "reason": reason, "note": note}
    try:
        async with database.connection() as connection:
            zone = await zone_of(connection, own.tenant_id)
            await acting.add(
                connection, own.reach, actor_of(request, own), serial.strip(), model.strip(),
                delivery_point.strip(),
                await _spot(connection, own.reach, concentrator, bus, address), schedule.strip(),
                _said(zone, fields, ""))
    except MeterRefused as error:
        return await _new(request, database, session, Tried(
            "add", fields, mistake=str(error), where=error.where))
    return RedirectResponse("/life/%s?done=added" % serial.strip(), 303)


async def _acted(
        request: Request, database: Database, session: Session, serial: str, tried: Tried,
        done: str, act: Callable[[Connection, Known], Awaitable[str]]) -> Response:
    """What an act came to: the page of the meter, or its form with what is wrong or asked."""
    own = session.account
    try:
        async with database.connection() as connection:
            meter = await store.known(connection, own.reach, serial)
            if meter is None:
                raise HTTPException(404, "There is no meter %s." % serial)
            there = await act(connection, meter)
    except Questioned as error:
        return await _life(request, database, session, serial, tried=Tried(
            tried.act, tried.fields, tried.finals, tried.firsts, questions=error.questions))
    except MeterRefused as error:
        return await _life(request, database, session, serial, tried=Tried(
            tried.act, tried.fields, tried.finals, tried.firsts, str(error), error.where))
    return RedirectResponse("/life/%s?done=%s" % (there, done), 303)


async def _life(
        request: Request, database: Database, session: Session, serial: str, *, done: str = "",
        tried: Tried | None = None) -> Response:
    own = session.account
    async with database.connection() as connection:
        meter = await store.known(connection, own.reach, serial)
        if meter is None:
            raise HTTPException(404, "There is no meter %s." % serial)
        installed = await store.installations(
            connection, point=meter.delivery_point_id, most=points.METERS_MAX)
        whole = await store.installations(
            connection, meter=meter.meter_id, most=points.METERS_MAX)
        acts = await store.acts(connection, list(dict.fromkeys(
            [meter.meter_id, *[one.meter_id for one in installed]])), _ACTS_MAX)
        registers = await points.counted(connection, meter.meter_id)
        offered = await _offered(connection, own.reach, meter.concentrator)
        schedules = [] if own.site_id else await store.schedules(connection, own.tenant_id)
        stored = await points.stored_until(connection, meter.meter_id, datetime.now(UTC))
        its = await twin.twin_of(connection, own.reach, meter.device_id)
    last = {a.obis: (a.text(), at) for a, at in stored}
    elsewhere = [one for one in whole if one.delivery_point != meter.delivery_point]
    may = EDIT_METERS in own.permissions and meter.archived_at is None
    return page(
        request, "life.html", session, 200 if tried is None else 422, m=meter,
        zone=meter.time_zone, installed=installed, elsewhere=elsewhere, acts=acts,
        registers=[_Shown(r, last.get(r.obis)) for r in registers],
        own=None if its is None else twin.of_meter(its, serial),
        offered=offered, may_edit=may, may_read=READ_READINGS in own.permissions, done=done,
        may_configure=EDIT_REGISTRY in own.permissions and meter.archived_at is None,
        schedules=schedules, may_add=EDIT_METERS in own.permissions, tried=tried or Tried(),
        default_at=_local_now(meter.time_zone),
        reason_least=REASON_LEAST, reason_max=REASON_MAX)


async def _offered(
        connection: Connection, reach: Reach, concentrator: str) -> dict[str, list[Choice]]:
    """What the fields of a form offer before anybody types (choices.py offers what follows)."""
    return {"points": await choices.points(connection, reach, ""),
            "models": await models_of(connection, reach),
            "concentrators": await choices.concentrators(connection, reach, ""),
            "buses": await choices.buses(connection, reach, "", concentrator)}


class _Shown:
    """A register of a form: its code, the unit of its display, and what is stored last."""

    def __init__(self, register: Register, last: tuple[str, datetime] | None) -> None:
        self.code = obis_to_text(register.obis)
        self.unit = amounts.display(register.unit)[1]
        self.last = last


async def _new(
        request: Request, database: Database, session: Session, tried: Tried) -> Response:
    own = session.account
    async with database.connection() as connection:
        zone = await zone_of(connection, own.tenant_id)
        # They are of the whole tenant: who is confined to a branch has to know their names.
        schedules = [] if own.site_id else await store.schedules(connection, own.tenant_id)
        offered = await _offered(connection, own.reach, tried.field("add", "concentrator"))
    return page(
        request, "new_meter.html", session, 422 if tried.mistake else 200, zone=zone,
        offered=offered,
        schedules=schedules, tried=tried, default_at=_local_now(zone),
        reason_least=REASON_LEAST, reason_max=REASON_MAX)


async def _spot(
        connection: Connection, reach: Reach, concentrator: str, bus: str, address: str) -> Spot:
    """The place that a form names; a concentrator by its name, or by its id."""
    return Spot(await choices.device_of(connection, reach, concentrator.strip()), bus.strip(),
                address.strip())


def _local_now(zone: str) -> str:
    return datetime.now(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def _saying(meter: Known, fields: dict[str, str], confirmed: str) -> Saying:
    return _said(meter.time_zone, fields, confirmed)


def _said(zone: str, fields: dict[str, str], confirmed: str) -> Saying:
    """When and why. A time is on the clocks of `zone`; none: now. Raises MeterRefused."""
    now = datetime.now(UTC)
    at = now
    if fields["at"]:
        try:
            at = datetime.fromisoformat(fields["at"])
            at = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise MeterRefused("When: wanted a date and a time.", "at") from error
        if not 2000 <= at.year < 2200:
            raise MeterRefused("When: wanted a year from 2000 on.", "at")
    return Saying(at, now, fields["reason"], fields["note"], confirmed == "yes")


def _amounts(
        registers: Sequence[Register], codes: Sequence[str], values: Sequence[str],
) -> list[Amount]:
    """What was read off, of the registers of which something was; empty: not read.

    Raises MeterRefused.
    """
    by_code = {obis_to_text(r.obis): r for r in registers}
    found = []
    for code, text in zip(codes, values, strict=False):
        if not text.strip():
            continue
        register = by_code.get(code)
        if register is None:
            raise MeterRefused("The meter has no register %s." % code[:32], code)
        try:
            found.append(amounts.parse(register.obis, register.unit, text))
        except BadAmount as error:
            raise MeterRefused(str(error), code) from error
    return found
