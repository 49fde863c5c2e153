"""`wum-cloud backup FILE` and `wum-cloud restore FILE`: database, key file and broker password.

One snapshot of the database, while everything goes on. The parts: a JSON object that says what
comes, files, then each table's rows, each part with a letter before it. Left out: certificates of
broker and proxy, the root's key and the environment, which are the machine's or nobody's here.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wum_cloud.backup import store
from wum_cloud.backup.sealed import PART_MAX, BackupError, Sealer, parts, read_passphrase
from wum_cloud.backup.store import Table
from wum_cloud.database import Connection, connect, migrate
from wum_cloud.migrations.store import PLAIN, journal
from wum_cloud.registry.keys import write_secret
from wum_cloud.settings import Settings, required

_MANIFEST, _FILE, _TABLE, _ROWS = b"M", b"F", b"T", b"R"
_FILE_MAX = 64 * 1024
_ROWS_MAX = PART_MAX - 1


async def backup(settings: Settings, target: Path, passphrase_file: Path) -> int:
    """Write the backup; a folder gets a file named by the time. Raises BackupError."""
    passphrase = read_passphrase(passphrase_file)
    files = _secret_files(settings)
    if target.is_dir():
        target = target / datetime.now(UTC).strftime("wum-%Y%m%dT%H%M%SZ.backup")
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        counts = await _written(settings.database_url, fresh, passphrase, files)
    except BaseException:
        fresh.unlink(missing_ok=True)    # Half a backup is none, and looks like one.
        raise
    fresh.replace(target)
    async with await connect(settings.database_url) as connection:
        await store.note_made(connection, datetime.now(UTC), target.stat().st_size)
    print("Backed up %d rows of %d tables and %s into %s (%d bytes), sealed. Not in it: the root's "
          "key, certificates, settings." % (
              sum(counts), len(counts), " and ".join(sorted(files)), target,
              target.stat().st_size))
    return 0


async def _written(
        url: str, fresh: Path, passphrase: str, files: dict[str, bytes]) -> list[int]:
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        sealer = Sealer(file, passphrase)
        async with await connect(url) as connection:
            counts = await _write(connection, sealer, files)
        sealer.finish()
        file.flush()
        os.fsync(file.fileno())
    return counts


async def _write(connection: Connection, sealer: Sealer, files: dict[str, bytes]) -> list[int]:
    await store.begin_snapshot(connection)
    engine, applied = await journal(connection)
    if engine != PLAIN:
        raise BackupError("This database is TimescaleDB's: back it up by pg_dump or its own tools "
                          "(docs/operation.md), and the key file beside it.")
    tables = await store.tables(connection)
    counts = [await store.count(connection, table) for table in tables]
    sealer.write(_MANIFEST + json.dumps({
        "made_at": datetime.now(UTC).isoformat(), "engine": engine,
        "migrations": {str(number): digest.hex() for number, (_, digest) in applied.items()},
        "partitions": await store.partitions(connection),
        "sequences": await store.sequences(connection),
        "tables": [[one.name, one.columns, rows]
                   for one, rows in zip(tables, counts, strict=True)]}).encode())
    for name, content in files.items():
        sealer.write(_FILE + name.encode() + b"\0" + content)
    for table in tables:
        sealer.write(_TABLE + table.name.encode())
        async for piece in store.rows_of(connection, table):
            for at in range(0, len(piece), _ROWS_MAX):
                sealer.write(_ROWS + piece[at:at + _ROWS_MAX])
    return counts


async def restore(settings: Settings, source: Path, passphrase_file: Path) -> int:
    """Read the backup into an empty database, and write the files. Raises BackupError.

    All of it or nothing: rows are committed when the last part was opened and every table has as
    many as the backup says; the files are written before that, and never over others.
    """
    passphrase = read_passphrase(passphrase_file)
    try:
        opened = source.open("rb")
    except OSError as error:
        raise BackupError("%s cannot be read: %s." % (source, error.strerror)) from error
    with opened as file:
        content = parts(file, passphrase)
        manifest = _manifest(next(content, b""))
        async with await connect(settings.database_url) as connection:
            if (await journal(connection))[1]:
                raise BackupError("The database is not empty: restore into a new one.")
        await migrate(settings.database_url)
        async with await connect(settings.database_url) as connection:
            await _read(settings, connection, manifest, content)
            await store.note_made(connection, datetime.fromisoformat(manifest["made_at"]),
                                  source.stat().st_size)
    rows = sum([table[2] for table in manifest["tables"]])
    print("Restored %d rows of %d tables as of %s. Run `wum-cloud broker-files`, then start "
          "ingest: concentrators send again what came after that." % (
              rows, len(manifest["tables"]), manifest["made_at"]))
    return 0


def _manifest(part: bytes) -> dict[str, Any]:
    if part[:1] != _MANIFEST:
        raise BackupError("This backup does not say what is in it.")
    manifest: dict[str, Any] = json.loads(part[1:])
    return manifest


async def _read(
        settings: Settings, connection: Connection, manifest: dict[str, Any],
        content: Iterator[bytes]) -> None:
    _, applied = await journal(connection)
    if {str(n): digest.hex() for n, (_, digest) in applied.items()} != manifest["migrations"]:
        raise BackupError("This backup was made by another version (its newest migration is %s): "
                          "restore it with that one, then update. The database was left with "
                          "empty tables." % max(map(int, manifest["migrations"])))
    await store.empty(connection)
    for partition in manifest["partitions"]:
        await store.make_partition(connection, *partition)
    tables = {name: Table(name, columns) for name, columns, _ in manifest["tables"]}
    part = next(content, b"")
    while part[:1] == _FILE:
        name, _, text = part[1:].partition(b"\0")
        _write_file(settings, name.decode(), text)
        part = next(content, b"")
    while part[:1] == _TABLE:
        after = [b""]
        await store.take_rows(connection, tables[part[1:].decode()], _rows(content, after))
        part = after[0]
    if part:
        raise BackupError("This backup has a part that nobody here knows.")
    for name, value in manifest["sequences"]:
        await store.set_sequence(connection, name, value)
    for name, _, rows in manifest["tables"]:
        found = await store.count(connection, tables[name])
        if found != rows:
            raise BackupError("Table %s has %d rows, and the backup says %d." % (
                name, found, rows))


async def _rows(content: Iterator[bytes], after: list[bytes]) -> AsyncIterator[bytes]:
    """The rows of one table; the part that ended them is left in `after`."""
    for part in content:
        if part[:1] != _ROWS:
            after[0] = part
            return
        yield part[1:]


def _secret_files(settings: Settings) -> dict[str, bytes]:
    found = {}
    for name, path in _places(settings).items():
        try:
            found[name] = path.read_bytes()
        except OSError as error:
            raise BackupError("%s cannot be read: %s." % (path, error.strerror)) from error
        if len(found[name]) > _FILE_MAX:
            raise BackupError("%s is no secret of ours: it is too long." % path)
    return found


def _places(settings: Settings) -> dict[str, Path]:
    return {
        "the key file": required(settings.key_file, "WUM_KEY_FILE", "the key file"),
        "the broker password": required(
            settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE", "the broker password")}


def _write_file(settings: Settings, name: str, content: bytes) -> None:
    path = _places(settings).get(name)
    if path is None:
        raise BackupError("This backup has a file that nobody here knows: %s." % name)
    if not write_secret(path, content.decode("ascii")) and path.read_bytes() != content:
        raise BackupError("%s is there already, and is another one: move it away first." % path)
