"""Signing in: name and password become a session, and no one may try for ever."""

from dataclasses import dataclass

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection, Pool
from wum_cloud.people import store
from wum_cloud.people.accounts import Account
from wum_cloud.people.factor import store as factor
from wum_cloud.people.factor.codes import opened as codes_of
from wum_cloud.people.factor.codes import step_of
from wum_cloud.people.passwords import (
    NOBODYS_HASH,
    hash_of_secret,
    is_password,
    new_secret,
)
from wum_cloud.registry.keys import KeyFileError, Vault

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


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, and from where. `code` is empty where no second factor is meant."""

    name: str
    password: str
    code: str
    address: str


async def sign_in(database: Pool, attempt: Attempt, vault: Vault | None) -> Opened:
    """Open a session. Raises SignInRefused; KeyFileError where a second factor needs the vault.

    An attempt counts as failed until it has succeeded, and attempts are counted one after the
    other: a thousand at once are five, not a thousand.
    """
    async with database.connection() as connection:
        await store.lock_attempts(connection)
        await _refuse_locked(connection, attempt.name, attempt.address)
        is_last = await store.note_failure(
            connection, attempt.name, attempt.address, LOCK_MINUTES) >= NAME_FAILURES_MAX
        known = await store.account_named(connection, attempt.name)
    kept = NOBODYS_HASH if known is None else known.password_hash
    right = await is_password(kept, attempt.password)
    step = None if known is None or not right else _step(known, attempt.code, vault)
    async with database.connection() as connection:
        if known is None or step is None or not await _is_new(connection, known, step):
            await _note_failed(connection, attempt, known, is_last)
            # Committed before it is refused: what failed stays on record.
        else:
            return await _open(connection, attempt, known)
    raise SignInRefused("Name, password or code is wrong.")


def _step(known: store.Credentials, code: str, vault: Vault | None) -> int | None:
    """The step of the code; 0 where none is asked for, None for a wrong one."""
    if known.totp_sealed is None:
        return 0
    if vault is None:
        raise KeyFileError("Signing in with a second factor needs WUM_KEY_FILE.")
    return step_of(codes_of(vault, known.account.account_id, known.totp_sealed), code)


async def _is_new(connection: Connection, known: store.Credentials, step: int) -> bool:
    """Whether no code of this step was taken before: whoever looks on cannot use it again."""
    return known.totp_sealed is None or await factor.use_step(
        connection, known.account.account_id, step)


async def _open(connection: Connection, attempt: Attempt, known: store.Credentials) -> Opened:
    token = new_secret()
    await store.forget_failures(connection, attempt.name)
    await store.open_session(
        connection, known.account.account_id, hash_of_secret(token), new_secret(), SESSIONS_MAX)
    await note(connection, _actor(known.account, attempt.address), acts.SIGNED_IN,
               factor="password" if known.totp_sealed is None else "code")
    return Opened(token)


async def _note_failed(
        connection: Connection, attempt: Attempt, known: store.Credentials | None, is_last: bool,
) -> None:
    """A name that no account has is not kept: people type passwords there."""
    actor = Actor(acts.NOBODYS, "", attempt.address)
    if known is not None:
        actor = _actor(known.account, attempt.address)
    await note(connection, actor, acts.SIGN_IN_FAILED)
    if is_last:
        await note(connection, actor, acts.SIGN_IN_LOCKED, minutes=str(LOCK_MINUTES))


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


async def sign_out(database: Pool, token: str, account: Account, address: str) -> None:
    """End the session behind a cookie."""
    async with database.connection() as connection:
        await store.close_session(connection, hash_of_secret(token), IDLE_MINUTES)
        await note(connection, _actor(account, address), acts.SIGNED_OUT)


def _actor(account: Account, address: str) -> Actor:
    return Actor(account.tenant_id, account.name, address, account.name)
