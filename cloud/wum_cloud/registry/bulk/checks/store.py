"""What rows of a registry file must not have in common, or need of one another and of the registry.

Each check is one question about all rows at once, whose answers are faults: (row, column, wanted,
got). Left out: what a cell must be by itself (columns.py): only rows whose cells are right come
here. Every question is about a single tenant.
"""

from psycopg.rows import args_row

from wum_cloud.database import Connection
from wum_cloud.registry.bulk.columns import Fault

BUSES_MAX, METERS_MAX = 16, 1024    # Of one concentrator (wum_edge/config.py).


def _once(kind: str, column: str, key: str, what: str) -> str:
    """No two rows of a kind have the same key."""
    return """
        select line, '%(column)s', 'a %(what)s that no other row has',
               '"' || %(column)s || '", which row ' || first || ' has'
          from (select line, %(column)s,
                       min(line) over (partition by %(key)s) as first
                  from registry_row where kind = '%(kind)s' and %(given)s) x
         where line > first""" % {
             "kind": kind, "column": column, "key": key, "what": what,
             "given": " and ".join([part + " is not null" for part in key.split(", ")])}


def _known(kind: str, column: str, what: str, key: str, known: str) -> str:
    """What a cell names is in the registry or in the file. Where the concentrator is none, nothing
    is said of its bus."""
    return """
        select r.line, '%(column)s', '%(what)s', '"' || r.%(column)s || '"'
          from registry_row r
         where r.kind = '%(kind)s' and r.%(column)s is not null
           and %(key)s not in (%(known)s)""" % {
             "kind": kind, "column": column, "what": what, "key": key, "known": known}


_SITE = """select f.name from registry_row f where f.kind = 'site' and f.name is not null
    union all select s.name from site s where s.tenant_id = %(tenant)s"""
_SCHEDULE = """select f.name from registry_row f where f.kind = 'schedule' and f.name is not null
    union all select s.name from schedule s where s.tenant_id = %(tenant)s"""
_BUS = """select f.concentrator_id, f.name from registry_row f where f.kind = 'bus'
          and f.concentrator_id is not null and f.name is not null
    union all select b.concentrator_id, b.name from bus b
     where b.concentrator_id in (select concentrator_id from registry_row)"""
_STRANGER = """
        select line, 'concentrator', 'a concentrator that is registered and not revoked',
               '"' || concentrator || '"' from registry_row
         where concentrator is not null and concentrator_id is null"""

# Sites after the file: the file's word, and the registry's for those it does not name.
_RING = """
    with recursive tree as (
        select name, site as parent, line from registry_row where kind = 'site'
        union all
        select s.name, p.name, null from site s left join site p on p.site_id = s.parent_site_id
         where s.tenant_id = %(tenant)s and not exists (
               select from registry_row f where f.kind = 'site' and f.name = s.name)),
    above as (
        select t.name as start, t.parent as at, array[t.name] as way from tree t
         where t.line is not null and t.parent is not null
        union all
        select a.start, t.parent, a.way || t.name from above a join tree t on t.name = a.at
         where t.parent is not null and not t.name = any(a.way))
    select t.line, 'site', 'a site that does not lie in this one', '"' || t.parent || '"'
      from tree t where t.line is not null
       and exists (select from above a where a.start = t.name and a.at = t.name)"""

# Meters after the file, by place.
_ADDRESSES = """
    with placed as (
        select r.line, r.name, r.concentrator_id, r.bus, r.address from registry_row r
         where r.kind = 'meter' and r.address is not null and r.bus is not null
           and r.state = 'active' and r.concentrator_id is not null
        union all
        select 0, m.serial, m.concentrator_id, b.name, m.address
          from meter m join bus b using (bus_id)
         where m.tenant_id = %(tenant)s and m.address is not null and m.archived_at is null
           and not exists (select from registry_row f
                            where f.kind = 'meter' and f.name = m.serial))
    select line, 'address', 'an address that the bus has once',
           '"' || address || '", which meter ' || first || ' has'
      from (select line, name, address, first_value(name) over place as first,
                   row_number() over place as n
              from placed
            window place as (partition by concentrator_id, bus, address order by line)) x
     where n > 1 and line > 0"""

_PORTS = """
    with placed as (
        select r.line, r.name, r.concentrator_id, r.port from registry_row r
         where r.kind = 'bus' and r.port is not null and r.concentrator_id is not null
        union all
        select 0, b.name, b.concentrator_id, b.port
          from bus b join concentrator c using (concentrator_id)
         where c.tenant_id = %(tenant)s and not exists (
               select from registry_row f where f.kind = 'bus'
                  and (f.concentrator_id, f.name) = (b.concentrator_id, b.name)))
    select line, 'port', 'a port that no other bus of the concentrator has',
           '"' || port || '", which bus ' || first || ' has'
      from (select line, port, first_value(name) over place as first,
                   row_number() over place as n
              from placed window place as (partition by concentrator_id, port order by line)) x
     where n > 1 and line > 0"""


def _too_many(kind: str, key: str, most: int) -> str:
    """No concentrator has more than it can work with; told of the row that is one too many."""
    there = {"bus": "select concentrator_id, name from bus",
             "meter": "select concentrator_id, serial as name from meter"
                      " where archived_at is null"}[kind]
    return """
        with held as (
            select r.line, r.name, r.concentrator_id from registry_row r
             where r.kind = '%(kind)s' and r.state is distinct from 'archived'
            union all
            select 0, t.name, t.concentrator_id from (%(there)s) t
             where t.concentrator_id in (select distinct concentrator_id from registry_row)
               and not exists (select from registry_row f
                    where f.kind = '%(kind)s' and %(key)s))
        select line, 'concentrator', 'at most %(most)d of a kind at one concentrator',
               'the ' || n || 'th %(kind)s'
          from (select line, row_number() over (partition by concentrator_id order by line) as n
                  from held where concentrator_id is not null) x
         where n = %(most)d + 1 and line > 0""" % {
             "kind": kind, "there": there, "key": key, "most": most}


# Schedules after the file: the file's word, and the registry's for those it does not name.
_SCHEDULES = """
    with known as (
        select f.name, f.registers from registry_row f where f.kind = 'schedule'
        union all
        select s.name, nullif(s.registers, '') from schedule s
         where s.tenant_id = %(tenant)s and not exists (
               select from registry_row f where f.kind = 'schedule' and f.name = s.name))"""
_NO_PART = _SCHEDULES + """
    select r.line, 'parts', 'schedules of the registry or of this file that name registers',
           '"' || u.name || '"'
      from registry_row r cross join lateral unnest(string_to_array(r.parts, ' ')) as u (name)
     where r.kind = 'schedule' and not exists (
           select from known k where k.name = u.name and k.registers is not null)"""
_PART_OF_METER = _SCHEDULES + """
    select r.line, 'schedule', 'a schedule of all registers; this one is a part of others',
           '"' || r.schedule || '"'
      from registry_row r join known k on k.name = r.schedule and k.registers is not null
     where r.kind = 'meter'"""
# What is a part, or a meter's, in the registry, and the file says otherwise.
_IN_USE = """
    select r.line, 'registers', case when r.registers is null
           then 'registers, as of a part of ' || min(w.name)
           else 'nothing: meters are read by this schedule' end,
           coalesce('"' || r.registers || '"', 'nothing')
      from registry_row r join schedule s on s.tenant_id = %(tenant)s and s.name = r.name
      left join schedule_part x on x.part_id = s.schedule_id
      left join schedule w on w.schedule_id = x.schedule_id and not exists (
           select from registry_row f where f.kind = 'schedule' and f.name = w.name)
     where r.kind = 'schedule' and (r.registers is null) <> (s.registers = '')
       and (r.registers is null and w.name is not null
            or r.registers is not null and exists (
               select from meter m where m.schedule_id = s.schedule_id and not exists (
                   select from registry_row f where f.kind = 'meter' and f.name = m.serial)))
     group by r.line, r.registers"""

_NAME_TAKEN = """
    select r.line, 'name', 'a name that no other concentrator has',
           '"' || r.name || '", which ' || encode(c.device_id, 'hex') || ' has'
      from registry_row r join concentrator c on c.tenant_id = %(tenant)s and c.name = r.name
     where r.kind = 'concentrator' and c.device_id <> decode(r.concentrator, 'hex')"""
_POINT_MOVED = """
    select r.line, 'delivery_point', '"' || d.name || '", where the registry has the meter: move'
           || ' it on its own page', '"' || r.delivery_point || '"'
      from registry_row r join meter m on m.tenant_id = %(tenant)s and m.serial = r.name
      join delivery_point d using (delivery_point_id)
     where r.kind = 'meter' and d.name <> r.delivery_point"""
_STATE_CHANGED = """
    select r.line, 'state', '"' || case when m.archived_at is null then 'active' else 'archived' end
           || '", as in the registry: archive meters on their own pages', '"' || r.state || '"'
      from registry_row r left join meter m on m.tenant_id = %(tenant)s and m.serial = r.name
     where r.kind = 'meter' and (r.state = 'archived') <> (m.archived_at is not null)"""

CHECKS = (
    _once("site", "name", "name", "name"),
    _once("schedule", "name", "name", "name"),
    _once("concentrator", "concentrator", "concentrator", "id"),
    _once("concentrator", "name", "name", "name"),
    _once("bus", "name", "concentrator, name", "name at this concentrator"),
    _once("meter", "name", "name", "serial"),
    _known("site", "site", "a site of the registry or of this file", "r.site", _SITE),
    _known("concentrator", "site", "a site of the registry or of this file", "r.site", _SITE),
    _known("meter", "bus", "a bus of this concentrator", "(r.concentrator_id, r.bus)", _BUS),
    _known("meter", "schedule", "a schedule of the registry or of this file", "r.schedule",
           _SCHEDULE),
    _NO_PART, _PART_OF_METER, _IN_USE, _STRANGER, _RING, _ADDRESSES, _PORTS, _NAME_TAKEN,
    _POINT_MOVED, _STATE_CHANGED,
    _too_many("bus", "(f.concentrator_id, f.name) = (t.concentrator_id, t.name)", BUSES_MAX),
    _too_many("meter", "f.name = t.name", METERS_MAX),
)


async def faults(connection: Connection, tenant: int, most: int) -> list[Fault]:
    """Up to `most` faults of each kind."""
    found: list[Fault] = []
    for check in CHECKS:
        async with connection.cursor(row_factory=args_row(Fault)) as cursor:
            await cursor.execute(
                (check + " order by 1 limit %(most)s").encode(), {"tenant": tenant, "most": most})
            found += await cursor.fetchall()
    return found
