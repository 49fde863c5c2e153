"""The life of meters: adding, replacing, moving, archiving; and what delivery points used."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, Field

from wum_cloud.configuration import twin
from wum_cloud.database import Connection
from wum_cloud.readings import points
from wum_cloud.readings.days import day_edges, hour_edges
from wum_cloud.readings.series import TooLong
from wum_cloud.registry.life import acting, amounts, store
from wum_cloud.registry.life.acting import Displays, MeterRefused, Questioned, Saying, Spot
from wum_cloud.registry.life.amounts import Amount, BadAmount
from wum_cloud.registry.reach import Reach
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import Form, Moment
from wum_cloud.web.api.problems import not_found, refused
from wum_cloud.web.rights import MetersEditor, ReadingsCaller, RegistryCaller, RegistryEditor
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text, obis_to_text
from wum_shared.units import UNITS, scaled_to_text

router = APIRouter(tags=["meters"])

INTERVALS_MAX = 10_000
ACTS_MAX = 1_000
_Line = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]
_Long = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]


class DisplayForm(Form):
    """What a display shows of one register: a decimal in `unit`, such as 1234.5 and kWh."""

    obis: str = Field(alias="register", max_length=32, description="OBIS code.")
    value: Annotated[str, Field(max_length=32, pattern=r"^[^\x00]*$")]
    unit: Annotated[str, Field(max_length=16, pattern=r"^[^\x00]*$")]


_Displays = Annotated[list[DisplayForm], Field(max_length=acting.AMOUNTS_MAX)]


class ActForm(Form):
    """What every act says: when it happened there, why; `confirmed` answers what was questioned."""

    at: Moment | None = Field(None, description="When it happened; null: now.", strict=False)
    reason: Annotated[str, Field(min_length=5, max_length=200, pattern=r"^[^\x00]*$")]
    note: _Long = ""
    confirmed: bool = False


class SpotForm(Form):
    """Where a meter is wired."""

    concentrator: str = Field(max_length=16, description="Its id.")
    bus: _Line = ""
    address: _Line = ""


class NewMeterForm(ActForm):
    """A meter at a delivery point that has none."""

    serial: _Line
    model: _Line
    delivery_point: _Line
    spot: SpotForm
    schedule: _Line = ""


class ReplacementForm(ActForm):
    """Another meter in the place of one. `spot` null: where the old one was."""

    serial: _Line = Field(description="Of the new meter.")
    model: _Line
    spot: SpotForm | None = None
    finals: _Displays = []
    firsts: _Displays = []


class MoveForm(ActForm):
    """Where a meter goes; `readings` where it measures another delivery point from now on."""

    spot: SpotForm
    delivery_point: _Line = ""
    readings: _Displays = []


class ArchivingForm(ActForm):
    """A meter goes and none comes."""

    finals: _Displays = []


class KeptForm(Form):
    """A reading that was kept: value x 10^scaler in `unit`; `decimal` is as people write it."""

    obis: str = Field(serialization_alias="register", description="OBIS code.")
    value: int
    scaler: int
    unit: str
    decimal: str = Field(description="With its unit: 1234.5 kWh.")


class InstallationForm(Form):
    """A meter at a delivery point. `from` null: since before anybody said; `to` null: still."""

    meter: str
    delivery_point: str
    from_: AwareDatetime | None = Field(serialization_alias="from")
    to: AwareDatetime | None
    firsts: list[KeptForm]
    finals: list[KeptForm]


class LineForm(Form):
    """Something that somebody did. `at` is when it happened, `said_at` when it was said."""

    meter: str
    act: str
    at: AwareDatetime
    said_at: AwareDatetime
    said_by: str
    reason: str
    detail: dict[str, str]


class OfMeterForm(Form):
    """A meter's part of its concentrator's configuration: `wanted`, `reported`, and how it stands:
    in force, on its way, refused, to be sent, to be mended. `number` is that configuration's."""

    state: str
    number: int | None
    told: str
    wanted: dict[str, int | str] | None
    reported: dict[str, int | str] | None


class LifeForm(Form):
    """Where a meter, or a delivery point's meters, were, the oldest first; and what was done, the
    newest first."""

    installations: list[InstallationForm]
    acts: list[LineForm]
    configuration: OfMeterForm | None = Field(None, description="Of a meter; else null.")


class UsedForm(Form):
    """What was used; null: not known. `open`: the interval goes on."""

    from_: AwareDatetime = Field(serialization_alias="from")
    to: AwareDatetime
    value: int | None
    decimal: str | None
    open: bool
    meters: list[str]


class PointGapForm(Form):
    """A span of which something is not known, or in which no meter was there."""

    from_: AwareDatetime = Field(serialization_alias="from")
    to: AwareDatetime
    reason: str


class ConsumptionForm(Form):
    """One register of a delivery point over all its meters: value x 10^scaler in `unit`."""

    delivery_point: str
    obis: str = Field(serialization_alias="register", description="OBIS code.")
    scaler: int
    unit: str
    intervals: list[UsedForm]
    gaps: list[PointGapForm]


@contextmanager
def _asked_back() -> Iterator[None]:
    """What is questioned is answered with the question, and with how to insist."""
    try:
        yield
    except Questioned as error:
        raise refused(409, "%s Say \"confirmed\" if it is so." % error) from error


@router.post("/meters", status_code=201)
async def add_meter(
        request: Request, account: MetersEditor, database: Database, wanted: NewMeterForm,
) -> None:
    """Add a meter to a delivery point that has none; the delivery point is made where it is new."""
    async with database.connection() as connection:
        await acting.add(
            connection, account.reach, actor_of(request, account), wanted.serial, wanted.model,
            wanted.delivery_point, _spot(wanted.spot), wanted.schedule, _saying(wanted))


@router.post("/meters/{serial}/replacement", status_code=201)
async def replace_meter(
        request: Request, serial: str, account: MetersEditor, database: Database,
        wanted: ReplacementForm) -> None:
    """Replace a meter: it is archived, and the delivery point's series goes on with the new one."""
    said = _saying(wanted)
    async with database.connection() as connection:
        number = await _number(connection, account.reach, serial)
        units = await _units(connection, number)
        displays = Displays(
            _amounts(wanted.finals, units), _amounts(wanted.firsts, units),
            await points.stored_until(connection, number, said.at))
        with _asked_back():
            await acting.replace(
                connection, account.reach, actor_of(request, account), serial, wanted.serial,
                wanted.model, None if wanted.spot is None else _spot(wanted.spot), displays, said)


@router.post("/meters/{serial}/move", status_code=204)
async def move_meter(
        request: Request, serial: str, account: MetersEditor, database: Database,
        wanted: MoveForm) -> None:
    """Wire a meter to another address, bus or concentrator, or let it measure another delivery
    point."""
    said = _saying(wanted)
    async with database.connection() as connection:
        number = await _number(connection, account.reach, serial)
        displays = Displays(_amounts(wanted.readings, await _units(connection, number)), (),
                            await points.stored_until(connection, number, said.at))
        with _asked_back():
            await acting.move(
                connection, account.reach, actor_of(request, account), serial, _spot(wanted.spot),
                wanted.delivery_point, displays, said)


@router.post("/meters/{serial}/archiving", status_code=204)
async def archive_meter(
        request: Request, serial: str, account: MetersEditor, database: Database,
        wanted: ArchivingForm) -> None:
    """Take a meter away. Its readings stay; nothing is expected of it any more."""
    said = _saying(wanted)
    async with database.connection() as connection:
        number = await _number(connection, account.reach, serial)
        displays = Displays(_amounts(wanted.finals, await _units(connection, number)), (),
                            await points.stored_until(connection, number, said.at))
        with _asked_back():
            await acting.archive(
                connection, account.reach, actor_of(request, account), serial, displays, said)


class ChosenForm(Form):
    """The name of a schedule; empty: as most meters of its concentrator are read."""

    schedule: _Line


@router.put("/meters/{serial}/schedule", status_code=204)
async def choose_schedule(
        request: Request, serial: str, account: RegistryEditor, database: Database,
        wanted: ChosenForm) -> None:
    """By which schedule a meter is to be read. Nothing is sent by that."""
    async with database.connection() as connection:
        await _number(connection, account.reach, serial)
        await acting.choose_schedule(
            connection, account.reach, actor_of(request, account), serial, wanted.schedule)


@router.get("/meters/{serial}/life")
async def show_life(serial: str, account: RegistryCaller, database: Database) -> LifeForm:
    """Where a meter was and when, and who did what with it."""
    async with database.connection() as connection:
        meter = await store.known(connection, account.reach, serial)
        if meter is None:
            raise not_found("meter", serial)
        installed = await store.installations(
            connection, meter=meter.meter_id, most=points.METERS_MAX)
        acts = await store.acts(connection, [meter.meter_id], ACTS_MAX)
        whole = await twin.twin_of(connection, account.reach, meter.device_id)
    found = _life(installed, acts)
    if whole is not None:
        own = twin.of_meter(whole, serial)
        found.configuration = OfMeterForm(
            state=own.state, number=own.number, told=own.told, wanted=own.wanted,
            reported=own.reported)
    return found


_Point = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$")]


@router.get("/delivery-points/{name}")
async def show_delivery_point(
        name: _Point, account: RegistryCaller, database: Database) -> LifeForm:
    """The meters of a delivery point, one after another."""
    async with database.connection() as connection:
        point = await store.point_in_reach(connection, account.reach, name)
        if point is None:
            raise not_found("delivery point", name)
        installed = await store.installations(connection, point=point, most=points.METERS_MAX)
        return _life(installed, await store.acts(
            connection, [one.meter_id for one in installed], ACTS_MAX))


@router.get("/delivery-points/{name}/consumption")
async def delivery_point_consumption(
        name: _Point, account: ReadingsCaller, database: Database,
        register: Annotated[str, Query(description="OBIS code, such as 1-0:1.8.0.")],
        from_: Annotated[Moment, Query(alias="from", description="RFC 3339, with zone.")],
        to: Annotated[Moment, Query(description="Left out of the span.")],
        by: Annotated[Literal["hour", "day", "span"], Query()] = "day",
) -> ConsumptionForm:
    """What a delivery point used by hour (UTC), day (of its site's zone) or in all, over all meters
    that were there: (final - before) + (after - first) over a replacement. Gaps are told."""
    try:
        obis = obis_from_text(register)
    except Malformed as error:
        raise refused(422, "register: %s." % error) from error
    if from_ >= to:
        raise refused(422, "from: wanted a moment before `to`.")
    if by != "span" and (to - from_) / timedelta(hours=1 if by == "hour" else 24) > INTERVALS_MAX:
        raise refused(422, "from, to: %d intervals at most in one answer." % INTERVALS_MAX)
    async with database.connection() as connection:
        point = await store.point_in_reach(connection, account.reach, name)
        if point is None:
            raise not_found("delivery point", name)
        installed = await store.installations(connection, point=point, most=points.METERS_MAX)
        try:
            zone, period = await store.zone_and_period(connection, point)
            found = await points.consumption(
                connection, installed, obis, _edges(by, from_, to, zone), period)
        except (TooLong, points.Ambiguous) as error:
            raise refused(422, "%s." % error) from error
        except points.NoRegister as error:
            raise refused(404, "%s." % error) from error
    return ConsumptionForm(
        delivery_point=name, obis=obis_to_text(obis), scaler=found.scaler,
        unit=UNITS.get(found.unit, "unit %d" % found.unit),
        intervals=[UsedForm(
            from_=i.start, to=i.end, value=i.value, open=i.open, meters=list(i.meters),
            decimal=None if i.value is None else scaled_to_text(i.value, found.scaler))
            for i in found.intervals],
        gaps=[PointGapForm(from_=g.start, to=g.end, reason=g.reason) for g in found.gaps])


def _edges(by: str, start: datetime, end: datetime, zone: str) -> list[datetime]:
    if by == "span":
        return [start, end]
    return hour_edges(start, end) if by == "hour" else day_edges(start, end, ZoneInfo(zone))


async def _number(connection: Connection, reach: Reach, serial: str) -> int:
    found = await store.known(connection, reach, serial)
    if found is None:
        raise not_found("meter", serial)
    return found.meter_id


def _saying(wanted: ActForm) -> Saying:
    now = datetime.now(UTC)
    return Saying(wanted.at or now, now, wanted.reason, wanted.note, wanted.confirmed)


def _spot(form: SpotForm) -> Spot:
    return Spot(form.concentrator, form.bus, form.address)


async def _units(connection: Connection, meter: int) -> dict[bytes, int]:
    return {r.obis: r.unit for r in await points.counted(connection, meter)}


def _amounts(forms: Sequence[DisplayForm], units: dict[bytes, int]) -> list[Amount]:
    """In the units of the meter, where it has these registers. Raises MeterRefused."""
    found = []
    for form in forms:
        try:
            obis = obis_from_text(form.obis)
            found.append(amounts.parse(
                obis, amounts.unit_of(form.unit, units.get(obis)), form.value))
        except (Malformed, BadAmount) as error:
            raise MeterRefused(str(error), "readings") from error
    return found


def _life(installed: Sequence[store.Installation], acts: Sequence[store.Act]) -> LifeForm:
    return LifeForm(
        installations=[InstallationForm(
            meter=i.serial, delivery_point=i.delivery_point, from_=i.began_at, to=i.ended_at,
            firsts=[_kept(a) for a in i.firsts], finals=[_kept(a) for a in i.finals])
            for i in installed],
        acts=[LineForm(meter=a.serial, act=a.act, at=a.at, said_at=a.said_at, said_by=a.said_by,
                       reason=a.reason, detail=a.detail) for a in acts], configuration=None)


def _kept(a: Amount) -> KeptForm:
    return KeptForm(obis=obis_to_text(a.obis), value=a.value, scaler=a.scaler,
                    unit=UNITS.get(a.unit, "unit %d" % a.unit), decimal=a.text())
