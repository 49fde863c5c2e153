"""What the register sets of a meter are, and the rows that no schedule speaks of.

Left out: what is due of them and what came (../slots/store.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class RegisterSet:
    """`codes` are OBIS codes in their order."""

    number: int
    profile: int
    codes: list[str]


@dataclass(frozen=True, slots=True)
class Unscheduled(RegisterSet):
    """A set of a profile that the meter keeps by its own clock, and its rows of a span."""

    rows: int
    first_captured_at: datetime | None
    last_captured_at: datetime | None


_SET = """
    select s.register_set_id as number, s.profile,
           array(select jsonb_array_elements_text(s.codes)) as codes"""


async def named(connection: Connection, numbers: Sequence[int]) -> list[RegisterSet]:
    """The sets with these numbers, in their order."""
    async with connection.cursor(row_factory=class_row(RegisterSet)) as cursor:
        await cursor.execute(
            (_SET + " from register_set s where register_set_id = any(%s) order by 1").encode(),
            [sorted(numbers)])
        return await cursor.fetchall()


async def unscheduled(
        connection: Connection, meter_id: int, start: datetime, end: datetime,
) -> list[Unscheduled]:
    """The sets of other profiles that the schema in force gives the meter, with their rows
    captured in start..end (end left out)."""
    async with connection.cursor(row_factory=class_row(Unscheduled)) as cursor:
        await cursor.execute((_SET + """, count(r.captured_at) as rows,
                   min(r.captured_at) as first_captured_at, max(r.captured_at) as last_captured_at
              from meter_register_set m join register_set s using (register_set_id)
              left join reading r on r.meter_id = m.meter_id and r.profile = s.profile
                                 and r.captured_at >= %s and r.captured_at < %s
             where m.meter_id = %s and s.profile <> 0
             group by s.register_set_id order by 1""").encode(), [start, end, meter_id])
        return await cursor.fetchall()


async def last_before(
        connection: Connection, meter_id: int, moment: datetime) -> datetime | None:
    """When the meter's newest row before `moment` was captured; None: there is none."""
    row = await (await connection.execute(
        "select captured_at from reading where meter_id = %s and profile = 0"
        " and captured_at < %s order by captured_at desc limit 1", [meter_id, moment])).fetchone()
    return None if row is None else row[0]
