"""The questions of orders to groups to the database, and what gateways tell of them.

Left out: sealing and sending (sending.py), what an order says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import class_row

from wum_cloud.database import Connection, Pool
from wum_cloud.ingest.downlink import Downlink
from wum_cloud.ingest.gaps.store import reserved
from wum_cloud.registry.store import Sender
from wum_shared.ripple import FLOODED, RippleReport, members_of

KEPT_MAX = 1000              # Orders of a tenant; the oldest go when more are given.
AGAIN_S = 8                  # A gateway that says nothing: after so long another one is asked.
SILENT_AFTER = 3             # As health/mesh/picture.py: reports that are missing.
_LOCK = 0x57554D07

_GIVE = """
    insert into ripple (tenant_id, network, group_number, execute_at, until, payload, expected,
                        ordered_by)
    values (%(tenant)s, %(network)s, %(group)s, %(execute_at)s, %(until)s, %(payload)s, array(
        select m.address from mesh_station m join concentrator c using (concentrator_id)
         where c.tenant_id = %(tenant)s and m.network = %(network)s
           and (%(group)s::smallint is null or %(group)s = any(m.groups)) order by 1), %(by)s)
    returning ripple_id, cardinality(expected)"""

# Of each order that nobody has flooded: the gateway to be asked now, if there is one. One that was
# not asked yet comes first, then who was asked longest ago.
_DUE = """
    select r.ripple_id, r.network, r.group_number, r.execute_at, r.until, r.expected, r.payload,
           g.concentrator_id, g.device_id, g.tenant_id, g.name, g.epoch, g.sealed_keys
      from ripple r cross join lateral (
           select c.concentrator_id, c.device_id, c.tenant_id, t.name, e.epoch, e.sealed_keys
             from mesh_station m join concentrator c using (concentrator_id)
             join tenant t using (tenant_id)
             join lateral (select epoch, sealed_keys from concentrator_epoch e
                            where e.concentrator_id = c.concentrator_id
                            order by isempty(e.uplink_seen), epoch desc limit 1) as e
                on true
             left join ripple_gateway a on (a.ripple_id, a.concentrator_id)
                                         = (r.ripple_id, c.concentrator_id)
            where c.tenant_id = r.tenant_id and m.network = r.network and m.is_gateway
              and m.arrived_at > now() - make_interval(secs => %(silent)s * m.every_s + 30)
              and (a.asked_at is null or a.asked_at < now() - make_interval(secs => %(again)s))
            order by a.asked_at nulls first, m.arrived_at desc, c.concentrator_id limit 1) as g
     where r.until > now()
       and not exists (select from ripple_gateway a where a.ripple_id = r.ripple_id
                          and (a.outcome = %(flooded)s or a.outcome is null
                               and a.asked_at > now() - make_interval(secs => %(again)s)))
     order by r.ripple_id limit %(limit)s"""

_TAKE = """
    insert into ripple_gateway as g (ripple_id, concentrator_id, outcome, told_at, members)
    select r.ripple_id, %(number)s, %(outcome)s, now(), %(members)s
      from ripple r join concentrator c on c.tenant_id = r.tenant_id
     where r.ripple_id = %(ripple)s and r.network = %(network)s and c.concentrator_id = %(number)s
    on conflict (ripple_id, concentrator_id) do update
       set outcome = least(g.outcome, excluded.outcome), told_at = now(),
           members = array(select distinct x from unnest(g.members || excluded.members) as x
                            order by x)"""


@dataclass(frozen=True, slots=True)
class Ripple:
    """An order, and what became of it. `outcome` is None as long as no gateway has told."""

    ripple_id: int
    network: int
    group_number: int | None
    execute_at: datetime | None
    until: datetime
    payload: bytes
    expected: list[int]
    ordered_at: datetime
    ordered_by: str
    outcome: int | None
    asked: int
    members: list[int]

    @property
    def missing(self) -> list[int]:
        """Addresses that were expected to have it, and of which nobody has told so."""
        return [one for one in self.expected if one not in self.members]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order and the gateway that is to flood it now."""

    ripple_id: int
    network: int
    group: int | None
    execute_at: datetime | None
    until: datetime
    expected: list[int]
    payload: bytes
    gateway: Sender


@dataclass(frozen=True, slots=True)
class Given:
    """An order as somebody gives it."""

    network: int
    group: int | None
    execute_at: datetime | None
    until: datetime
    payload: bytes


async def give(connection: Connection, tenant: int, by: str, given: Given) -> tuple[int, int]:
    """(number, how many stations are expected) of a new order, in the caller's transaction."""
    row = await (await connection.execute(_GIVE.encode(), {
        "tenant": tenant, "by": by, "network": given.network, "group": given.group,
        "execute_at": given.execute_at, "until": given.until,
        "payload": given.payload})).fetchone()
    assert row is not None
    await connection.execute(
        "delete from ripple where ripple_id in (select ripple_id from ripple where tenant_id = %s"
        " order by ripple_id desc offset %s)", [tenant, KEPT_MAX])
    return int(row[0]), int(row[1])


async def ripples(connection: Connection, tenant: int, limit: int) -> list[Ripple]:
    """The newest orders of the tenant, the newest first."""
    async with connection.cursor(row_factory=class_row(Ripple)) as cursor:
        await cursor.execute(
            """
            select r.ripple_id, r.network, r.group_number, r.execute_at, r.until, r.payload,
                   r.expected, r.ordered_at, r.ordered_by, g.outcome, coalesce(g.asked, 0) as asked,
                   array(select distinct x from ripple_gateway a, unnest(a.members) as x
                          where a.ripple_id = r.ripple_id order by x) as members
              from ripple r cross join lateral (
                   select min(outcome) as outcome, count(asked_at) as asked
                     from ripple_gateway a where a.ripple_id = r.ripple_id) as g
             where r.tenant_id = %s order by r.ripple_id desc limit %s
            """, [tenant, limit])
        return await cursor.fetchall()


async def networks(connection: Connection, tenant: int, named: str) -> list[int]:
    """Networks of the tenant's stations that are registered with the mesh called so."""
    rows = await (await connection.execute(
        "select distinct m.network from mesh_station m join concentrator c using (concentrator_id)"
        " where c.tenant_id = %s and c.mesh = %s order by 1", [tenant, named])).fetchall()
    return [row[0] for row in rows]


async def take_reports(
        connection: Connection, reports: list[tuple[Sender, RippleReport]]) -> None:
    """What gateways tell, in the transaction of ingest. Of an order that is not the tenant's, or of
    another network, nothing is taken.
    """
    for sender, report in sorted(reports, key=lambda one: (one[1].order, one[0].concentrator_id)):
        await connection.execute(_TAKE.encode(), {
            "ripple": report.order if report.order < 2**31 else 0, "network": report.network,
            "number": sender.concentrator_id, "outcome": report.outcome,
            "members": members_of(report.members)})


class PostgresRipples:
    """What sending wants of the database. Several processes may send; each step is one's."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._downlink = Downlink()

    async def due(self, limit: int) -> list[tuple[Wanted, int | None]]:
        """What is to be sent now, each with its message counter; noted as asked. None: the
        counters are used up.
        """
        async with self._pool.connection() as connection, connection.transaction():
            row = await (await connection.execute(
                "select exists (select from ripple where until > now())"
                "   and pg_try_advisory_xact_lock(%s)", [_LOCK])).fetchone()
            if row is None or not row[0]:
                return []
            found = await (await connection.execute(_DUE.encode(), {
                "silent": SILENT_AFTER, "again": AGAIN_S, "flooded": FLOODED,
                "limit": limit})).fetchall()
            # One message to a gateway in a step: each takes a counter of its own.
            wanted = list({row[7]: _wanted(row)
                           for row in reversed(found)}.values())
            counters = await reserved(connection, [one.gateway for one in wanted], self._downlink)
            for one in wanted:
                await connection.execute(
                    "insert into ripple_gateway (ripple_id, concentrator_id, asked_at)"
                    " values (%s, %s, now()) on conflict (ripple_id, concentrator_id)"
                    " do update set asked_at = now()",
                    [one.ripple_id, one.gateway.concentrator_id])
        return [(one, counters[one.gateway.concentrator_id]) for one in wanted]


def _wanted(row: Sequence[Any]) -> Wanted:
    number, network, group, execute_at, until, expected, payload = row[:7]
    return Wanted(number, network, group, execute_at, until, expected, bytes(payload),
                  Sender(*row[7:]))


def moment_ms(at: datetime | None) -> int:
    """UTC milliseconds; 0 for no moment."""
    return 0 if at is None else int(at.astimezone(UTC).timestamp() * 1000)
