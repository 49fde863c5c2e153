"""Documents of root keys in the database, and who was told to follow them."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_shared import orders

TOLD_AGAIN = timedelta(days=1)
TOLD_MAX = 500               # Concentrators in one look.


@dataclass(frozen=True, slots=True)
class Kept:
    """A document that was taken in. `holders`: concentrators that say it is what they hold."""

    target: str
    number: int
    document: bytes
    taken_by: str
    taken_at: datetime
    holders: int


@dataclass(frozen=True, slots=True)
class Behind:
    """A concentrator that holds `number` of `target`, where there is a newer one."""

    concentrator_id: int
    tenant_id: int
    target: str
    number: int


async def kept(connection: Connection, tenant: int) -> list[Kept]:
    """All documents of a tenant, by target and number."""
    async with connection.cursor(row_factory=class_row(Kept)) as cursor:
        await cursor.execute(
            "select t.target, t.number, t.document, t.taken_by, t.taken_at,"
            "       (select count(*) from update_standing s join concentrator c"
            "          using (concentrator_id) left join release r"
            "            on r.tenant_id = c.tenant_id and r.digest = s.digest"
            "         where c.tenant_id = t.tenant_id and s.trust = t.number"
            "           and coalesce(r.target, t.target) = t.target) as holders"
            "  from release_trust t where t.tenant_id = %s order by t.target, t.number", [tenant])
        return await cursor.fetchall()


async def locked(connection: Connection, tenant: int) -> None:
    """Nobody takes another document in until the transaction ends."""
    await connection.execute(
        "select from tenant where tenant_id = %s for no key update", [tenant])


async def add(connection: Connection, tenant: int, target: str, number: int, document: bytes,
              by: str) -> None:
    """Keep a document."""
    await connection.execute(
        "insert into release_trust (tenant_id, target, number, document, taken_by)"
        " values (%s, %s, %s, %s, %s)", [tenant, target, number, document, by])


async def behind(connection: Connection) -> list[Behind]:
    """Who holds an older document than there is, and was not told of what comes next today."""
    async with connection.cursor(row_factory=class_row(Behind)) as cursor:
        await cursor.execute(
            "with newest as (select tenant_id, target, max(number) as number"
            "                  from release_trust group by tenant_id, target)"
            " select c.concentrator_id, c.tenant_id, n.target, s.trust as number"
            "   from newest n join concentrator c using (tenant_id)"
            "   join update_standing s using (concentrator_id)"
            "   left join release r on r.tenant_id = c.tenant_id and r.digest = s.digest"
            "  where c.revoked_at is null and s.trust between 1 and n.number - 1"
            "    and coalesce(r.target, n.target) = n.target"
            "    and not exists (select from release_trust_told t"
            "         where t.concentrator_id = c.concentrator_id and t.target = n.target"
            "           and t.number > s.trust and t.told_at > now() - %s)"
            "  order by c.concentrator_id limit %s", [TOLD_AGAIN, TOLD_MAX])
        return await cursor.fetchall()


async def after(connection: Connection, one: Behind, most: int) -> list[tuple[int, bytes, str]]:
    """(number, document, who took it in) of up to `most` documents that come next."""
    return await (await connection.execute(
        "select number, document, taken_by from release_trust where tenant_id = %s"
        " and target = %s and number > %s order by number limit %s",
        [one.tenant_id, one.target, one.number, most])).fetchall()


async def tell(connection: Connection, one: Behind, number: int, arguments: bytes, by: str,
               ) -> None:
    """Order it to follow up to `number`. What it follows was signed by root keys: nobody has to
    agree to this order.
    """
    await connection.execute(
        "insert into command (tenant_id, concentrator_id, request_id, order_id, kind, arguments,"
        " shown, reason, state, requested_by, needs_approval, begins_at, expires_at, due_at)"
        " values (%s, %s, nextval('command_request'), %s, %s, %s, %s,"
        " 'release keys were rotated', 'approved', %s, false, now(), now() + %s, now())",
        [one.tenant_id, one.concentrator_id, secrets.token_bytes(orders.ORDER_ID_SIZE),
         orders.UPDATE, arguments, "release keys of document %d" % number, by,
         timedelta(seconds=orders.WINDOW_MAX_S)])
    await connection.execute(
        "insert into release_trust_told values (%s, %s, %s, now())"
        " on conflict (concentrator_id, target) do update set number = excluded.number,"
        " told_at = excluded.told_at", [one.concentrator_id, one.target, number])
