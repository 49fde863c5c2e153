"""What concentrators say of their own flash and clocks, as far as somebody has to do something.

Left out: what a person is told of it (words.py).
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class Trouble:
    """A concentrator with something wrong. `flash` as in wum_shared.condition, 0: nothing.
    `apart_s`: how far its clock is ahead of ours, negative: behind; 0 where it agrees.
    """

    name: str
    arrived_at: datetime
    flash: int
    flash_since: datetime | None
    waiting: int
    given_up: int
    has_no_time: bool
    apart_s: int


@dataclass(frozen=True, slots=True)
class Told:
    """The newest that a concentrator said of itself, as it said it, however long ago. `flash` and
    `time_quality` as in wum_shared.condition; `behind_s`: its clock behind its own newest record.
    """

    told_at: datetime
    arrived_at: datetime
    time_quality: int
    flash: int
    flash_since: datetime | None
    waiting: int
    given_up: int
    behind_s: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """How many concentrators told their time of late, and how many of those are ahead or behind."""

    told: int
    ahead: int
    behind: int


# What is wrong now. While something is, it is told every quarter of an hour; else once a day.
TROUBLE = """(
    select concentrator_id, arrived_at, flash_since, waiting, given_up,
           case when is_fresh then flash else 0 end as flash,
           is_fresh and time_quality = 2 as has_no_time,
           case when time_quality = 2 or arrived_at < now() - interval '2 days'
                     or abs(apart_s) <= 120 then 0 else apart_s end as apart_s
      from (select *, arrived_at > now() - interval '45 minutes' as is_fresh,
                   extract(epoch from told_at - arrived_at)::bigint as apart_s
              from concentrator_condition) as c)"""
_TROUBLES = """
    select c.name, t.arrived_at, t.flash, t.flash_since, t.waiting, t.given_up, t.has_no_time,
           t.apart_s
      from %s t join concentrator c using (concentrator_id)
     where (t.flash > 0 or t.has_no_time or t.apart_s <> 0)""" % TROUBLE


async def flash_troubles(connection: Connection, limit: int) -> tuple[int, list[Trouble]]:
    """How many concentrators cannot store what they read; some, those with most to lose first."""
    row = await (await connection.execute(
        ("select count(*) from %s t where flash > 0" % TROUBLE).encode())).fetchone()
    assert row is not None
    async with connection.cursor(row_factory=class_row(Trouble)) as cursor:
        await cursor.execute(
            (_TROUBLES + " and t.flash > 0 order by t.given_up desc, t.waiting desc, c.name"
             " limit %s").encode(), [limit])
        return row[0], await cursor.fetchall()


async def clock_troubles(connection: Connection, limit: int) -> tuple[Clocks, list[Trouble]]:
    """Whose clocks are not ours; some, those that are furthest off first."""
    row = await (await connection.execute(
        ("select count(*) filter (where arrived_at > now() - interval '2 days'),"
         "   count(*) filter (where apart_s > 0), count(*) filter (where apart_s < 0)"
         " from %s t" % TROUBLE).encode())).fetchone()
    assert row is not None
    async with connection.cursor(row_factory=class_row(Trouble)) as cursor:
        await cursor.execute(
            (_TROUBLES + " and t.apart_s <> 0 order by abs(t.apart_s) desc, c.name limit %s"
             ).encode(), [limit])
        return Clocks(*row), await cursor.fetchall()


async def trouble_of(connection: Connection, concentrator_id: int) -> Trouble | None:
    """What is wrong with one of them; None: nothing that it knows of."""
    async with connection.cursor(row_factory=class_row(Trouble)) as cursor:
        await cursor.execute(
            (_TROUBLES + " and t.concentrator_id = %s").encode(), [concentrator_id])
        return await cursor.fetchone()


async def told_by(connection: Connection, concentrator_id: int) -> Told | None:
    """What one of them said last, right or wrong; None: it has never said anything of itself."""
    async with connection.cursor(row_factory=class_row(Told)) as cursor:
        await cursor.execute(
            "select told_at, arrived_at, time_quality, flash, flash_since, waiting, given_up,"
            "       behind_s"
            "  from concentrator_condition where concentrator_id = %s", [concentrator_id])
        return await cursor.fetchone()
