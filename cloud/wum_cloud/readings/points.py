"""Delivery points: what was used there, over all meters that were there; and what a meter counts.

Left out: joining (joined.py, pure), and who installs what (registry/life).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wum_cloud.database import Connection
from wum_cloud.readings import columns, store
from wum_cloud.readings.joined import Count, Gap, Stay, Used, used
from wum_cloud.readings.series import PROFILE, TooLong, points_of
from wum_cloud.readings.sketch import ROWS_MAX
from wum_cloud.registry.life.amounts import Amount, is_counted
from wum_cloud.registry.life.store import Installation
from wum_shared.messages import Register
from wum_shared.obis import obis_to_text

METERS_MAX = 100        # One after another at a delivery point.
_NEWEST_ROWS = 8        # A register that failed is looked for in as many rows.


class Ambiguous(Exception):
    """Two meters were there at once: the sentence says which."""


class NoRegister(Exception):
    """No meter of the delivery point counts this: the sentence lists what they count."""


@dataclass(frozen=True, slots=True)
class Consumption:
    """One register of a delivery point, by intervals: value x 10^scaler in unit."""

    scaler: int
    unit: int
    intervals: Sequence[Used]
    gaps: Sequence[Gap]


async def counted(connection: Connection, meter: int) -> list[Register]:
    """The registers of a meter that count up, in the order of its register sets."""
    places = await store.places(connection, await store.register_sets_of(connection, meter))
    newest = await store.newest_rows(connection, meter, PROFILE, 1)
    if newest:
        places |= await store.places(connection, {newest[0].register_set_id})
    found: dict[bytes, Register] = {}
    for number in sorted(places):
        for obis, place in places[number].items():
            if is_counted(obis, place.register.unit):
                found.setdefault(obis, place.register)
    return list(found.values())


async def stored_until(
        connection: Connection, meter: int, at: datetime) -> list[tuple[Amount, datetime]]:
    """The newest reading of each register that counts up, captured at `at` or before."""
    rows = await store.rows_until(connection, meter, PROFILE, at, _NEWEST_ROWS)
    rows += await store.seldom_rows(
        connection, meter, PROFILE, at, {row.register_set_id for row in rows})
    places = await store.places(connection, {row.register_set_id for row in rows})
    found: dict[bytes, tuple[Amount, datetime]] = {}
    for row in rows:
        for obis, place in places[row.register_set_id].items():
            value = row.value(place)
            if value is not None and obis not in found and is_counted(obis, place.register.unit):
                found[obis] = (Amount(obis, value, place.register.scaler, place.register.unit),
                               row.captured_at.astimezone(UTC))
    return [found[obis] for obis in sorted(found)]


async def consumption(
        connection: Connection, installed: Sequence[Installation], obis: bytes,
        edges: Sequence[datetime], period: timedelta,
) -> Consumption:
    """What was used between neighbouring `edges`. Raises Ambiguous, NoRegister, TooLong."""
    check_order(installed)
    places = {one.meter_id: await _places(connection, one.meter_id, obis, edges[0],
                                          edges[-1] + period) for one in installed}
    registers = [place.register for sets in places.values() for place in sets.values()]
    said = [a for one in installed for _, a in one.readings if a.obis == obis]
    units = [r.unit for r in registers] + [a.unit for a in said]
    if not units:
        await _refuse(connection, installed, obis)
    unit = units[0]
    finest = min([r.scaler for r in registers if r.unit == unit]
                 + [a.scaler for a in said if a.unit == unit])
    stays = [await _stay(connection, one, places[one.meter_id], obis, unit, finest, edges, period)
             for one in installed]
    found, gaps = used(stays, edges, period)
    return Consumption(finest, unit, found, gaps)


def check_order(installed: Sequence[Installation]) -> None:
    """Raises Ambiguous where one came before another went: nobody has said which replaced which."""
    for before, after in zip(installed, installed[1:], strict=False):
        if before.ended_at is None or after.began_at is None or before.ended_at > after.began_at:
            raise Ambiguous(
                "Meters %s and %s are at delivery point %s at once: say on the page of the one "
                "that is gone what became of it" % (
                    before.serial, after.serial, after.delivery_point))


async def _refuse(
        connection: Connection, installed: Sequence[Installation], obis: bytes) -> None:
    has = [obis_to_text(r.obis) for one in installed
           for r in await counted(connection, one.meter_id)]
    raise NoRegister("No meter of this delivery point counts %s; they count %s" % (
        obis_to_text(obis), ", ".join(dict.fromkeys(has)) or "nothing yet"))


async def _places(
        connection: Connection, meter: int, obis: bytes, start: datetime, end: datetime,
) -> dict[int, store.Place]:
    """Where a register stands in each register set that the meter has, or had then."""
    sets = await store.register_sets_of(connection, meter)
    sets |= await store.register_sets_between(connection, meter, PROFILE, start, end)
    found = await store.places(connection, sets)
    return {number: places[obis] for number, places in found.items() if obis in places}


async def _stay(
        connection: Connection, one: Installation, places: dict[int, store.Place], obis: bytes,
        unit: int, finest: int, edges: Sequence[datetime], period: timedelta) -> Stay:
    """A meter's counts that the edges need: at each edge within its time there, first and last."""
    start = edges[0] if one.began_at is None else max(edges[0], one.began_at)
    end = edges[-1] + period
    if one.ended_at is not None:
        end = min(end, one.ended_at + timedelta(microseconds=1))
    places = {number: place for number, place in places.items() if place.register.unit == unit}
    counts: list[Count] = []
    if start < end and places:
        counts = await _counts(
            connection, one.meter_id, places, finest, start, end,
            [edge for edge in edges if start < edge < end])

    def read(said: Sequence[Amount]) -> int | None:
        return next((a.at(finest) for a in said if a.obis == obis and a.unit == unit), None)
    return Stay(one.serial, one.began_at, one.ended_at, counts, read(one.firsts), read(one.finals))


async def _counts(
        connection: Connection, meter: int, places: dict[int, store.Place], finest: int,
        start: datetime, end: datetime, edges: Sequence[datetime]) -> list[Count]:
    found = await store.columns(connection, meter, PROFILE, [places], start, end, ROWS_MAX + 1)
    if len(found.captured_s) > ROWS_MAX:
        raise TooLong("%d readings at most in one answer: ask for a shorter span" % ROWS_MAX)
    chosen = columns.after_edges(found, [start, *edges])
    moments = [datetime.fromtimestamp(at, UTC) for at in found.captured_s[chosen].tolist()]
    rows = await store.rows_at(
        connection, meter, PROFILE, {place.column for place in places.values()}, moments)
    return [Count(p.captured_at, p.value * 10 ** (p.scaler - finest))
            for p in points_of(rows, places)]
