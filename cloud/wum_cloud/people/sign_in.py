"""Signing in: name and password become a session, and no one may try for ever."""

from dataclasses import dataclass
from datetime import UTC, datetime

from wum_cloud.database import Pool
from wum_cloud.people import store
from wum_cloud.people.passwords import (
    NOBODYS_HASH,
    hash_of_secret,
    is_password,
    new_secret,
)

FAILURES_MAX = 5            # In a row, of one account; then it is locked.
LOCK_MINUTES = 15
ADDRESS_FAILURES_MAX = 20   # From one address within LOCK_MINUTES: an office may share one.
IDLE_MINUTES = 30


class SignInRefused(Exception):
    """A sentence for the person who tries; it does not tell whether the name exists."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: the token is for the cookie and is kept nowhere else."""

    token: str


async def sign_in(database: Pool, name: str, password: str, address: str) -> Opened:
    """Open a session. Raises SignInRefused."""
    async with database.connection() as connection:
        failures = await store.failures_from(connection, address, LOCK_MINUTES)
        known = await store.account_named(connection, name)
    if failures >= ADDRESS_FAILURES_MAX:
        raise SignInRefused("Too many failed sign-ins from this address. "
                            "Try again in %d minutes." % LOCK_MINUTES)
    right = await is_password(NOBODYS_HASH if known is None else known.password_hash, password)
    if known is not None and known.locked_until and known.locked_until > datetime.now(UTC):
        raise SignInRefused("Too many failed sign-ins. Try again in %d minutes." % LOCK_MINUTES)
    if known is None or not right:
        async with database.connection() as connection:
            await store.note_failure(
                connection, None if known is None else known.account.account_id, address,
                most=FAILURES_MAX, lock_minutes=LOCK_MINUTES)
        raise SignInRefused("Name or password is wrong.")
    token = new_secret()
    async with database.connection() as connection:
        await store.open_session(
            connection, known.account.account_id, hash_of_secret(token), new_secret())
    return Opened(token)


async def session_of(database: Pool, token: str) -> store.Session | None:
    """The session behind a cookie; None when it ended or never was."""
    async with database.connection() as connection:
        return await store.touch_session(connection, hash_of_secret(token), IDLE_MINUTES)


async def sign_out(database: Pool, token: str) -> None:
    """End the session behind a cookie."""
    async with database.connection() as connection:
        await store.close_session(connection, hash_of_secret(token))
