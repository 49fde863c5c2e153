"""One register of one meter by UTC days, out of the summaries. Left out: SQL (store.py).

Ten years cost as much as a month of hours, and the days stay when their readings were dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from wum_cloud.database import Connection
from wum_cloud.history import store
from wum_cloud.readings import series
from wum_cloud.readings import store as readings
from wum_cloud.registry.listing.store import Meter
from wum_cloud.registry.quantities import COLUMN_BY_OBIS
from wum_shared.messages import Register
from wum_shared.obis import obis_to_text

DAYS_MAX = 3_660
_SETS_MAX = 8           # Register sets of one day: more than one is rare.


@dataclass(frozen=True, slots=True)
class Value:
    """value x 10^scaler in unit, as it was read."""

    value: int
    scaler: int
    unit: int


@dataclass(frozen=True, slots=True)
class DayOfRegister:
    """Rows that a UTC day has, with the least and greatest value of the register."""

    day: date
    readings: int
    first_at: datetime
    last_at: datetime
    least: Value
    greatest: Value


@dataclass(frozen=True, slots=True)
class Days:
    """`pending`: days of the span that changed since they were summed up, or go on."""

    days: Sequence[DayOfRegister]
    pending: Sequence[date]


async def by_day(
        connection: Connection, meter: Meter, obis: bytes, first: date, last: date) -> Days:
    """The days of first..last (both included) that have a value. Raises UnknownRegister, TooLong.
    """
    if (last - first).days >= DAYS_MAX:
        raise series.TooLong("%d days at most in one answer: ask for fewer" % DAYS_MAX)
    column = COLUMN_BY_OBIS.get(obis)
    if column is None:
        raise series.UnknownRegister(
            "Days are summed up of standard quantities only, and %s is none: ask for its readings"
            % obis_to_text(obis))
    start, end = _midnight(first), _midnight(last + timedelta(days=1))
    found = await store.days(
        connection, meter.meter_id, series.PROFILE, column, start, end, DAYS_MAX * _SETS_MAX)
    sets = {one.register_set_id for one in found}
    known = await readings.places(
        connection, sets | await readings.register_sets_of(connection, meter.meter_id))
    if not any(obis in places for places in known.values()):
        raise series.UnknownRegister("Meter %s has no register %s" % (
            meter.serial, obis_to_text(obis)))
    registers = {number: places[obis].register for number, places in known.items()
                 if obis in places}
    return Days(_merged(found, registers),
                await store.pending(connection, meter.meter_id, first, last))


@dataclass(frozen=True, slots=True)
class Kept:
    """The UTC days of a meter that are summed up, from the first to the last, and its registers."""

    first: date
    last: date
    registers: Sequence[bytes]


async def kept(connection: Connection, meter: Meter) -> Kept | None:
    """What `by_day` can be asked of this meter; None: no day of it is summed up yet."""
    found = await store.kept(connection, meter.meter_id, series.PROFILE)
    if found is None:
        return None
    places = await readings.places(connection, set(found.register_sets))
    return Kept(
        found.first.astimezone(UTC).date(), found.last.astimezone(UTC).date(),
        list(dict.fromkeys([obis for number in sorted(places, reverse=True)
                            for obis in places[number] if obis in COLUMN_BY_OBIS])))


def _merged(
        found: Sequence[store.Day], registers: Mapping[int, Register]) -> list[DayOfRegister]:
    """One of each day; a day whose rows had several register sets is put together."""
    by_date: dict[date, DayOfRegister] = {}
    for one in found:
        register = registers.get(one.register_set_id)
        if register is None or one.least is None or one.greatest is None:
            continue
        day = one.day.astimezone(UTC).date()
        new = DayOfRegister(
            day, one.readings, one.first_at.astimezone(UTC), one.last_at.astimezone(UTC),
            Value(one.least, register.scaler, register.unit),
            Value(one.greatest, register.scaler, register.unit))
        by_date[day] = _both(by_date[day], new) if day in by_date else new
    return [by_date[day] for day in sorted(by_date)]


def _both(one: DayOfRegister, other: DayOfRegister) -> DayOfRegister:
    return DayOfRegister(
        one.day, one.readings + other.readings, min(one.first_at, other.first_at),
        max(one.last_at, other.last_at), min(one.least, other.least, key=_comparable),
        max(one.greatest, other.greatest, key=_comparable))


def _comparable(one: Value) -> int:
    """Exactly, whatever the scalers: an int8 is at least -128."""
    return int(one.value * 10 ** (one.scaler + 128))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
