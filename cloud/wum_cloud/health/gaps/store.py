"""Gap requests to a concentrator, its answers, and the reasons it gave.

Left out: asking (ingest/gaps), what the messages say (reasons/asked.py).
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class Request:
    """The last one. `told`: how many parts were answered with which reason, in words."""

    asked_at: datetime
    by_number: int
    by_time: int
    tries: int
    due_at: datetime
    answered_at: datetime | None
    told: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a meter's time is missing; `reason` of status.GAPS, `outcome` of status.OUTCOMES."""

    serial: str
    first_at: datetime
    last_at: datetime
    reason: int
    outcome: int
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its answer, as opened messages; `tries` for the same, this one included."""

    number: int
    asked: bytes
    tries: int
    asked_at: datetime
    answer: bytes | None
    answered_at: datetime | None


async def missing_numbers(connection: Connection, concentrator_id: int) -> int:
    """How many record numbers of all its archives are neither received nor lost, as last seen."""
    row = await (await connection.execute(
        "select coalesce(sum(missing), 0)::bigint from archive where concentrator_id = %s",
        [concentrator_id])).fetchone()
    assert row is not None
    return int(row[0])


async def last_request(connection: Connection, concentrator_id: int) -> Request | None:
    """None where it was never asked for anything."""
    async with connection.cursor(row_factory=class_row(Request)) as cursor:
        await cursor.execute(
            "select asked_at, by_number, by_time, tries, due_at, answered_at, told"
            " from gap_request where concentrator_id = %s", [concentrator_id])
        return await cursor.fetchone()


async def reasons(connection: Connection, concentrator_id: int, limit: int) -> list[Reason]:
    """The newest answers about meters and times, at most `limit`."""
    async with connection.cursor(row_factory=class_row(Reason)) as cursor:
        await cursor.execute(
            "select m.serial, g.first_at, g.last_at, g.reason, g.outcome, g.answered_at"
            " from gap_reason g join meter m using (meter_id) where g.concentrator_id = %s"
            " order by g.answered_at desc, m.serial, g.first_at limit %s",
            [concentrator_id, limit])
        return await cursor.fetchall()


async def history(connection: Connection, concentrator_id: int, limit: int) -> list[Asked]:
    """Requests to it, the newest first."""
    async with connection.cursor(row_factory=class_row(Asked)) as cursor:
        await cursor.execute(
            "select number, asked, tries, asked_at, answer, answered_at from gap_history"
            " where concentrator_id = %s order by asked_at desc, number desc limit %s",
            [concentrator_id, limit])
        return await cursor.fetchall()
