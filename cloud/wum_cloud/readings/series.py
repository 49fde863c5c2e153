"""The load profile of one register, reading by reading: pages of a span, and the newest values.

Nothing is invented here: no value is interpolated, a row without the register is a gap. Left
out: spans of very many readings at once, see sketch.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wum_cloud.database import Connection
from wum_cloud.readings import store
from wum_cloud.readings.gaps import Gap, find_gaps, slot_begin
from wum_cloud.registry.listing.store import Meter
from wum_shared.messages import Schedule
from wum_shared.obis import obis_to_text
from wum_shared.status import ABSENT

REVISIONS_MAX = 1_000
SLOTS_MAX = 600_000     # Expected intervals of one question: a year of minutes.
PROFILE = 0
_NEWEST_ROWS = 8        # A register that failed is looked for in as many rows.


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
    """One register of one meter over start..end (end left out).

    `count` readings were captured; `points` are all of them, or those that an answer shows.
    """

    obis: bytes
    start: datetime
    end: datetime
    points: Sequence[Point]
    count: int
    gaps: Sequence[Gap]
    revisions: Sequence[store.Revision]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest reading of one register."""

    obis: bytes
    point: Point


async def page(
        connection: Connection, meter: Meter, obis: bytes, start: datetime, end: datetime,
        now: datetime, *, limit: int, continues: bool = False,
) -> tuple[Series, datetime | None]:
    """The readings from `start`, of at most `limit` rows, and where the next page starts.

    `continues`: this is not the first page of its span. Every slot is looked at on one page:
    the one on which it ends. Nothing is expected after `now`, nor from before the meter was first
    asked: it was not there. Raises TooLong, UnknownRegister.
    """
    [schedule] = await schedules_of(connection, meter, [obis])
    check_length(schedule, start, end)
    [places] = await places_of(connection, meter, [obis], start, end)
    columns = {place.column for place in places.values()}
    rows = await store.rows(
        connection, meter.meter_id, PROFILE, columns, start, end, limit + 1)
    following = rows[limit].captured_at.astimezone(UTC) if len(rows) > limit else None
    rows, end = rows[:limit], following or end
    points = points_of(rows, places)
    since = slot_begin(schedule, start) if continues else start
    before = await store.rows(
        connection, meter.meter_id, PROFILE, columns, since, start, meter.period_s)
    captured = [_seconds(p.captured_at) for p in points_of(before, places) + points]
    known = await store.first_known(connection, meter.meter_id, PROFILE)
    gaps = [] if known is None else find_gaps(
        schedule, max(since, known), min(end, now), captured,
        await store.missed(connection, meter.meter_id, PROFILE, since, end, places),
        [_seconds(row.captured_at) for row in before + rows
         if is_whole(meter, schedule) or row.register_set_id in places])
    return Series(obis, start, end, points, len(points), gaps, await store.revisions(
        connection, meter.meter_id, PROFILE, obis, start, end, REVISIONS_MAX)), following


async def newest(connection: Connection, meter: Meter) -> list[Newest]:
    """The newest reading of each register, in the order of the meter's register set."""
    rows = await store.newest_rows(connection, meter.meter_id, PROFILE, _NEWEST_ROWS)
    if not rows:
        return []
    rows += await store.seldom_rows(connection, meter.meter_id, PROFILE, rows[0].captured_at,
                                    {row.register_set_id for row in rows})
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


async def schedules_of(
        connection: Connection, meter: Meter, codes: Sequence[bytes]) -> list[Schedule]:
    """By which schedule each register is read: that of its set, or else the meter's."""
    own = await store.schedules(connection, meter.meter_id)
    return [Schedule(*own.get(code, (meter.period_s, meter.offset_s))) for code in codes]


def is_whole(meter: Meter, schedule: Schedule) -> bool:
    """Whether this is the meter's shortest schedule: then each of its rows is of an interval."""
    return schedule.period_s == meter.period_s


def check_length(schedule: Schedule, start: datetime, end: datetime) -> None:
    """Raises TooLong where start..end has more than SLOTS_MAX intervals."""
    slots = (end - start) / timedelta(seconds=schedule.period_s)
    if slots > SLOTS_MAX:
        raise TooLong("%d intervals at most in one answer, these are %d: ask for a shorter span"
                      % (SLOTS_MAX, slots))


async def places_of(
        connection: Connection, meter: Meter, codes: Sequence[bytes], start: datetime,
        end: datetime,
) -> list[dict[int, store.Place]]:
    """Where each register stands in each register set; sets without it are left out.

    Raises UnknownRegister.
    """
    known = await store.register_sets_of(connection, meter.meter_id)
    known |= await store.register_sets_between(connection, meter.meter_id, PROFILE, start, end)
    sets = await store.places(connection, known)
    found = []
    for obis in codes:
        found.append({number: places[obis] for number, places in sets.items() if obis in places})
        if not found[-1]:
            has = sorted({obis_to_text(code) for places in sets.values() for code in places})
            raise UnknownRegister("Meter %s has no register %s; it has %s" % (
                meter.serial, obis_to_text(obis), ", ".join(has) or "none yet"))
    return found


def points_of(rows: Sequence[store.StoredRow], places: Mapping[int, store.Place]) -> list[Point]:
    """The readings of one register in `rows`."""
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


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
