"""The load profile of one register over a span: readings in order, gaps and revisions beside them.

Nothing is invented here: no value is interpolated, a row without the register is a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wum_cloud.database import Connection
from wum_cloud.readings import store
from wum_cloud.readings.gaps import Gap, find_gaps
from wum_cloud.registry.listing.store import Meter
from wum_shared.messages import Schedule
from wum_shared.status import ABSENT

ROWS_MAX = 100_000      # Of one question: 11 years of hours, or 11 days of 10-second readings.
REVISIONS_MAX = 1_000
SLOTS_MAX = 200_000     # Expected intervals that one question looks at.
PROFILE = 0


class TooLong(Exception):
    """The span holds more than one answer may: the sentence says what to ask instead."""


class UnknownRegister(Exception):
    """The meter never had this register: the sentence lists what it has."""


@dataclass(frozen=True, slots=True)
class Point:
    """One reading: value x 10^scaler in unit; `status` are flags of wum_shared/status.py."""

    captured_at: datetime
    value: int
    scaler: int
    unit: int
    status: int
    time_quality: int


@dataclass(frozen=True, slots=True)
class Series:
    """One register of one meter over start..end (end left out)."""

    obis: bytes
    start: datetime
    end: datetime
    points: Sequence[Point]
    gaps: Sequence[Gap]
    revisions: Sequence[store.Revision]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest reading of one register."""

    obis: bytes
    point: Point


async def load(
        connection: Connection, meter: Meter, obis: bytes, start: datetime, end: datetime,
        now: datetime, patience: timedelta = timedelta(),
) -> Series:
    """The series of register `obis`.

    Nothing is expected after `now` or before the meter was first asked; within `patience` before
    `now` only what a concentrator told of is missing, the rest may be under way.
    Raises TooLong, UnknownRegister.
    """
    schedule = Schedule(meter.period_s, meter.offset_s)
    _check_length(schedule, start, end)
    places = await _places(connection, meter, obis, start, end)
    rows = await store.rows(
        connection, meter.meter_id, PROFILE, {place.column for place in places.values()},
        start, end, ROWS_MAX + 1)
    if len(rows) > ROWS_MAX:
        raise TooLong("%d readings at most in one answer: ask for a shorter span" % ROWS_MAX)
    points = _points(rows, places)
    missed = await store.missed(connection, meter.meter_id, PROFILE, start, end, SLOTS_MAX)
    known = await store.first_known(connection, meter.meter_id, PROFILE)
    gaps = [] if known is None else find_gaps(
        schedule, max(start, known), min(end, now), [p.captured_at for p in points],
        [(m.captured_at, m.outcome) for m in missed], min(end, now - patience))
    revisions = await store.revisions(
        connection, meter.meter_id, PROFILE, obis, start, end, REVISIONS_MAX)
    return Series(obis, start, end, points, gaps, revisions)


async def newest(connection: Connection, meter: Meter) -> list[Newest]:
    """The newest reading of each register, in the order of the meter's register set."""
    rows = await store.newest_rows(connection, meter.meter_id, 8)
    if not rows:
        return []
    places = await store.places(connection, {row.register_set_id for row in rows})
    found: dict[bytes, Point] = {}
    for row in rows:  # A register that failed this time stood in one of the rows before.
        for obis, place in places[row.register_set_id].items():
            point = _point(row, place)
            if obis not in found and point is not None:
                found[obis] = point
    order = list(places[rows[0].register_set_id])
    known = sorted(found, key=lambda obis: order.index(obis) if obis in order else len(order))
    return [Newest(obis, found[obis]) for obis in known]


def _check_length(schedule: Schedule, start: datetime, end: datetime) -> None:
    slots = (end - start) / timedelta(seconds=schedule.period_s)
    if slots > SLOTS_MAX:
        raise TooLong("%d intervals at most in one answer, these are %d: ask for a shorter span"
                      % (SLOTS_MAX, slots))


async def _places(
        connection: Connection, meter: Meter, obis: bytes, start: datetime, end: datetime,
) -> dict[int, store.Place]:
    """Where the register stands in each register set; sets without it are left out."""
    known = await store.register_sets_of(connection, meter.meter_id)
    known |= await store.register_sets_between(connection, meter.meter_id, PROFILE, start, end)
    sets = await store.places(connection, known)
    found = {number: places[obis] for number, places in sets.items() if obis in places}
    if not found:
        raise UnknownRegister(meter.serial)
    return found


def _points(rows: list[store.StoredRow], places: dict[int, store.Place]) -> list[Point]:
    points = []
    for row in rows:
        place = places.get(row.register_set_id)
        point = None if place is None else _point(row, place)
        if point is not None:
            points.append(point)
    return points


def _point(row: store.StoredRow, place: store.Place) -> Point | None:
    value, status = row.value(place), row.status(place)
    if value is None:
        return None
    assert not status & ABSENT, "a value that is there has the flag of one that is not"
    return Point(row.captured_at.astimezone(UTC), value, place.register.scaler,
                 place.register.unit, status, row.time_quality)
