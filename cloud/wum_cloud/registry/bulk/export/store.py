"""The registry as rows of a registry file: the questions to the database, a kind at a time."""

from collections.abc import AsyncIterator
from typing import Any

from wum_cloud.database import Connection
from wum_cloud.registry.bulk.columns import COLUMNS, KINDS

_BATCH = 5000       # Rows that are in memory at once.

# Of each kind the columns that it has; in an order that is always the same.
_QUESTIONS = {
    "site": """
        select s.name, p.name as site, s.address as street, s.time_zone
          from site s left join site p on p.site_id = s.parent_site_id
         where s.tenant_id = %s order by s.name""",
    "schedule": """
        select s.name, s.period_s, s.offset_s, nullif(s.registers, '') as registers,
               nullif(array_to_string(array(
                   select p.name from schedule_part x join schedule p on p.schedule_id = x.part_id
                    where x.schedule_id = s.schedule_id order by x.place), ' '), '') as parts
          from schedule s where s.tenant_id = %s order by s.name""",
    "concentrator": """
        select c.name, s.name as site, encode(c.device_id, 'hex') as concentrator, c.mesh,
               case when c.carries then 'yes' else 'no' end as carries
          from concentrator c left join site s using (site_id)
         where c.tenant_id = %s and c.revoked_at is null order by c.name""",
    "bus": """
        select b.name, encode(c.device_id, 'hex') as concentrator, b.port, b.baud, b.parity,
               b.stop_bits, b.data_bits
          from bus b join concentrator c using (concentrator_id)
         where c.tenant_id = %s and c.revoked_at is null order by c.device_id, b.name""",
    "meter": """
        select m.serial as name, encode(c.device_id, 'hex') as concentrator, m.model,
               d.name as delivery_point, b.name as bus, m.address, s.name as schedule,
               case when m.archived_at is null then 'active' else 'archived' end as state
          from meter m join concentrator c using (concentrator_id)
          join delivery_point d using (delivery_point_id)
          left join bus b using (bus_id) left join schedule s using (schedule_id)
         where m.tenant_id = %s and c.revoked_at is null order by m.serial""",
}


async def rows(connection: Connection, tenant: int) -> AsyncIterator[list[list[Any]]]:
    """Rows by COLUMNS, some thousand at a time; as of one moment of the database."""
    await connection.execute("set transaction isolation level repeatable read, read only")
    for kind in KINDS:
        async with connection.cursor("registry_" + kind) as cursor:
            await cursor.execute(_QUESTIONS[kind].encode(), [tenant])
            assert cursor.description is not None
            names = [column.name for column in cursor.description]
            places = [names.index(column) if column in names else None for column in COLUMNS]
            while True:
                found = await cursor.fetchmany(_BATCH)
                if not found:
                    break
                yield [[kind, *[None if place is None else row[place] for place in places[1:]]]
                       for row in found]
