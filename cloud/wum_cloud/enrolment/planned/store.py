"""Planned concentrators in the database. Every question is about a single tenant."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within


@dataclass(frozen=True, slots=True)
class Planned:
    """`buses` and `meters` are how many are planned at it; `is_claimed`: a claim waits for it."""

    concentrator_id: int
    device_id: bytes
    name: str
    site: str | None
    site_id: int | None
    buses: int
    meters: int
    planned_by: str
    planned_at: datetime
    is_claimed: bool


async def listed(
        connection: Connection, reach: Reach, *, after: str = "", most: int,
        device_id: bytes | None = None) -> list[Planned]:
    """Up to `most` by name, those behind `after`; or the one with an id."""
    async with connection.cursor(row_factory=class_row(Planned)) as cursor:
        await cursor.execute(("""
            select c.concentrator_id, c.device_id, c.name, s.name as site, c.site_id,
                   (select count(*) from bus b where b.concentrator_id = c.concentrator_id)
                       as buses,
                   (select count(*) from meter m where m.concentrator_id = c.concentrator_id
                       and m.archived_at is null) as meters,
                   c.planned_by, c.planned_at,
                   exists (select from claim x where x.planned_id = c.concentrator_id
                       and x.burned_at is null and x.ends_at > now()) as is_claimed
              from concentrator c left join site s using (site_id)
             where c.tenant_id = %(tenant)s and c.planned_at is not null and c.name > %(after)s
               and (%(device)s::bytea is null or c.device_id = %(device)s)"""
            + within(reach, "c.site_id") + " order by c.name limit %(most)s").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "after": after, "most": most,
             "device": device_id})
        return await cursor.fetchall()


async def add(
        connection: Connection, *, tenant: int, device_id: bytes, identity_key: bytes, name: str,
        site: int | None, planned_by: str) -> None:
    """Keep a plan."""
    await connection.execute(
        "insert into concentrator (tenant_id, device_id, identity_key, name, site_id,"
        " broker_password_hash, planned_at, planned_by) values (%s, %s, %s, %s, %s, '', now(), %s)",
        [tenant, device_id, identity_key, name, site, planned_by])


async def has_meters(connection: Connection, concentrator_id: int) -> bool:
    """Whether any meter is there, or ever was."""
    row = await (await connection.execute(
        "select exists (select from meter where concentrator_id = %(n)s)"
        " or exists (select from meter_stay where concentrator_id = %(n)s)",
        {"n": concentrator_id})).fetchone()
    return row is not None and bool(row[0])


async def drop(connection: Connection, one: Planned, tenant: int) -> None:
    """Forget a plan without meters, with its buses and settings."""
    for table in ("bus", "ledger_state", "ledger_mark"):
        await connection.execute(
            ("delete from %s where concentrator_id = %%s" % table).encode(),
            [one.concentrator_id])
    await connection.execute(
        "delete from configuration_setting where tenant_id = %s and scope = 'concentrator'"
        " and name = %s", [tenant, one.device_id.hex()])
    await connection.execute(
        "update claim set planned_id = null where planned_id = %s", [one.concentrator_id])
    await connection.execute(
        "delete from concentrator where concentrator_id = %s", [one.concentrator_id])


async def take_over(
        connection: Connection, concentrator_id: int, device_id: bytes, identity_key: bytes,
        password_hash: str) -> bool:
    """Let a concentrator have a plan; False where somebody has it already, or it is gone."""
    row = await (await connection.execute(
        "select tenant_id, device_id from concentrator"
        " where concentrator_id = %s and planned_at is not null for update",
        [concentrator_id])).fetchone()
    if row is None:
        return False
    tenant, before = int(row[0]), bytes(row[1])
    await connection.execute(
        "update configuration_setting set name = %s where tenant_id = %s"
        " and scope = 'concentrator' and name = %s", [device_id.hex(), tenant, before.hex()])
    await connection.execute(
        "update concentrator set device_id = %s, identity_key = %s, broker_password_hash = %s,"
        " broker_password_at = now(), registered_at = now(), planned_at = null, planned_by = null"
        " where concentrator_id = %s",
        [device_id, identity_key, password_hash, concentrator_id])
    return True
