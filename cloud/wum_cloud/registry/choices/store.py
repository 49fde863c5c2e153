"""Sites, concentrators, buses, delivery points and models that a form offers, by what was typed."""

from dataclasses import dataclass

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within

OFFERED_MAX = 50            # Of a list; who types on finds the others.


@dataclass(frozen=True, slots=True)
class Choice:
    """What is put into the field, and what is said of it."""

    value: str
    about: str


_CONCENTRATORS = """
    select c.name as value, concat_ws(', ', s.name, encode(c.device_id, 'hex'),
           case when c.planned_at is not null then 'planned' end) as about
      from concentrator c left join site s using (site_id)
     where c.tenant_id = %(tenant)s and c.revoked_at is null
       and strpos(lower(concat_ws(' ', c.name, s.name, encode(c.device_id, 'hex'))),
                  lower(%(search)s)) > 0"""
_BUSES = """
    select b.name as value, concat(b.port, ', ', b.baud, ' ', b.data_bits, b.parity, b.stop_bits)
           as about
      from bus b join concentrator c using (concentrator_id)
     where c.tenant_id = %(tenant)s and c.revoked_at is null
       and %(concentrator)s in (c.name, encode(c.device_id, 'hex'))
       and strpos(lower(b.name), lower(%(search)s)) > 0"""
# Those without a meter come first: where there is one, it is replaced.
_POINTS = """
    select d.name as value, coalesce(s.name, '') || coalesce((
           select ', has meter ' || min(m.serial) from meter m
            where m.delivery_point_id = d.delivery_point_id and m.archived_at is null), '') as about
      from delivery_point d left join site s using (site_id)
     where d.tenant_id = %(tenant)s and strpos(lower(concat_ws(' ', d.name, s.name)),
                                               lower(%(search)s)) > 0"""
_FREE_FIRST = """ order by exists (select from meter m where m.archived_at is null
         and m.delivery_point_id = d.delivery_point_id), d.name"""
_MODELS = """
    select m.model as value, count(*)::text as about from meter m
      join concentrator c using (concentrator_id)
     where m.tenant_id = %(tenant)s and strpos(lower(m.model), lower(%(search)s)) > 0"""
_SITES = """
    select s.name as value, coalesce('in ' || p.name, '') as about
      from site s left join site p on p.site_id = s.parent_site_id
     where s.tenant_id = %(tenant)s and strpos(lower(s.name), lower(%(search)s)) > 0"""


async def sites(connection: Connection, reach: Reach, search: str) -> list[Choice]:
    """By name, each with the one above it."""
    return await _asked(connection, reach, _SITES + within(reach, "s.site_id")
                        + " order by s.name", search)


async def concentrators(connection: Connection, reach: Reach, search: str) -> list[Choice]:
    """By name; found by name, site and id."""
    return await _asked(connection, reach, _CONCENTRATORS + within(reach, "c.site_id")
                        + " order by c.name", search)


async def buses(
        connection: Connection, reach: Reach, search: str, concentrator: str) -> list[Choice]:
    """Of a concentrator, which is named by its name or its id."""
    return await _asked(connection, reach, _BUSES + within(reach, "c.site_id")
                        + " order by b.name", search, concentrator)


async def points(connection: Connection, reach: Reach, search: str) -> list[Choice]:
    """Delivery points, those without a meter first; found by name and site."""
    return await _asked(connection, reach, _POINTS + within(reach, "d.site_id") + _FREE_FIRST,
                        search)


async def models(connection: Connection, reach: Reach, search: str) -> list[Choice]:
    """Models that meters here have already, and how many, the most used first."""
    return await _asked(connection, reach, _MODELS + within(reach, "c.site_id")
                        + " group by m.model order by count(*) desc, m.model", search)


async def device_of(connection: Connection, reach: Reach, name: str) -> str:
    """The id of the concentrator with this name; what was given where there is none such."""
    row = await (await connection.execute(
        ("select encode(c.device_id, 'hex') from concentrator c where c.tenant_id = %(tenant)s"
         " and c.name = %(name)s and c.revoked_at is null"
         + within(reach, "c.site_id")).encode(),
        {"tenant": reach.tenant_id, "branch": reach.site_id, "name": name})).fetchone()
    return name if row is None else str(row[0])


async def _asked(
        connection: Connection, reach: Reach, question: str, search: str, concentrator: str = "",
) -> list[Choice]:
    async with connection.cursor(row_factory=class_row(Choice)) as cursor:
        await cursor.execute((question + " limit %(most)s").encode(), {
            "tenant": reach.tenant_id, "branch": reach.site_id, "search": search,
            "concentrator": concentrator, "most": OFFERED_MAX})
        return await cursor.fetchall()
