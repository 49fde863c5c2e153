"""Adding, replacing, moving, archiving meters: what is checked, what is kept, what is questioned.

Left out: SQL (store.py), and what is stored of a meter's readings, which the caller brings. Nothing
reaches a concentrator by that: its wanted configuration follows the registry (configuration/).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.registry.bulk.columns import CELLS, shown
from wum_cloud.registry.life import amounts, store
from wum_cloud.registry.life.amounts import Amount
from wum_cloud.registry.life.store import Known
from wum_cloud.registry.reach import Reach
from wum_shared.ids import id_from_text
from wum_shared.obis import obis_to_text

REASON_LEAST, REASON_MAX = 5, 200
NOTE_MAX = 200
AMOUNTS_MAX = 32        # Registers of a display that somebody reads off.
_CHECKS = CELLS["meter"]


class MeterRefused(Exception):
    """It is not done: a sentence that says why. `where` names the field that is wrong."""

    def __init__(self, said: str, where: str = "") -> None:
        super().__init__(said)
        self.where = where


class Questioned(Exception):
    """It is done only when somebody says that it is right all the same: a sentence for each."""

    def __init__(self, questions: list[str]) -> None:
        super().__init__(" ".join(questions))
        self.questions = questions


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a meter is wired: a concentrator's id, a bus of it, an address there. Empty: none."""

    device: str
    bus: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody says of an act: when it happened at the place, why, and what else to know.

    `is_sure`: they have seen the questions.
    """

    at: datetime
    now: datetime
    reason: str
    note: str = ""
    is_sure: bool = False


@dataclass(frozen=True, slots=True)
class Displays:
    """What was read off: `finals` of the meter that goes, `firsts` of the one that comes; and what
    is `stored` of the one that goes, the last of each register up to then.
    """

    finals: Sequence[Amount] = ()
    firsts: Sequence[Amount] = ()
    stored: Sequence[tuple[Amount, datetime]] = field(default=())


async def add(
        connection: Connection, reach: Reach, actor: Actor, serial: str, model: str, point: str,
        spot: Spot, schedule: str, saying: Saying) -> None:
    """A meter at a delivery point that has none. One that was archived may come back.

    Raises MeterRefused.
    """
    _check_cells(serial=serial, model=model, delivery_point=point)
    reason = _said(saying)
    await store.lock_tenant(connection, reach.tenant_id)
    concentrator, bus = await _spot(connection, reach, spot, "")
    place = await store.point_id(connection, reach.tenant_id, point)
    if place is not None:
        await _check_free(connection, reach, point, place, saying.at)
    else:
        place = await store.make_point(connection, reach.tenant_id, point, concentrator)
    meter = await _meter(connection, reach, serial, model, place, concentrator, bus,
                         spot.address, schedule, saying.at)
    await store.begin(connection, meter, place, saying.at)
    detail = {"delivery point": point, **_where(spot), **_note(saying)}
    await store.note_act(connection, meter, "added", saying.at, actor.name, reason, detail)
    await note(connection, actor, acts.METER_ADDED, serial, at=saying.at.isoformat(),
               reason=reason, **_plain(detail))


async def replace(
        connection: Connection, reach: Reach, actor: Actor, serial: str, new: str, model: str,
        spot: Spot | None, displays: Displays, saying: Saying) -> None:
    """Another meter takes the place of one, which is archived. `spot` None: where the old one was.

    Raises MeterRefused, Questioned.
    """
    _check_cells(serial=new, model=model)
    reason = _said(saying)
    await store.lock_tenant(connection, reach.tenant_id)
    old = await _known(connection, reach, serial)
    if new == serial:
        raise MeterRefused("The new meter has the old one's serial: read its label once more.",
                           "serial")
    number, since = await _installation(connection, old, saying.at)
    _question(displays, saying)
    await store.archive(connection, old.meter_id, saying.at)
    await store.end(connection, number, saying.at, displays.finals)
    at = spot if spot is not None else Spot(
        old.device_id.hex(), old.bus or "", old.address or "")
    concentrator, bus = await _spot(connection, reach, at, "")
    meter = await _meter(
        connection, reach, new, model, old.delivery_point_id, concentrator, bus, at.address,
        old.schedule or "", saying.at)
    await store.begin(connection, meter, old.delivery_point_id, saying.at, displays.firsts)
    read = {"final": amounts.shown(displays.finals), "first": amounts.shown(displays.firsts)}
    await store.note_act(
        connection, old.meter_id, "replaced", saying.at, actor.name, reason,
        {"by": new, "delivery point": old.delivery_point, "final": read["final"], **_note(saying)})
    await store.note_act(
        connection, meter, "replaces", saying.at, actor.name, reason,
        {"meter": serial, "delivery point": old.delivery_point, "first": read["first"],
         **_where(at), **_note(saying)})
    await note(connection, actor, acts.METER_REPLACED, serial, by=new, at=saying.at.isoformat(),
               delivery_point=old.delivery_point, reason=reason, **read, **_sure(saying))


async def move(
        connection: Connection, reach: Reach, actor: Actor, serial: str, spot: Spot,
        point: str, displays: Displays, saying: Saying) -> None:
    """A meter is wired elsewhere, or measures another delivery point (empty: the same one).

    Its display shows the same before and after: `finals` are the firsts of the new delivery point.
    Raises MeterRefused, Questioned.
    """
    reason = _said(saying)
    await store.lock_tenant(connection, reach.tenant_id)
    meter = await _known(connection, reach, serial)
    concentrator, bus = await _spot(connection, reach, spot, serial)
    goes = bool(point) and point != meter.delivery_point
    before = Spot(meter.device_id.hex(), meter.bus or "", meter.address or "")
    if not goes and before == spot:
        raise MeterRefused("It is there already: nothing would change.")
    place = meter.delivery_point_id
    number, _ = await _installation(connection, meter, saying.at)
    if goes:
        _check_cells(delivery_point=point)
        _question(displays, saying)
        found = await store.point_id(connection, reach.tenant_id, point)
        if found is not None:
            await _check_free(connection, reach, point, found, saying.at)
        place = found if found is not None else await store.make_point(
            connection, reach.tenant_id, point, concentrator)
        await store.end(connection, number, saying.at, displays.finals)
        await store.begin(connection, meter.meter_id, place, saying.at, displays.finals)
    if concentrator != meter.concentrator_id:
        await store.leave(connection, meter.meter_id, before=meter.concentrator_id,
                          after=concentrator, at=saying.at)
    await store.place_meter(connection, meter.meter_id, point=place, concentrator=concentrator,
                            bus=bus, address=spot.address or None)
    detail = {"from": _place_text(before), "to": _place_text(spot)}
    if goes:
        detail |= {"delivery point before": meter.delivery_point, "delivery point": point,
                   "reading": amounts.shown(displays.finals)}
    detail |= _note(saying)
    await store.note_act(connection, meter.meter_id, "moved", saying.at, actor.name, reason, detail)
    await note(connection, actor, acts.METER_MOVED, serial, at=saying.at.isoformat(),
               reason=reason, **_plain(detail), **_sure(saying))


async def archive(
        connection: Connection, reach: Reach, actor: Actor, serial: str, displays: Displays,
        saying: Saying) -> None:
    """A meter is taken away and none takes its place. Raises MeterRefused, Questioned."""
    reason = _said(saying)
    await store.lock_tenant(connection, reach.tenant_id)
    meter = await _known(connection, reach, serial)
    number, _ = await _installation(connection, meter, saying.at)
    _question(displays, saying)
    await store.archive(connection, meter.meter_id, saying.at)
    await store.end(connection, number, saying.at, displays.finals)
    detail = {"delivery point": meter.delivery_point, "final": amounts.shown(displays.finals),
              **_note(saying)}
    await store.note_act(
        connection, meter.meter_id, "archived", saying.at, actor.name, reason, detail)
    await note(connection, actor, acts.METER_ARCHIVED, serial, at=saying.at.isoformat(),
               reason=reason, **_plain(detail), **_sure(saying))


async def choose_schedule(
        connection: Connection, reach: Reach, actor: Actor, serial: str, schedule: str) -> None:
    """By which schedule a meter is to be read, empty: as most of its concentrator. Nothing is sent
    by that. Raises MeterRefused.
    """
    await store.lock_tenant(connection, reach.tenant_id)
    meter = await _known(connection, reach, serial)
    number = None
    if schedule:
        found = await store.schedule_of(connection, reach.tenant_id, schedule)
        if found is None:
            raise MeterRefused("There is no schedule %s for whole meters." % shown(schedule),
                               "schedule")
        number = found[0]
    await store.set_schedule(connection, meter.meter_id, number)
    await note(connection, actor, acts.CONFIGURATION_SET, "meter " + serial,
               schedule_before=meter.schedule or "", schedule=schedule)


def questions(displays: Displays) -> list[str]:
    """What is strange about final readings, a sentence each, with both values."""
    said = []
    for final in displays.finals:
        for last, at in displays.stored:
            if last.obis == final.obis and last.unit == final.unit and (
                    amounts.compare(final, last) < 0):
                said.append(
                    "%s: the final reading %s is lower than the last one stored, %s of %s." % (
                        obis_to_text(final.obis), final.text(), last.text(),
                        at.strftime("%Y-%m-%d %H:%M UTC")))
    return said


def _question(displays: Displays, saying: Saying) -> None:
    for some in (displays.finals, displays.firsts):
        if len(some) > AMOUNTS_MAX or len({a.obis for a in some}) < len(some):
            raise MeterRefused("Readings: wanted each register once, %d at most." % AMOUNTS_MAX)
    found = questions(displays)
    if found and not saying.is_sure:
        raise Questioned(found)


async def _known(connection: Connection, reach: Reach, serial: str) -> Known:
    found = await store.known(connection, reach, serial)
    if found is None:
        raise MeterRefused("There is no meter %s." % serial, "serial")
    if found.archived_at is not None:
        raise MeterRefused("Meter %s was archived: what is to be done with it begins with adding "
                           "it again." % serial)
    return found


async def _installation(
        connection: Connection, meter: Known, at: datetime) -> tuple[int, datetime | None]:
    """Where the meter is; of one of which nobody has said anything it is kept now, since ever."""
    found = await store.open_installation(connection, meter.meter_id)
    if found is None:
        number = await store.begin(connection, meter.meter_id, meter.delivery_point_id, None)
        return number, None
    number, since = found
    if since is not None and at <= since:
        raise MeterRefused("Meter %s came there at %s, which is not before %s." % (
            meter.serial, _moment(since), _moment(at)), "at")
    return number, since


async def _check_free(
        connection: Connection, reach: Reach, name: str, point: int, at: datetime) -> None:
    there = await store.at_point(connection, reach.tenant_id, point)
    if there:
        raise MeterRefused("Delivery point %s has meter %s: replace that one." % (
            name, there[0].serial), "delivery_point")
    for one in await store.installations(connection, point=point, most=1000):
        if one.ended_at is not None and one.ended_at > at:
            raise MeterRefused("Meter %s was at %s until %s, which is after %s." % (
                one.serial, name, _moment(one.ended_at), _moment(at)), "at")


async def _spot(
        connection: Connection, reach: Reach, spot: Spot, serial: str) -> tuple[int, int | None]:
    """(concentrator, bus) of a spot that is free, or is the meter's own."""
    is_id = len(spot.device) == 16 and set(spot.device) <= set("0123456789abcdef")
    concentrator = await store.concentrator_id(
        connection, reach, id_from_text(spot.device)) if is_id else None
    if concentrator is None:
        raise MeterRefused("There is no concentrator %s." % shown(spot.device), "concentrator")
    if not spot.bus:
        if spot.address:
            raise MeterRefused("Say on which bus the address is.", "bus")
        return concentrator, None
    bus = await store.bus_id(connection, concentrator, spot.bus)
    if bus is None:
        has = ", ".join(await store.buses(connection, concentrator)) or "none"
        raise MeterRefused("The concentrator has no bus %s; it has %s." % (
            shown(spot.bus), has), "bus")
    if spot.address:
        _check_cells(address=spot.address)
        other = await store.who_has_address(connection, bus, spot.address)
        if other is not None and other != serial:
            raise MeterRefused("Address %s of bus %s is meter %s's." % (
                spot.address, spot.bus, other), "address")
    return concentrator, bus


async def _meter(
        connection: Connection, reach: Reach, serial: str, model: str, point: int,
        concentrator: int, bus: int | None, address: str, schedule: str, at: datetime) -> int:
    """The number of a meter that is new, or that was archived and comes back."""
    chosen: tuple[int | None, int, int] = (None, store.DEFAULT_PERIOD_S, 0)
    if schedule:
        found = await store.schedule_of(connection, reach.tenant_id, schedule)
        if found is None:
            raise MeterRefused("There is no schedule %s for whole meters." % shown(schedule),
                               "schedule")
        chosen = found
    if not await store.serial_is_known(connection, reach.tenant_id, serial):
        return await store.add_meter(
            connection, reach.tenant_id, serial, model, point=point, concentrator=concentrator,
            bus=bus, address=address or None, schedule=chosen[0], period_s=chosen[1],
            offset_s=chosen[2])
    old = await store.known(connection, reach, serial)
    if old is None or old.archived_at is None:
        raise MeterRefused("There is a meter %s already%s." % (
            serial, "" if old is None else ", at delivery point " + old.delivery_point), "serial")
    if old.archived_at > at:
        raise MeterRefused("Meter %s was archived as of %s, which is after %s." % (
            serial, _moment(old.archived_at), _moment(at)), "at")
    await store.come_back(
        connection, old.meter_id, model=model, schedule=chosen[0], period_s=chosen[1],
        offset_s=chosen[2])
    if concentrator != old.concentrator_id:
        await store.leave(connection, old.meter_id, before=old.concentrator_id,
                          after=concentrator, at=old.archived_at)
    await store.place_meter(connection, old.meter_id, point=point, concentrator=concentrator,
                            bus=bus, address=address or None)
    return old.meter_id


def _check_cells(**cells: str) -> None:
    for column, cell in cells.items():
        wanted = _CHECKS["name" if column == "serial" else column](cell)
        if wanted:
            raise MeterRefused("%s: wanted %s, got %s." % (
                column.replace("_", " "), wanted, shown(cell)), column)


def _said(saying: Saying) -> str:
    """The reason, checked with the rest of what was said."""
    reason = " ".join(saying.reason.split())
    if not (REASON_LEAST <= len(reason) <= REASON_MAX and reason.isprintable()):
        raise MeterRefused("Say why, in %d..%d characters: it is kept." % (
            REASON_LEAST, REASON_MAX), "reason")
    if len(saying.note) > NOTE_MAX or not " ".join(saying.note.split()).isprintable():
        raise MeterRefused("Note: wanted at most %d printable characters." % NOTE_MAX, "note")
    if saying.at > saying.now:
        raise MeterRefused("%s has not come yet: say when it happened." % _moment(saying.at), "at")
    return reason


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _note(saying: Saying) -> dict[str, str]:
    text = " ".join(saying.note.split())
    return {"note": text} if text else {}


def _sure(saying: Saying) -> dict[str, str]:
    return {"confirmed": "yes"} if saying.is_sure else {}


def _where(spot: Spot) -> dict[str, str]:
    return {"at": _place_text(spot)}


def _place_text(spot: Spot) -> str:
    return " ".join([part for part in (
        spot.device, spot.bus and "bus " + spot.bus, spot.address and "address " + spot.address)
        if part])


def _plain(detail: dict[str, str]) -> dict[str, str]:
    """As names of the audit trail: `at` is the moment there."""
    return {("place" if name == "at" else name).replace(" ", "_"): text
            for name, text in detail.items()}
