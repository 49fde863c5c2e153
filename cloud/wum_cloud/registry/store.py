"""The registry's questions to the database: tenants, sites, concentrators, keys, accounts.

Left out: meters and schemas (schemas/store.py). Every function works in the caller's transaction.
"""

from dataclasses import dataclass

from wum_cloud.database import Connection
from wum_shared.messages import Registration


@dataclass(frozen=True, slots=True)
class Sender:
    """A concentrator as ingest knows it; `sealed_keys` are opened by registry/keys.py."""

    concentrator_id: int
    device_id: bytes
    tenant_id: int
    tenant: str
    epoch: int
    sealed_keys: bytes


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """A concentrator's account on the broker; its user name is the id in hexadecimal."""

    device_id: bytes
    password_hash: str


async def tenant_id(connection: Connection, name: str) -> int:
    """The tenant called `name`, made where it is new."""
    await connection.execute(  # Not tried where it is there: every attempt uses up a number.
        "insert into tenant (name) select %s"
        " where not exists (select from tenant where name = %s) on conflict do nothing",
        [name, name])
    return await _number(connection, "select tenant_id from tenant where name = %s", [name])


async def site_id(connection: Connection, tenant: int, name: str, time_zone: str | None) -> int:
    """The tenant's site called `name`, made where it is new; `time_zone` is an IANA name."""
    await connection.execute(
        "insert into site (tenant_id, name) select %s, %s"
        " where not exists (select from site where tenant_id = %s and name = %s)"
        " on conflict do nothing", [tenant, name, tenant, name])
    if time_zone is not None:
        await connection.execute(
            "update site set time_zone = %s where tenant_id = %s and name = %s",
            [time_zone, tenant, name])
    return await _number(
        connection, "select site_id from site where tenant_id = %s and name = %s", [tenant, name])


async def name_is_taken(
        connection: Connection, tenant: int, name: str, device_id: bytes) -> bool:
    """Whether another concentrator of the tenant is called `name`."""
    return bool(await _number(
        connection,
        "select count(*) from concentrator"
        " where tenant_id = %s and name = %s and device_id <> %s", [tenant, name, device_id]))


async def save_concentrator(
        connection: Connection, registration: Registration, *, tenant: int, name: str | None,
        site: int | None, password_hash: str,
) -> int:
    """Insert the concentrator, or update one that is registered again; return its number.

    Without a name it is called by its id; what is None stays as it was.
    """
    device_id = registration.concentrator
    return await _number(
        connection,
        "insert into concentrator"
        " (tenant_id, device_id, identity_key, name, site_id, broker_password_hash)"
        " values (%s, %s, %s, coalesce(%s, %s), %s, %s)"
        " on conflict (device_id) do update set"
        "   name = coalesce(%s, concentrator.name),"
        "   site_id = coalesce(excluded.site_id, concentrator.site_id),"
        "   broker_password_hash = excluded.broker_password_hash"
        " returning concentrator_id",
        [tenant, device_id, registration.identity_key, name, device_id.hex(), site,
         password_hash, name])


async def password_since(connection: Connection, registration: Registration) -> str | None:
    """The password in force of a concentrator that has opened epochs after this registration."""
    row = await (await connection.execute(
        "select broker_password_hash from concentrator c where device_id = %s and exists"
        " (select from concentrator_epoch e where e.concentrator_id = c.concentrator_id"
        "   and e.epoch > %s)", [registration.concentrator, registration.epoch])).fetchone()
    return None if row is None else str(row[0])


async def with_old_keys(connection: Connection, days: int, limit: int) -> tuple[int, list[str]]:
    """How many concentrators that deliver have used their newest keys for so long, and the names of
    some."""
    rows = await (await connection.execute(
        "select name, count(*) over () from concentrator c"
        " where revoked_at is null"
        "   and last_contact_at > now() - interval '1 day'"
        "   and (select max(opened_at) from concentrator_epoch e"
        "         where e.concentrator_id = c.concentrator_id) < now() - make_interval(days => %s)"
        " order by name limit %s", [days, limit])).fetchall()
    return (int(rows[0][1]) if rows else 0), [str(name) for name, _ in rows]


async def save_mesh(
        connection: Connection, concentrator_id: int, mesh: str | None, carries: bool | None,
) -> None:
    """Which mesh it is in, and whether it carries for the others; None leaves as it is."""
    await connection.execute(
        "update concentrator set mesh = coalesce(%s, mesh), carries = coalesce(%s, carries)"
        " where concentrator_id = %s", [mesh, carries, concentrator_id])


async def carried(connection: Connection) -> list[tuple[bytes, list[bytes]]]:
    """Each concentrator that carries for others, and those of its tenant's mesh, by id."""
    rows = await (await connection.execute(
        "select g.device_id, array_agg(c.device_id order by c.device_id)"
        " from concentrator g join concentrator c"
        "   on c.tenant_id = g.tenant_id and c.mesh = g.mesh and c.device_id <> g.device_id"
        " where g.carries and g.revoked_at is null and c.revoked_at is null"
        " group by g.device_id order by g.device_id")).fetchall()
    return [(bytes(device_id), [bytes(one) for one in others]) for device_id, others in rows]


async def tenant_of(connection: Connection, device_id: bytes) -> str | None:
    """Name of the tenant that the concentrator belongs to; None when it is not registered."""
    row = await (await connection.execute(
        "select t.name from concentrator c join tenant t using (tenant_id) where device_id = %s",
        [device_id])).fetchone()
    return None if row is None else str(row[0])


async def save_keys(
        connection: Connection, concentrator_id: int, epoch: int, sealed_keys: bytes) -> None:
    """Keys of one epoch. The downlink counter of keys that come again goes on where it was."""
    await connection.execute(
        "insert into concentrator_epoch (concentrator_id, epoch, sealed_keys) values (%s, %s, %s)"
        " on conflict (concentrator_id, epoch) do update set sealed_keys = excluded.sealed_keys",
        [concentrator_id, epoch, sealed_keys])


async def senders(
        connection: Connection, wanted: list[tuple[bytes, int]]) -> dict[tuple[bytes, int], Sender]:
    """The registered ones of `wanted` (device id, epoch); what is missing is not known."""
    rows = await (await connection.execute(
        "select c.concentrator_id, c.device_id, c.tenant_id, t.name, e.epoch, e.sealed_keys"
        " from unnest(%s::bytea[], %s::integer[]) as w (device_id, epoch)"
        " join concentrator c on c.device_id = w.device_id and c.revoked_at is null"
        " join tenant t using (tenant_id)"
        " join concentrator_epoch e"
        "   on e.concentrator_id = c.concentrator_id and e.epoch = w.epoch",
        [[device_id for device_id, _ in wanted], [epoch for _, epoch in wanted]])).fetchall()
    found = [Sender(*row) for row in rows]
    return {(sender.device_id, sender.epoch): sender for sender in found}


async def newest_sender(connection: Connection) -> Sender | None:
    """The concentrator that was registered last, with its newest keys; None without any."""
    row = await (await connection.execute(
        "select c.concentrator_id, c.device_id, c.tenant_id, t.name, e.epoch, e.sealed_keys"
        " from concentrator c join tenant t using (tenant_id)"
        " join concentrator_epoch e using (concentrator_id)"
        " order by c.concentrator_id desc, e.epoch desc limit 1")).fetchone()
    return None if row is None else Sender(*row)


async def concentrator_ids(connection: Connection, device_ids: list[bytes]) -> dict[bytes, int]:
    """Numbers of the registered ones of these concentrators."""
    rows = await (await connection.execute(
        "select device_id, concentrator_id from concentrator where device_id = any(%s)"
        " and revoked_at is null",
        [device_ids])).fetchall()
    return {bytes(device_id): number for device_id, number in rows}


async def broker_accounts(connection: Connection) -> list[BrokerAccount]:
    """Every concentrator's account on the broker, by id: with the password that was given last, as
    soon as keys that came with it were used."""
    rows = await (await connection.execute(
        "select device_id, case when next_broker_password_hash is not null and exists ("
        "         select from concentrator_epoch e where e.concentrator_id = c.concentrator_id"
        "            and e.epoch >= c.next_broker_password_epoch and not isempty(e.uplink_seen))"
        "       then next_broker_password_hash else broker_password_hash end"
        "  from concentrator c where revoked_at is null and planned_at is null"
        " order by device_id")).fetchall()
    return [BrokerAccount(*row) for row in rows]


async def _number(connection: Connection, query: str, parameters: list[object]) -> int:
    row = await (await connection.execute(query.encode(), parameters)).fetchone()
    assert row is not None
    return int(row[0])


async def identity_key(connection: Connection, concentrator_id: int) -> bytes:
    """The key that signs what a concentrator says: receipts, standings."""
    row = await (await connection.execute(
        "select identity_key from concentrator where concentrator_id = %s",
        [concentrator_id])).fetchone()
    assert row is not None
    return bytes(row[0])
