"""The questions about schedules to the database. Every one is about a single tenant."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class Schedule:
    """Due whenever (UTC seconds - offset) is a multiple of the period. `registers`, codes with
    wildcards: it is a part of others, which read the rest; empty: of all. `parts` are names.

    `meters` are those that have it and are in use, `part_of` names of schedules.
    """

    schedule_id: int
    name: str
    period_s: int
    offset_s: int
    registers: str
    parts: list[str]
    part_of: list[str]
    meters: int


_LISTED = """
    select s.schedule_id, s.name, s.period_s, s.offset_s, s.registers,
           array(select p.name from schedule_part x join schedule p on p.schedule_id = x.part_id
                  where x.schedule_id = s.schedule_id order by x.place) as parts,
           array(select w.name from schedule_part x join schedule w using (schedule_id)
                  where x.part_id = s.schedule_id order by w.name) as part_of,
           (select count(*) from meter m where m.schedule_id = s.schedule_id
               and m.archived_at is null) as meters
      from schedule s where s.tenant_id = %(tenant)s and s.name > %(after)s
       and (%(name)s::text is null or s.name = %(name)s)
     order by s.name limit %(most)s"""


async def listed(
        connection: Connection, tenant: int, *, after: str = "", most: int, name: str | None = None,
) -> list[Schedule]:
    """Up to `most` schedules by name, those behind `after`; or the one of a name."""
    async with connection.cursor(row_factory=class_row(Schedule)) as cursor:
        await cursor.execute(_LISTED.encode(), {
            "tenant": tenant, "after": after, "most": most, "name": name})
        return await cursor.fetchall()


async def put(
        connection: Connection, tenant: int, *, name: str, period_s: int, offset_s: int,
        registers: str, parts: Sequence[str]) -> None:
    """Make a schedule, or change the one of this name; its parts are there."""
    row = await (await connection.execute(
        "insert into schedule as s (tenant_id, name, period_s, offset_s, registers)"
        " values (%s, %s, %s, %s, %s) on conflict (tenant_id, name) do update"
        "   set period_s = excluded.period_s, offset_s = excluded.offset_s,"
        "       registers = excluded.registers returning schedule_id",
        [tenant, name, period_s, offset_s, registers])).fetchone()
    assert row is not None
    await connection.execute("delete from schedule_part where schedule_id = %s", [row[0]])
    await connection.execute(
        "insert into schedule_part (schedule_id, part_id, place)"
        " select %s, p.schedule_id, u.place from unnest(%s::text[]) with ordinality"
        "   as u (name, place) join schedule p on p.tenant_id = %s and p.name = u.name",
        [row[0], list(parts), tenant])


async def drop(connection: Connection, number: int) -> None:
    """Forget a schedule that nothing has any more but meters that are archived."""
    await connection.execute(
        "update meter set schedule_id = null where schedule_id = %s and archived_at is not null",
        [number])
    await connection.execute("delete from schedule where schedule_id = %s", [number])
