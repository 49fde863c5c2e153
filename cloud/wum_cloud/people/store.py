"""The questions about people to the database: accounts, sessions, tokens, failed sign-ins.

Every function works in the caller's transaction. Secrets come in and go out as hashes only.
"""

from dataclasses import dataclass
from datetime import datetime

from wum_cloud.database import Connection
from wum_cloud.people.accounts import Account


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signing in is checked against."""

    account: Account
    password_hash: str
    locked_until: datetime | None


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
    """The account with this name and what its password is checked against."""
    cursor = await connection.execute(
        "select account_id, tenant_id, name, role, password_hash, locked_until"
        " from account where name = %s", [name])
    row = await cursor.fetchone()
    return None if row is None else Credentials(Account(*row[:4]), row[4], row[5])


async def first_account(connection: Connection) -> Account | None:
    """The oldest administrator: tokens made on the command line are his."""
    cursor = await connection.execute(
        "select account_id, tenant_id, name, role from account"
        " where role = 'administrator' order by account_id limit 1")
    row = await cursor.fetchone()
    return None if row is None else Account(*row)


async def note_failure(
        connection: Connection, account_id: int | None, address: str, *, most: int,
        lock_minutes: int,
) -> None:
    """Count a failed sign-in; the `most`-th in a row locks the account."""
    await connection.execute("insert into sign_in_failure (address) values (%s)", [address])
    await connection.execute(
        "delete from sign_in_failure where failed_at < now() - interval '1 day'")
    await connection.execute(
        "update account set failed_sign_ins = (failed_sign_ins + 1) %% %(most)s,"
        " locked_until = case when failed_sign_ins + 1 >= %(most)s"
        "   then now() + make_interval(mins => %(minutes)s) else locked_until end"
        " where account_id = %(account)s",
        {"most": most, "minutes": lock_minutes, "account": account_id})


async def failures_from(connection: Connection, address: str, minutes: int) -> int:
    """Failed sign-ins from `address` in the last `minutes`."""
    cursor = await connection.execute(
        "select count(*) from sign_in_failure"
        " where address = %s and failed_at > now() - make_interval(mins => %s)",
        [address, minutes])
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def open_session(
        connection: Connection, account_id: int, token_hash: bytes, csrf_token: str,
) -> None:
    """Begin a session; failures of the account are forgiven."""
    await connection.execute(
        "update account set failed_sign_ins = 0, locked_until = null where account_id = %s",
        [account_id])
    await connection.execute(
        "insert into session (token_hash, account_id, csrf_token) values (%s, %s, %s)",
        [token_hash, account_id, csrf_token])


async def touch_session(
        connection: Connection, token_hash: bytes, idle_minutes: int) -> Session | None:
    """The session with this token, if it was used within `idle_minutes`; used now."""
    cursor = await connection.execute(
        "update session s set last_seen_at = now() from account a"
        " where s.token_hash = %s and a.account_id = s.account_id"
        " and s.last_seen_at > now() - make_interval(mins => %s)"
        " returning a.account_id, a.tenant_id, a.name, a.role, s.csrf_token",
        [token_hash, idle_minutes])
    row = await cursor.fetchone()
    return None if row is None else Session(Account(*row[:4]), row[4])


async def close_session(connection: Connection, token_hash: bytes) -> None:
    """End a session, and forget those that ended by themselves."""
    await connection.execute(
        "delete from session where token_hash = %s or last_seen_at < now() - interval '1 day'",
        [token_hash])


async def add_token(
        connection: Connection, account_id: int, name: str, token_hash: bytes) -> None:
    """Keep the hash of a new API token."""
    await connection.execute(
        "insert into api_token (token_hash, account_id, name) values (%s, %s, %s)",
        [token_hash, account_id, name])


async def touch_token(connection: Connection, token_hash: bytes) -> Account | None:
    """The account that an API token stands for."""
    cursor = await connection.execute(
        "update api_token t set last_used_at = now() from account a"
        " where t.token_hash = %s and a.account_id = t.account_id"
        " returning a.account_id, a.tenant_id, a.name, a.role", [token_hash])
    row = await cursor.fetchone()
    return None if row is None else Account(*row)
