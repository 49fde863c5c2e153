"""The questions of administrators about accounts. Every one is about a single tenant."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class Member:
    """An account as an administrator sees it. `branch` names its site; None: the whole tenant."""

    account_id: int
    name: str
    role: str
    branch: str | None
    is_disabled: bool
    has_second_factor: bool
    created_at: datetime
    last_seen_at: datetime | None


_MEMBERS = """
    select a.account_id, a.name, a.role, s.name as branch, a.is_disabled,
           a.totp_is_confirmed as has_second_factor, a.created_at,
           (select max(last_seen_at) from session x where x.account_id = a.account_id)
               as last_seen_at
      from account a left join site s using (site_id)
     where a.tenant_id = %(tenant)s"""


async def members(connection: Connection, tenant: int, after: str, limit: int) -> list[Member]:
    """Up to `limit` accounts by name, from the first name after `after`."""
    async with connection.cursor(row_factory=class_row(Member)) as cursor:
        await cursor.execute(
            _MEMBERS + " and a.name > %(after)s order by a.name limit %(limit)s",
            {"tenant": tenant, "after": after, "limit": limit})
        return await cursor.fetchall()


async def member(connection: Connection, tenant: int, name: str) -> Member | None:
    """The tenant's account with this name."""
    async with connection.cursor(row_factory=class_row(Member)) as cursor:
        await cursor.execute(_MEMBERS + " and a.name = %(name)s", {
            "tenant": tenant, "name": name})
        return await cursor.fetchone()


async def is_taken(connection: Connection, name: str) -> bool:
    """Whether any tenant has an account with this name: people sign in by name alone."""
    row = await (await connection.execute(
        "select exists (select from account where name = %s)", [name])).fetchone()
    assert row is not None
    return bool(row[0])


async def add(
        connection: Connection, tenant: int, name: str, role: str, site: int | None,
        password_hash: str) -> None:
    """Make an account."""
    await connection.execute(
        "insert into account (tenant_id, name, role, site_id, password_hash)"
        " values (%s, %s, %s, %s, %s)", [tenant, name, role, site, password_hash])


async def change(
        connection: Connection, account_id: int, role: str, site: int | None, is_disabled: bool,
) -> None:
    """Another role, another branch, or no access at all."""
    await connection.execute(
        "update account set role = %s, site_id = %s, is_disabled = %s where account_id = %s",
        [role, site, is_disabled, account_id])


async def administrators(connection: Connection, tenant: int) -> list[int]:
    """The accounts that can still arrange accounts, locked: the last one is not lost in a race."""
    rows = await (await connection.execute(
        "select account_id from account where tenant_id = %s and role = 'administrator'"
        " and not is_disabled and site_id is null order by account_id for no key update",
        [tenant])).fetchall()
    return [row[0] for row in rows]


async def site_named(connection: Connection, tenant: int, name: str) -> int | None:
    """Number of the tenant's site with this name."""
    row = await (await connection.execute(
        "select site_id from site where tenant_id = %s and name = %s", [tenant, name])).fetchone()
    return None if row is None else int(row[0])


async def tenant_named(connection: Connection, name: str) -> int | None:
    """Number of the tenant with this name."""
    row = await (await connection.execute(
        "select tenant_id from tenant where name = %s", [name])).fetchone()
    return None if row is None else int(row[0])
