"""`wum-cloud new-key-file`: another key in WUM_KEY_FILE, and every secret sealed with it.

In one transaction, while nobody else is connected: a process that goes on would seal with the old
key. The new key lies beside the file until COMMIT and takes its place afterwards; a run that is cut
off in between is finished by the next one. Left out: backups of before, which hold the old key.
"""

import os
import secrets
from pathlib import Path

from wum_cloud.audit import acts
from wum_cloud.audit.acts import at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.database import Connection, connect
from wum_cloud.registry.keys import KEY_SIZE, KeyFileError, Vault, open_vault, write_secret
from wum_cloud.registry.rekeying import store


async def new_key_file(database_url: str, path: Path) -> int:
    """Change the key; the exit code. Raises KeyFileError."""
    old, fresh = open_vault(path), path.with_name(path.name + ".new")
    async with await connect(database_url) as connection:
        connected = await store.others(connection)
        if connected:
            raise KeyFileError(
                "%d others are connected to the database. Stop `wum-cloud ingest`, `wum-cloud web` "
                "and whatever else uses it: they would go on with the old key. Concentrators keep "
                "their readings meanwhile." % connected)
        if fresh.exists() and await _is_in_force(connection, old, open_vault(fresh)):
            _take_place(fresh, path)
            print("The key file was changed by a run that was cut off; %s has the new key now." %
                  path)
            return 0
        fresh.unlink(missing_ok=True)
        assert write_secret(fresh, secrets.token_hex(KEY_SIZE) + "\n")
        count = await _reseal(connection, old, open_vault(fresh))
        await note(connection, at_the_machine(acts.NOBODYS), acts.KEY_FILE_CHANGED,
                   secrets=str(count))
    _take_place(fresh, path)
    print("%d secrets are sealed with a new key, which is in %s. Start ingest and web again, and "
          "make a backup: those of before hold the old key." % (count, path))
    return 0


async def _reseal(connection: Connection, old: Vault, fresh: Vault) -> int:
    """All of it, and a look at all of it afterwards; how many rows."""
    columns = await store.sealed_columns(connection)
    for table in sorted({table for table, _ in columns}):
        await store.lock(connection, table)
    count = 0
    for table, column in columns:
        values = await store.sealed_values(connection, table, column)
        count += await store.replace(
            connection, table, column, [(one, old.resealed(one, fresh)) for one in values])
        for one in await store.sealed_values(connection, table, column):
            assert fresh.is_own(one) and not old.is_own(one), "%s.%s" % (table, column)
    return count


async def _is_in_force(connection: Connection, old: Vault, fresh: Vault) -> bool:
    """Whether the database is sealed with the key that lies beside the file."""
    for table, column in await store.sealed_columns(connection):
        for one in await store.sealed_values(connection, table, column, 1):
            return fresh.is_own(one) and not old.is_own(one)
    return False


def _take_place(fresh: Path, path: Path) -> None:
    """Let the new file stand where the old one stood, and overwrite what that one held."""
    with path.open("r+b") as file:
        os.replace(fresh, path)
        file.write(bytes(os.fstat(file.fileno()).st_size))
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
