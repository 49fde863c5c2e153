"""Claims in the database, and the concentrators that come of them. Secrets are sealed."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that is open, as the head-end works with it."""

    claim_id: int
    tenant_id: int
    tenant: str
    name: bytes
    secrets_sealed: bytes
    concentrator_name: str
    site_id: int | None
    grants: int
    identity_key: bytes | None
    password_sealed: bytes | None
    made_by: str
    planned_id: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A claim as operators see it. `device_id` is None before anybody used it."""

    claim_id: int
    concentrator_name: str
    site: str | None
    made_by: str
    made_at: datetime
    ends_at: datetime
    identity_key: bytes | None
    burned_at: datetime | None


async def add(
        connection: Connection, *, tenant: int, name: bytes, secrets_sealed: bytes,
        broker_hash: str, concentrator_name: str, site: int | None, made_by: str, hours: int,
        planned: int | None = None,
) -> int | None:
    """Keep a claim for `hours`; its number, or None where there is, or was, one of this code."""
    row = await (await connection.execute(
        "insert into claim (tenant_id, name, secrets_sealed, broker_hash, concentrator_name,"
        " site_id, made_by, planned_id, ends_at) values (%s, %s, %s, %s, %s, %s, %s, %s,"
        " now() + make_interval(hours => %s)) on conflict do nothing returning claim_id",
        [tenant, name, secrets_sealed, broker_hash, concentrator_name, site, made_by, planned,
         hours]
    )).fetchone()
    return None if row is None else int(row[0])


async def open_claim(connection: Connection, name: bytes) -> Claim | None:
    """The claim with this name, locked, if it is neither burned nor over."""
    async with connection.cursor(row_factory=class_row(Claim)) as cursor:
        await cursor.execute(
            "select claim_id, tenant_id, t.name as tenant, c.name, secrets_sealed,"
            "       concentrator_name, site_id, grants, identity_key, password_sealed, made_by,"
            "       planned_id"
            "  from claim c join tenant t using (tenant_id)"
            " where c.name = %s and burned_at is null and ends_at > now()"
            "   and secrets_sealed is not null for no key update of c", [name])
        return await cursor.fetchone()


async def note_grant(
        connection: Connection, claim_id: int, identity_key: bytes, password_sealed: bytes,
) -> None:
    """The code was used: by this identity, from now on by no other."""
    await connection.execute(
        "update claim set grants = grants + 1, identity_key = %s, password_sealed = %s"
        " where claim_id = %s", [identity_key, password_sealed, claim_id])


async def burn(connection: Connection, identity_key: bytes) -> int:
    """Forget the secrets of the claim that this identity used; 0 where there is none open."""
    cursor = await connection.execute(
        "update claim set burned_at = now(), secrets_sealed = null, broker_hash = null,"
        " password_sealed = null where identity_key = %s and burned_at is null", [identity_key])
    return cursor.rowcount


async def withdraw(connection: Connection, reach: Reach, claim_id: int) -> str | None:
    """Take back a claim that nobody finished; its concentrator's name, None for none such."""
    row = await (await connection.execute(
        "delete from claim c where c.claim_id = %(claim)s and c.tenant_id = %(tenant)s"
        " and c.burned_at is null" + within(reach, "c.site_id")
        + " returning c.concentrator_name",
        {"claim": claim_id, "tenant": reach.tenant_id, "branch": reach.site_id})).fetchone()
    return None if row is None else str(row[0])


async def listed(
        connection: Connection, reach: Reach, before: int | None, limit: int) -> list[Listed]:
    """Up to `limit` claims, the newest first, numbered below `before`."""
    async with connection.cursor(row_factory=class_row(Listed)) as cursor:
        await cursor.execute(
            "select c.claim_id, c.concentrator_name, s.name as site, c.made_by, c.made_at,"
            "       c.ends_at, c.identity_key, c.burned_at"
            "  from claim c left join site s using (site_id)"
            " where c.tenant_id = %(tenant)s"
            "   and (%(before)s::integer is null or c.claim_id < %(before)s)"
            + within(reach, "c.site_id") + " order by c.claim_id desc limit %(limit)s",
            {"tenant": reach.tenant_id, "branch": reach.site_id, "before": before,
             "limit": limit})
        return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Member:
    """A concentrator that is let in, and the newest epoch of its keys."""

    concentrator_id: int
    tenant_id: int
    tenant: str
    identity_key: bytes
    epoch: int


async def member(connection: Connection, device_id: bytes) -> Member | None:
    """The concentrator, locked; None for one that is unknown or was revoked."""
    async with connection.cursor(row_factory=class_row(Member)) as cursor:
        await cursor.execute(
            "select c.concentrator_id, c.tenant_id, t.name as tenant, c.identity_key,"
            "       coalesce((select max(epoch) from concentrator_epoch e"
            "                  where e.concentrator_id = c.concentrator_id), 0) as epoch"
            "  from concentrator c join tenant t using (tenant_id)"
            " where c.device_id = %s and c.revoked_at is null for no key update of c", [device_id])
        return await cursor.fetchone()


async def sealed_keys(connection: Connection, concentrator_id: int, epoch: int) -> bytes | None:
    """The sealed keys of an epoch."""
    row = await (await connection.execute(
        "select sealed_keys from concentrator_epoch where concentrator_id = %s and epoch = %s",
        [concentrator_id, epoch])).fetchone()
    return None if row is None else bytes(row[0])


async def next_count(connection: Connection, concentrator_id: int, epoch: int) -> int:
    """A count of the downlink that nobody has used: the lower half of a message counter."""
    row = await (await connection.execute(
        "update concentrator_epoch set downlink_count = next_downlink_count(downlink_count, 1)"
        " where concentrator_id = %s and epoch = %s returning downlink_count",
        [concentrator_id, epoch])).fetchone()
    assert row is not None
    return int(row[0])


async def revoke(connection: Connection, reach: Reach, device_id: bytes) -> bool:
    """Take nothing of this concentrator any more; False where there is none such in reach."""
    cursor = await connection.execute(
        "update concentrator c set revoked_at = coalesce(revoked_at, now())"
        " where c.device_id = %(device)s and c.tenant_id = %(tenant)s"
        + within(reach, "c.site_id"),
        {"device": device_id, "tenant": reach.tenant_id, "branch": reach.site_id})
    return cursor.rowcount == 1


async def claim_accounts(connection: Connection) -> list[tuple[bytes, str]]:
    """(name, hash of its password) at the broker of every open claim, by name."""
    rows = await (await connection.execute(
        "select name, broker_hash from claim where burned_at is null and ends_at > now()"
        " and broker_hash is not null order by name")).fetchall()
    return [(bytes(name), text) for name, text in rows]


_ARRIVED = (" next_broker_password_hash is not null and exists (select from concentrator_epoch e"
            "  where e.concentrator_id = c.concentrator_id"
            "    and e.epoch >= c.next_broker_password_epoch and not isempty(e.uplink_seen))")


async def confirm_password(connection: Connection, concentrator_id: int) -> None:
    """Let the password that has arrived take the place of the one before."""
    await connection.execute(
        "update concentrator c set broker_password_hash = next_broker_password_hash,"
        " broker_password_at = now(), next_broker_password_hash = null,"
        " next_broker_password_sealed = null, next_broker_password_epoch = null"
        " where concentrator_id = %s and" + _ARRIVED, [concentrator_id])


async def waiting_password(connection: Connection, concentrator_id: int) -> bytes | None:
    """The sealed password that was given, and of which nobody knows yet whether it arrived."""
    row = await (await connection.execute(
        "select next_broker_password_sealed from concentrator where concentrator_id = %s",
        [concentrator_id])).fetchone()
    return None if row is None or row[0] is None else bytes(row[0])


async def is_password_due(connection: Connection, concentrator_id: int, days: int) -> bool:
    """Whether its password is older than so many days."""
    row = await (await connection.execute(
        "select broker_password_at < now() - make_interval(days => %s) from concentrator"
        " where concentrator_id = %s", [days, concentrator_id])).fetchone()
    return row is not None and bool(row[0])


async def save_next_password(
        connection: Connection, concentrator_id: int, epoch: int, sealed: bytes, hashed: str,
) -> None:
    """Keep a password that is given from this epoch on."""
    await connection.execute(
        "update concentrator set next_broker_password_sealed = %s, next_broker_password_hash = %s,"
        " next_broker_password_epoch = %s where concentrator_id = %s",
        [sealed, hashed, epoch, concentrator_id])


async def make_passwords_due(connection: Connection, tenant: int) -> int:
    """Let every concentrator of the tenant get a new one with its next epoch; how many."""
    cursor = await connection.execute(
        "update concentrator set broker_password_at = '-infinity'"
        " where tenant_id = %s and revoked_at is null", [tenant])
    return cursor.rowcount


async def destroy_followed_keys(connection: Connection) -> int:
    """Forget the keys of epochs that were followed by two others which are in use; how many."""
    cursor = await connection.execute(
        "delete from concentrator_epoch old where old.epoch < (select u.epoch"
        "   from concentrator_epoch u where u.concentrator_id = old.concentrator_id"
        "    and not isempty(u.uplink_seen) order by u.epoch desc offset 1 limit 1)")
    return cursor.rowcount


async def mesh_of(connection: Connection, tenant: int, device_id: bytes) -> str | None:
    """The mesh that a concentrator is registered with, revoked or not."""
    row = await (await connection.execute(
        "select mesh from concentrator where tenant_id = %s and device_id = %s",
        [tenant, device_id])).fetchone()
    return None if row is None else row[0]
