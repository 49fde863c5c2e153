"""Answers from very many readings: a plot's outline, the energy at edges, hours and days.

The rows of a span come as columns, in one question; which of them an answer needs is chosen
there (columns.py), away from the event loop, and only those become points.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from wum_cloud.database import Connection
from wum_cloud.readings import columns, store
from wum_cloud.readings.columns import Column, Columns
from wum_cloud.readings.gaps import Gap, find_gaps
from wum_cloud.readings.series import (
    PROFILE,
    REVISIONS_MAX,
    Point,
    Series,
    TooLong,
    check_length,
    is_whole,
    places_of,
    points_of,
    schedules_of,
)
from wum_cloud.registry.listing.store import Meter

ROWS_MAX = 600_000  # Of one question; a month of 10-second readings has 267,840.


@dataclass(frozen=True, slots=True)
class Wait:
    """What is expected of a meter: nothing after `now`, nor from before it was first asked.

    Within `patience` before `now` only what a concentrator told of is missing: the rest may be
    under way.
    """

    now: datetime
    patience: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Bucket:
    """Readings captured in start..end (end left out); there is at least one."""

    start: datetime
    end: datetime
    readings: int
    first: Point
    last: Point
    least: Point
    greatest: Point


async def sketch(
        connection: Connection, meter: Meter, codes: Sequence[bytes], start: datetime,
        end: datetime, wait: Wait, *, pixels: int, newest: int,
) -> list[Series]:
    """The registers `codes` over a span, for a plot `pixels` wide and a list of `newest` rows.

    Points are all readings, or those with every peak and the newest rows. Raises TooLong,
    UnknownRegister.
    """
    def choose(found: Columns) -> Column:
        return np.union1d(
            columns.extremes(found, start, end, pixels), columns.newest(found, newest))
    return await _load(connection, meter, codes, start, end, wait, choose)


async def at_edges(
        connection: Connection, meter: Meter, obis: bytes, edges: Sequence[datetime],
        end: datetime, wait: Wait,
) -> Series:
    """The first reading at or after each edge, and the newest before `end`.

    Raises TooLong, UnknownRegister.
    """
    def choose(found: Columns) -> Column:
        return columns.after_edges(found, edges)
    [series] = await _load(connection, meter, [obis], edges[0], end, wait, choose)
    return series


async def grouped(
        connection: Connection, meter: Meter, obis: bytes, start: datetime, end: datetime,
        wait: Wait, edges: Sequence[datetime],
) -> tuple[Series, list[Bucket]]:
    """The readings of start..end between neighbouring `edges`; its points are the buckets'.

    No mean and no difference is made: what a bucket says was read from the meter. Raises TooLong,
    UnknownRegister.
    """
    groups: list[columns.Group] = []
    seconds: list[int] = []

    def choose(found: Columns) -> Column:
        groups.extend(columns.groups(found, edges))
        seconds.extend(found.captured_s.tolist())
        return np.unique(np.asarray(
            [p for g in groups for p in (g.first, g.last, g.least, g.greatest)], np.int64))
    [series] = await _load(connection, meter, [obis], start, end, wait, choose)
    by_time = {int(point.captured_at.timestamp()): point for point in series.points}

    def point(place: int) -> Point:
        return by_time[seconds[place]]
    return series, [
        Bucket(g.start, g.end, g.readings, point(g.first), point(g.last), point(g.least),
               point(g.greatest)) for g in groups]


async def _load(
        connection: Connection, meter: Meter, codes: Sequence[bytes], start: datetime,
        end: datetime, wait: Wait, choose: Callable[[Columns], Column],
) -> list[Series]:
    schedules = await schedules_of(connection, meter, codes)
    check_length(min(schedules), start, end)
    places = await places_of(connection, meter, codes, start, end)
    found = await store.columns(
        connection, meter.meter_id, PROFILE, places, start, end, ROWS_MAX + 1)
    if len(found.captured_s) > ROWS_MAX:
        raise TooLong("%d readings at most in one answer: ask for a shorter span" % ROWS_MAX)
    missed = [await store.missed(connection, meter.meter_id, PROFILE, start, end, places[n])
              for n in range(len(codes))]
    known = await store.first_known(connection, meter.meter_id, PROFILE)

    def look() -> tuple[Column, list[list[Gap]]]:
        gaps = [[] if known is None else find_gaps(
            schedules[n], max(start, known), min(end, wait.now),
            found.captured_s[found.there(n)], missed[n],
            found.captured_s if is_whole(meter, schedules[n]) else (),
            min(end, wait.now - wait.patience))
            for n in range(len(codes))]
        return found.captured_s[choose(found)], gaps
    wanted, gaps = await asyncio.to_thread(look)
    rows = await store.rows_at(
        connection, meter.meter_id, PROFILE,
        {place.column for of_code in places for place in of_code.values()},
        [datetime.fromtimestamp(at, UTC) for at in wanted.tolist()])
    return [
        Series(obis, start, end, points_of(rows, places[n]), int(found.there(n).sum()), gaps[n],
               await store.revisions(connection, meter.meter_id, PROFILE, obis, start, end,
                                     REVISIONS_MAX))
        for n, obis in enumerate(codes)]
