"""Which stations are to be told of a network's key, and what they were told."""

from dataclasses import dataclass

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_shared import orders
from wum_shared.network_key import SHUT_OUT_MAX
from wum_shared.orders import WINDOW_MAX_S

# Who has said that it has what holds now is told nothing. An order that nobody will answer any
# more is given once more.
_DUE = """
    select s.network_key_id, s.concentrator_id, x.device_id, x.tenant_id, t.name as tenant,
           e.epoch, e.sealed_keys, n.mesh, n.network, n.epoch as key_epoch, n.sealed_key,
           n.ending_at is not null as is_only
      from network_key_station s join network_key n using (network_key_id)
      join concentrator x using (concentrator_id) join tenant t on t.tenant_id = x.tenant_id
      join lateral (select epoch, sealed_keys from concentrator_epoch e
                     where e.concentrator_id = x.concentrator_id
                     order by e.epoch = s.epoch desc nulls last, e.epoch desc limit 1) as e on true
      left join command k using (command_id)
     where n.sealed_key is not null and x.revoked_at is null
       and case when n.ending_at is null then s.has_it_at else s.is_only_at end is null
       and (s.due_at <= now()
            or s.due_at is null and k.state in ('expired', 'withdrawn', 'unknown'))
     order by x.carries desc, s.due_at, s.concentrator_id limit %s for update of s skip locked"""

_ORDER = """
    insert into command (tenant_id, concentrator_id, request_id, order_id, kind, arguments, shown,
        reason, state, requested_by, needs_approval, begins_at, expires_at, due_at)
    values (%s, %s, nextval('command_request'), %s, %s, %s, %s, 'the network''s key is changed',
        'approved', 'the head-end', false, now(), now() + make_interval(secs => %s), now())
    returning command_id"""

_CONFIRM = """
    update network_key_station set has_it_at = coalesce(has_it_at, now()), due_at = null,
           is_only_at = case when is_told_only then coalesce(is_only_at, now()) end
     where command_id = %s"""


@dataclass(frozen=True, slots=True)
class Told:
    """A station that is to be told. `epoch` is that of its own keys."""

    network_key_id: int
    concentrator_id: int
    device_id: bytes
    tenant_id: int
    tenant: str
    epoch: int
    sealed_keys: bytes
    mesh: str
    network: int
    key_epoch: int
    sealed_key: bytes
    is_only: bool

    def __repr__(self) -> str:
        return "Told(%s, epoch %d)" % (self.device_id.hex(), self.key_epoch)


async def due(connection: Connection, limit: int) -> list[Told]:
    """Who is to be told now, locked."""
    async with connection.cursor(row_factory=class_row(Told)) as cursor:
        await cursor.execute(_DUE.encode(), [limit])
        return await cursor.fetchall()


async def shut_out(connection: Connection, tenant: int, mesh: str) -> list[bytes]:
    """Revoked concentrators of a mesh: those that were revoked last."""
    rows = await (await connection.execute(
        "select device_id from concentrator where tenant_id = %s and mesh = %s"
        " and revoked_at is not null order by revoked_at desc, concentrator_id limit %s",
        [tenant, mesh, SHUT_OUT_MAX])).fetchall()
    return [bytes(row[0]) for row in rows]


async def order(connection: Connection, told: Told, act: bytes, arguments: bytes,
                shown: str) -> None:
    """The command that tells; it is what the station was told last."""
    row = await (await connection.execute(_ORDER.encode(), [
        told.tenant_id, told.concentrator_id, act, orders.NETWORK_KEY, arguments, shown,
        WINDOW_MAX_S])).fetchone()
    assert row is not None
    await connection.execute(
        "update network_key_station set due_at = null, epoch = null, command_id = %s,"
        " is_told_only = %s where network_key_id = %s and concentrator_id = %s",
        [row[0], told.is_only, told.network_key_id, told.concentrator_id])


async def confirm(connection: Connection, command_id: int) -> None:
    """What this command told is so."""
    await connection.execute(_CONFIRM.encode(), [command_id])


async def tell_again(
        connection: Connection, command_id: int, after_s: int, epoch: int | None) -> None:
    """What this command told is not so; it is told once more, unless it is to be anyway: with keys
    of this epoch, or of the newest."""
    await connection.execute(
        "update network_key_station set due_at = now() + make_interval(secs => %s), epoch = %s"
        " where command_id = %s and due_at is null", [after_s, epoch, command_id])
