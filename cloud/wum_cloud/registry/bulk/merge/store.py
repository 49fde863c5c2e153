"""What is new or changed in a registry file, written into the registry in the caller's transaction.

Rows are written in the order of their keys, so that parallel workers wait for one another and
never in a circle. Only what differs is written: a row that says what is there changes nothing.
Left out: the checks, which have passed before.
"""

from collections.abc import Awaitable, Callable

from wum_cloud.database import Connection

# Of meters in one statement. A meter whose schedule nobody has said is read every hour.
STEP = 10_000
DEFAULT_PERIOD_S = 3600

Told = Callable[[int], Awaitable[None]]     # Rows that are written.


async def merge(connection: Connection, tenant: int, told: Told) -> dict[str, dict[str, int]]:
    """{kind: {"new": n, "changed": n, "same": n}}; rows of `registry_row` are in the registry."""
    counted = await _kinds(connection)
    done = {
        "site": await _sites(connection, tenant),
        "schedule": await _schedules(connection, tenant),
        "concentrator": (0, await _count(connection, _CHANGED_CONCENTRATORS, tenant)),
        "bus": await _both(connection, _NEW_BUSES, _CHANGED_BUSES, tenant)}
    written = sum([n for kind, n in counted.items() if kind != "meter"])
    await told(written)
    done["meter"] = await _meters(connection, tenant, told, written)
    return {kind: {"new": new, "changed": changed, "same": counted.get(kind, 0) - new - changed}
            for kind, (new, changed) in done.items()}


async def _kinds(connection: Connection) -> dict[str, int]:
    rows = await (await connection.execute(
        "select kind, count(*) from registry_row group by kind")).fetchall()
    return {str(kind): int(n) for kind, n in rows}


async def _count(connection: Connection, statement: str, tenant: int) -> int:
    return (await connection.execute(statement.encode(), {"tenant": tenant})).rowcount


async def _both(connection: Connection, new: str, changed: str, tenant: int) -> tuple[int, int]:
    altered = await _count(connection, changed, tenant)
    return await _count(connection, new, tenant), altered


async def _sites(connection: Connection, tenant: int) -> tuple[int, int]:
    """New ones are made first and put into the tree then, which changes no other one's count."""
    await connection.execute(
        "update registry_row r set is_known = true from site s"
        " where r.kind = 'site' and s.tenant_id = %s and s.name = r.name", [tenant])
    made = await _count(connection, _NEW_SITES, tenant)
    changed = await (await connection.execute(_CHANGED_SITES, {"tenant": tenant})).fetchone()
    assert changed is not None
    return made, int(changed[0])


_NEW_SITES = """
    insert into site (tenant_id, name, address, time_zone)
    select %(tenant)s, name, coalesce(street, ''), time_zone from registry_row
     where kind = 'site' and is_known is not true order by name"""
_CHANGED_SITES = b"""
    with said as (
        select s.site_id, coalesce(r.street, '') as street, r.time_zone, p.site_id as parent,
               r.is_known
          from registry_row r join site s on s.tenant_id = %(tenant)s and s.name = r.name
          left join site p on p.tenant_id = %(tenant)s and p.name = r.site
         where r.kind = 'site'),
    changed as (
        update site s set address = x.street, time_zone = x.time_zone, parent_site_id = x.parent
          from said x where x.site_id = s.site_id
           and (s.address, s.time_zone, s.parent_site_id)
               is distinct from (x.street, x.time_zone, x.parent)
        returning x.is_known)
    select count(*) from changed where is_known"""

async def _schedules(connection: Connection, tenant: int) -> tuple[int, int]:
    """A schedule is changed when its parts are; what they name may be new itself."""
    changed = await (await connection.execute(
        _OTHER_SCHEDULES, {"tenant": tenant})).fetchone()
    assert changed is not None
    await _count(connection, _CHANGED_SCHEDULES, tenant)
    made = await _count(connection, _NEW_SCHEDULES, tenant)
    await _count(connection, _PARTS, tenant)
    return made, int(changed[0])


_NEW_SCHEDULES = """
    insert into schedule (tenant_id, name, period_s, offset_s, registers)
    select %(tenant)s, name, period_s::integer, offset_s::integer, coalesce(registers, '')
      from registry_row where kind = 'schedule' order by name on conflict do nothing"""
_CHANGED_SCHEDULES = """
    update schedule s set period_s = r.period_s::integer, offset_s = r.offset_s::integer,
           registers = coalesce(r.registers, '')
      from registry_row r where r.kind = 'schedule' and s.tenant_id = %(tenant)s
       and s.name = r.name
       and (s.period_s, s.offset_s, s.registers) is distinct from
           (r.period_s::integer, r.offset_s::integer, coalesce(r.registers, ''))"""
_OTHER_SCHEDULES = b"""
    select count(*) from registry_row r
      join schedule s on s.tenant_id = %(tenant)s and s.name = r.name
     where r.kind = 'schedule' and (s.period_s, s.offset_s, s.registers, array(
           select p.name from schedule_part x join schedule p on p.schedule_id = x.part_id
            where x.schedule_id = s.schedule_id order by x.place)) is distinct from
           (r.period_s::integer, r.offset_s::integer, coalesce(r.registers, ''),
            coalesce(string_to_array(r.parts, ' '), '{}'))"""
_PARTS = """
    with said as (
        select s.schedule_id, p.schedule_id as part_id, u.place
          from registry_row r join schedule s on s.tenant_id = %(tenant)s and s.name = r.name
          cross join lateral unnest(string_to_array(r.parts, ' ')) with ordinality
                     as u (name, place)
          join schedule p on p.tenant_id = %(tenant)s and p.name = u.name
         where r.kind = 'schedule'),
    gone as (
        delete from schedule_part x using registry_row r, schedule s
         where r.kind = 'schedule' and s.tenant_id = %(tenant)s and s.name = r.name
           and x.schedule_id = s.schedule_id and not exists (
               select from said t where (t.schedule_id, t.part_id) = (x.schedule_id, x.part_id)))
    insert into schedule_part (schedule_id, part_id, place) select * from said order by 1, 2
    on conflict (schedule_id, part_id) do update set place = excluded.place"""

_CHANGED_CONCENTRATORS = """
    update concentrator c set name = x.name, site_id = x.site_id, mesh = x.mesh,
           carries = x.carries
      from (select r.concentrator_id, r.name, s.site_id, r.mesh, r.carries = 'yes' as carries
              from registry_row r
              left join site s on s.tenant_id = %(tenant)s and s.name = r.site
             where r.kind = 'concentrator') x
     where x.concentrator_id = c.concentrator_id
       and (c.name, c.site_id, c.mesh, c.carries)
           is distinct from (x.name, x.site_id, x.mesh, x.carries)"""

_NEW_BUSES = """
    insert into bus (concentrator_id, name, port, baud, parity, stop_bits, data_bits)
    select concentrator_id, name, port, baud::integer, parity, stop_bits::smallint,
           data_bits::smallint
      from registry_row where kind = 'bus' order by 1, 2 on conflict do nothing"""
_CHANGED_BUSES = """
    update bus b set port = r.port, baud = r.baud::integer, parity = r.parity,
           stop_bits = r.stop_bits::smallint, data_bits = r.data_bits::smallint
      from registry_row r where r.kind = 'bus' and b.concentrator_id = r.concentrator_id
       and b.name = r.name
       and (b.port, b.baud, b.parity, b.stop_bits, b.data_bits) is distinct from
           (r.port, r.baud::integer, r.parity, r.stop_bits::smallint, r.data_bits::smallint)"""


async def _meters(
        connection: Connection, tenant: int, told: Told, written: int) -> tuple[int, int]:
    """In steps, so that somebody sees how far it is."""
    row = await (await connection.execute(
        "select min(line), max(line) from registry_row where kind = 'meter'")).fetchone()
    first, last = row if row is not None else (None, None)
    made = changed = 0
    if first is None:
        return made, changed
    await connection.execute(_NEW_POINTS, {"tenant": tenant})
    for start in range(first, last + 1, STEP):
        part = {"tenant": tenant, "first": start, "last": start + STEP - 1,
                "period": DEFAULT_PERIOD_S}
        await connection.execute(_BACK, part)
        await connection.execute(_LEFT, part)
        cursor = await connection.execute(_CHANGED_METERS, part)
        changed += cursor.rowcount
        cursor = await connection.execute(_NEW_METERS, part)
        made += cursor.rowcount
        await told(written + min(start + STEP, last + 1) - first)
    return made, changed


_NEW_POINTS = b"""
    insert into delivery_point (tenant_id, name, site_id)
    select distinct on (r.delivery_point) %(tenant)s, r.delivery_point, c.site_id
      from registry_row r join concentrator c using (concentrator_id)
     where r.kind = 'meter' and not exists (select from delivery_point d
           where d.tenant_id = %(tenant)s and d.name = r.delivery_point)
     order by r.delivery_point, r.line"""
_SAID = """
    select r.line, r.name as serial, r.model, d.delivery_point_id, r.concentrator_id, b.bus_id,
           r.address, s.schedule_id, coalesce(s.period_s, %(period)s) as period_s,
           coalesce(s.offset_s, 0) as offset_s
      from registry_row r
      join delivery_point d on d.tenant_id = %(tenant)s and d.name = r.delivery_point
      left join bus b on b.concentrator_id = r.concentrator_id and b.name = r.bus
      left join schedule s on s.tenant_id = %(tenant)s and s.name = r.schedule
     where r.kind = 'meter' and r.line between %(first)s and %(last)s"""
# What a concentrator captured of a meter until it went to another one is the meter's, if late.
_BACK = ("""
    delete from meter_stay y using meter m, (""" + _SAID + """) x
     where m.tenant_id = %(tenant)s and m.serial = x.serial and y.meter_id = m.meter_id
       and y.concentrator_id = x.concentrator_id""").encode()
_LEFT = ("""
    insert into meter_stay (meter_id, concentrator_id, until)
    select m.meter_id, m.concentrator_id, now()
      from meter m join (""" + _SAID + """) x on x.serial = m.serial
     where m.tenant_id = %(tenant)s and m.concentrator_id <> x.concentrator_id
     order by m.meter_id
    on conflict (meter_id, concentrator_id) do update set until = excluded.until""").encode()
# The period of a meter that is read is that of the schedule in force, which its concentrator says.
_CHANGED_METERS = ("""
    update meter m set model = x.model, concentrator_id = x.concentrator_id, bus_id = x.bus_id,
           address = x.address, schedule_id = x.schedule_id
      from (""" + _SAID + """) x
     where m.tenant_id = %(tenant)s and m.serial = x.serial
       and (m.model, m.concentrator_id, m.bus_id, m.address, m.schedule_id) is distinct from
           (x.model, x.concentrator_id, x.bus_id, x.address, x.schedule_id)""").encode()
_NEW_METERS = ("""
    insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id, period_s,
           offset_s, bus_id, address, schedule_id)
    select %(tenant)s, x.serial, x.model, x.delivery_point_id, x.concentrator_id, x.period_s,
           x.offset_s, x.bus_id, x.address, x.schedule_id
      from (""" + _SAID + """) x
     where not exists (select from meter m
           where m.tenant_id = %(tenant)s and m.serial = x.serial)
     order by x.serial""").encode()
