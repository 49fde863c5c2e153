"""Signing in: name and password become a session, and no one may try for ever."""

from dataclasses import dataclass

from wum_cloud.database import Connection, Pool
from wum_cloud.people import store
from wum_cloud.people.passwords import (
    NOBODYS_HASH,
    hash_of_secret,
    is_password,
    new_secret,
)

NAME_FAILURES_MAX = 5       # Of one name within LOCK_MINUTES, whether there is such an account.
ADDRESS_FAILURES_MAX = 20   # From one address within LOCK_MINUTES: an office may share one.
LOCK_MINUTES = 15
IDLE_MINUTES = 30
SESSION_HOURS = 12          # However busy: a shift, and nobody is signed in for ever.
SESSIONS_MAX = 20           # Of one account; the oldest gives way.


class SignInRefused(Exception):
    """A sentence for the person who tries; it does not tell whether the name exists."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: the token is for the cookie and is kept nowhere else."""

    token: str


async def sign_in(database: Pool, name: str, password: str, address: str) -> Opened:
    """Open a session. Raises SignInRefused.

    An attempt counts as failed until it has succeeded, and attempts are counted one after the
    other: a thousand at once are five, not a thousand.
    """
    async with database.connection() as connection:
        await store.lock_attempts(connection)
        await _refuse_locked(connection, name, address)
        await store.note_failure(connection, name, address)
        known = await store.account_named(connection, name)
    right = await is_password(NOBODYS_HASH if known is None else known.password_hash, password)
    if known is None or not right:
        raise SignInRefused("Name or password is wrong.")
    token = new_secret()
    async with database.connection() as connection:
        await store.forget_failures(connection, name)
        await store.open_session(
            connection, known.account.account_id, hash_of_secret(token), new_secret(),
            SESSIONS_MAX)
    return Opened(token)


async def _refuse_locked(connection: Connection, name: str, address: str) -> None:
    of_name, of_address = await store.failures(connection, name, address, LOCK_MINUTES)
    if of_name >= NAME_FAILURES_MAX:
        raise SignInRefused("Too many failed sign-ins for this name. Try again in %d minutes."
                            % LOCK_MINUTES)
    if of_address >= ADDRESS_FAILURES_MAX:
        raise SignInRefused("Too many failed sign-ins from this address. "
                            "Try again in %d minutes." % LOCK_MINUTES)


async def session_of(database: Pool, token: str, *, renews: bool = True) -> store.Session | None:
    """The session behind a cookie; None when it ended or never was.

    It ends after IDLE_MINUTES without a request that `renews`, and after SESSION_HOURS.
    """
    async with database.connection() as connection:
        session = await store.session(
            connection, hash_of_secret(token), IDLE_MINUTES, SESSION_HOURS)
        if session is not None and renews:
            await store.renew_session(connection, hash_of_secret(token))
    return session


async def sign_out(database: Pool, token: str) -> None:
    """End the session behind a cookie."""
    async with database.connection() as connection:
        await store.close_session(connection, hash_of_secret(token), IDLE_MINUTES)
