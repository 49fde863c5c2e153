"""The questions about people to the database: accounts, sessions, tokens, failed sign-ins.

Every function works in the caller's transaction. Secrets come in and go out as hashes only.
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.people.accounts import Account
from wum_cloud.people.permissions import TOKENS_ONLY


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signing in is checked against. `totp_sealed` is None without a second factor."""

    account: Account
    password_hash: str
    totp_sealed: bytes | None = None
    totp_last_step: int = 0


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its owner sees it."""

    token_hash: bytes
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as its owner sees it. Times are None for never."""

    name: str
    account: str
    role: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is alive, and the token that its forms carry."""

    account: Account
    csrf_token: str


async def count_accounts(connection: Connection) -> int:
    """How many accounts there are."""
    cursor = await connection.execute("select count(*) from account")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def lock_accounts(connection: Connection) -> None:
    """Keep every other process from making accounts until this transaction ends."""
    await connection.execute("lock table account in share row exclusive mode")


async def add_account(
        connection: Connection, tenant: str, name: str, role: str, password_hash: str) -> int:
    """Make an account; return its number."""
    cursor = await connection.execute(
        "insert into account (tenant_id, name, role, password_hash)"
        " select tenant_id, %s, %s, %s from tenant where name = %s returning account_id",
        [name, role, password_hash, tenant])
    row = await cursor.fetchone()
    assert row is not None, "there is no tenant %r" % tenant
    return int(row[0])


async def account_named(connection: Connection, name: str) -> Credentials | None:
    """The account with this name and what its password is checked against; none that is disabled.
    """
    cursor = await connection.execute(
        "select account_id, tenant_id, name, role, site_id, password_hash,"
        "       case when totp_is_confirmed then totp_sealed end, totp_last_step"
        " from account where name = %s and not is_disabled", [name])
    row = await cursor.fetchone()
    return None if row is None else Credentials(Account(*row[:5]), *row[5:])


async def first_account(connection: Connection) -> Account | None:
    """The oldest administrator: tokens made on the command line are his."""
    cursor = await connection.execute(
        "select account_id, tenant_id, name, role, site_id from account"
        " where role = 'administrator' and not is_disabled order by account_id limit 1")
    row = await cursor.fetchone()
    return None if row is None else Account(*row)


async def note_failure(connection: Connection, name: str, address: str, minutes: int) -> int:
    """Keep that a sign-in with `name` from `address` failed; forget those of yesterday.

    Returns how often the name failed within `minutes`, this time included.
    """
    await connection.execute(
        "insert into sign_in_failure (name, address) values (%s, %s)", [name, address])
    await connection.execute(
        "delete from sign_in_failure where failed_at < now() - interval '1 day'")
    return (await failures(connection, name, address, minutes))[0]


async def lock_attempts(connection: Connection) -> None:
    """Let every other sign-in wait to be counted until this transaction ends."""
    await connection.execute("lock table sign_in_failure in share row exclusive mode")


async def failures(
        connection: Connection, name: str, address: str, minutes: int) -> tuple[int, int]:
    """Failed sign-ins of the last `minutes`: with this name, and from this address."""
    cursor = await connection.execute(
        "select (select count(*) from sign_in_failure where name = %(name)s"
        "         and failed_at > now() - make_interval(mins => %(minutes)s)),"
        "       (select count(*) from sign_in_failure where address = %(address)s"
        "         and failed_at > now() - make_interval(mins => %(minutes)s))",
        {"name": name, "address": address, "minutes": minutes})
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


async def forget_failures(connection: Connection, name: str) -> None:
    """The person with this name has signed in: what failed before was a slip."""
    await connection.execute("delete from sign_in_failure where name = %s", [name])


async def count_refusal(connection: Connection, account_id: int) -> None:
    """Somebody lacked a permission. An hour's count is kept for two days."""
    cursor = await connection.execute(
        "insert into refusal_hour (account_id, hour, n, last_at)"
        " values (%s, date_trunc('hour', now()), 1, now()) on conflict (account_id, hour)"
        " do update set n = refusal_hour.n + 1, last_at = now() returning n", [account_id])
    row = await cursor.fetchone()
    if row is not None and row[0] == 1:
        await connection.execute(
            "delete from refusal_hour where hour < now() - interval '2 days'")


async def open_session(
        connection: Connection, account_id: int, token_hash: bytes, csrf_token: str, most: int,
) -> None:
    """Begin a session; of the account's others the `most` - 1 newest stay."""
    await connection.execute(
        "delete from session where account_id = %(account)s and token_hash not in ("
        " select token_hash from session where account_id = %(account)s"
        "  order by last_seen_at desc limit %(others)s)",
        {"account": account_id, "others": most - 1})
    await connection.execute(
        "insert into session (token_hash, account_id, csrf_token) values (%s, %s, %s)",
        [token_hash, account_id, csrf_token])


async def session(
        connection: Connection, token_hash: bytes, idle_minutes: int, hours: int,
) -> Session | None:
    """The session with this token, if it was renewed within `idle_minutes` and began within
    `hours`."""
    cursor = await connection.execute(
        "select a.account_id, a.tenant_id, a.name, a.role, a.site_id, s.csrf_token"
        "  from session s join account a using (account_id)"
        " where not a.is_disabled and s.token_hash = %s"
        " and s.last_seen_at > now() - make_interval(mins => %s)"
        " and s.created_at > now() - make_interval(hours => %s)",
        [token_hash, idle_minutes, hours])
    row = await cursor.fetchone()
    return None if row is None else Session(Account(*row[:5]), row[5])


async def renew_session(connection: Connection, token_hash: bytes) -> None:
    """The session is in use. Written once a minute at most: pages come in bursts."""
    await connection.execute(
        "update session set last_seen_at = now()"
        " where token_hash = %s and last_seen_at < now() - interval '1 minute'", [token_hash])


async def open_sessions(
        connection: Connection, account_id: int, idle_minutes: int) -> list[OpenSession]:
    """The account's sessions that are alive, the one used last first."""
    async with connection.cursor(row_factory=class_row(OpenSession)) as cursor:
        await cursor.execute(
            "select token_hash, created_at, last_seen_at from session"
            " where account_id = %s and last_seen_at > now() - make_interval(mins => %s)"
            " order by last_seen_at desc, created_at desc", [account_id, idle_minutes])
        return await cursor.fetchall()


async def close_other_sessions(
        connection: Connection, account_id: int, kept: bytes | None) -> int:
    """End all of the account's sessions but the one whose token hash is `kept`; how many."""
    cursor = await connection.execute(
        "delete from session where account_id = %s and token_hash is distinct from %s",
        [account_id, kept])
    return cursor.rowcount


async def set_password(connection: Connection, account_id: int, password_hash: str) -> None:
    """Another password from now on."""
    await connection.execute(
        "update account set password_hash = %s where account_id = %s",
        [password_hash, account_id])


async def close_session(connection: Connection, token_hash: bytes, idle_minutes: int) -> None:
    """End a session, and forget those that ended by themselves."""
    await connection.execute(
        "delete from session where token_hash = %s"
        " or last_seen_at < now() - make_interval(mins => %s)", [token_hash, idle_minutes])


async def add_token(
        connection: Connection, account_id: int, name: str, token_hash: bytes,
        role: str = TOKENS_ONLY, days: int | None = None) -> None:
    """Keep the hash of a new API token, which ends after `days`."""
    await connection.execute(
        "insert into api_token (token_hash, account_id, name, role, expires_at)"
        " values (%s, %s, %s, %s, now() + make_interval(days => %s))",
        [token_hash, account_id, name, role, days])


async def touch_token(connection: Connection, token_hash: bytes) -> Account | None:
    """The account that an API token acts as; None for one that is unknown or over."""
    cursor = await connection.execute(
        "update api_token t set last_used_at = now() from account a"
        " where t.token_hash = %s and a.account_id = t.account_id and not a.is_disabled"
        " and (t.expires_at is null or t.expires_at > now())"
        " returning a.account_id, a.tenant_id, a.name, a.role, a.site_id, t.name, t.role",
        [token_hash])
    row = await cursor.fetchone()
    return None if row is None else Account(*row)


async def tokens(connection: Connection, tenant: int, account_id: int | None) -> list[Token]:
    """A tenant's API tokens by name: of one account, or of all."""
    async with connection.cursor(row_factory=class_row(Token)) as cursor:
        await cursor.execute(
            "select t.name, a.name as account, t.role, t.created_at, t.last_used_at, t.expires_at"
            "  from api_token t join account a using (account_id)"
            " where a.tenant_id = %(tenant)s"
            " and (%(account)s::integer is null or account_id = %(account)s)"
            " order by t.name, t.created_at", {"tenant": tenant, "account": account_id})
        return await cursor.fetchall()


async def remove_tokens(connection: Connection, tenant: int, name: str) -> int:
    """Forget every token of the tenant that is called `name`; how many there were."""
    cursor = await connection.execute(
        "delete from api_token t using account a"
        " where a.account_id = t.account_id and a.tenant_id = %s and t.name = %s", [tenant, name])
    return cursor.rowcount
