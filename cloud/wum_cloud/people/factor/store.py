"""The second factor's questions to the database. Secrets come in and go out sealed."""

from wum_cloud.database import Connection


async def propose(connection: Connection, account_id: int, sealed: bytes) -> bool:
    """Keep a secret that is not in force before a code of it was typed; False where one is."""
    cursor = await connection.execute(
        "update account set totp_sealed = %s, totp_last_step = 0"
        " where account_id = %s and not totp_is_confirmed", [sealed, account_id])
    return cursor.rowcount == 1


async def proposed(connection: Connection, account_id: int) -> bytes | None:
    """The secret that waits for its first code."""
    cursor = await connection.execute(
        "select totp_sealed from account where account_id = %s and not totp_is_confirmed",
        [account_id])
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else bytes(row[0])


async def is_on(connection: Connection, account_id: int) -> bool:
    """Whether signing in asks for a code."""
    cursor = await connection.execute(
        "select totp_is_confirmed from account where account_id = %s", [account_id])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def confirm(connection: Connection, account_id: int, step: int) -> None:
    """From now on signing in asks for a code later than that of `step`."""
    await connection.execute(
        "update account set totp_is_confirmed = true, totp_last_step = %s where account_id = %s",
        [step, account_id])


async def use_step(connection: Connection, account_id: int, step: int) -> bool:
    """Take the code of `step`; False where it or a later one was taken before."""
    cursor = await connection.execute(
        "update account set totp_last_step = %s where account_id = %s and totp_last_step < %s",
        [step, account_id, step])
    return cursor.rowcount == 1


async def drop(connection: Connection, account_id: int) -> None:
    """Sign in with the password alone."""
    await connection.execute(
        "update account set totp_sealed = null, totp_is_confirmed = false, totp_last_step = 0"
        " where account_id = %s", [account_id])
