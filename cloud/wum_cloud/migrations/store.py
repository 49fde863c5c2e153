"""Applies the numbered SQL files of this folder, once each and in order.

`0004_reading.plain.sql` is a migration for one engine: plain PostgreSQL or TimescaleDB. The engine
is chosen when the first migration runs and stays what it was, because tables are not moved between
engines. Files are never changed once they were applied: a new number is added.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.resources import files

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

PLAIN = "plain"
TIMESCALE = "timescale"
_LOCK = 0x57554D00  # "WUM": one migration at a time on one database.

_JOURNAL = """
    create table if not exists schema_migration (
        number integer primary key,
        name text not null,
        engine text not null check (engine in ('plain', 'timescale')),
        digest bytea not null,
        applied_at timestamptz not null default now()
    )"""


class MigrationError(Exception):
    """The database is not one that these migrations can continue."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file. `engine` is None where it runs on every engine."""

    number: int
    name: str
    engine: str | None
    sql: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text, to notice a file that was changed after it ran."""
        return sha256(self.sql.encode()).digest()


def known_migrations() -> list[Migration]:
    """The SQL files of this folder by number."""
    found = [
        _migration(file.name, file.read_text(encoding="utf-8"))
        for file in files("wum_cloud.migrations").iterdir() if file.name.endswith(".sql")]
    return sorted(found, key=lambda m: (m.number, m.engine or ""))


def _migration(file_name: str, sql: str) -> Migration:
    name, _, engine = file_name.removesuffix(".sql").partition(".")
    assert engine in ("", PLAIN, TIMESCALE), file_name
    return Migration(int(name[:4]), name, engine or None, sql)


async def migrate(connection: AsyncConnection[TupleRow]) -> list[str]:
    """Apply what is missing; return the names of what was applied, in order.

    `connection` is in autocommit. Parallel callers wait for one another. Raises MigrationError.
    """
    assert connection.autocommit
    await connection.execute("select pg_advisory_lock(%s)", [_LOCK])
    try:
        await connection.execute(_JOURNAL)
        engine, applied = await journal(connection)
        engine = engine or await engine_on_offer(connection)
        names = []
        for migration in pending(applied, engine):
            async with connection.transaction():
                await connection.execute(migration.sql.encode())
                await connection.execute(
                    "insert into schema_migration (number, name, engine, digest)"
                    " values (%s, %s, %s, %s)",
                    [migration.number, migration.name, engine, migration.digest])
            names.append(migration.name)
        return names
    finally:
        await connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


async def journal(
        connection: AsyncConnection[TupleRow]) -> tuple[str | None, dict[int, tuple[str, bytes]]]:
    """(engine, applied migrations as number -> (name, digest)); the engine is None before any."""
    there = await (await connection.execute(
        "select to_regclass('schema_migration') is not null")).fetchone()
    if there is None or not there[0]:
        return None, {}
    rows = await (await connection.execute(
        "select number, name, digest, engine from schema_migration order by number")).fetchall()
    return (rows[0][3] if rows else None), {n: (name, digest) for n, name, digest, _ in rows}


async def engine_on_offer(connection: AsyncConnection[TupleRow]) -> str:
    """TIMESCALE where its extension is installed in this database, else PLAIN."""
    found = await (await connection.execute(
        "select count(*) from pg_extension where extname = 'timescaledb'")).fetchone()
    return TIMESCALE if found is not None and found[0] else PLAIN


async def check_migrated(connection: AsyncConnection[TupleRow]) -> None:
    """Raises MigrationError with a sentence when a migration is missing, or the edition differs."""
    engine, applied = await journal(connection)
    missing = pending(applied, engine or await engine_on_offer(connection))
    if missing:
        raise MigrationError("The database lacks %s: run `wum-cloud migrate`." % ", ".join(
            [migration.name for migration in missing]))
    if engine == TIMESCALE and await _is_of_another_edition(connection):
        raise MigrationError(
            "The database was made with TimescaleDB's community edition, and this server runs the "
            "Apache edition, which can neither store in it nor read what is compressed: set "
            "timescaledb.license = 'timescale' and restart PostgreSQL.")


async def _is_of_another_edition(connection: AsyncConnection[TupleRow]) -> bool:
    """Whether there is a continuous aggregate on a server that has no such thing."""
    row = await (await connection.execute(
        "select relkind = 'v' and current_setting('timescaledb.license', true) <> 'timescale'"
        " from pg_class where oid = to_regclass('reading_day')")).fetchone()
    return row is not None and bool(row[0])


async def is_durable(connection: AsyncConnection[TupleRow]) -> bool:
    """Whether what the server calls committed survives a power cut."""
    row = await (await connection.execute("show fsync")).fetchone()
    assert row is not None
    return bool(row[0] == "on")


async def database_time(connection: AsyncConnection[TupleRow]) -> datetime:
    """The database's clock, with its time zone."""
    row = await (await connection.execute("select clock_timestamp()")).fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def pending(applied: dict[int, tuple[str, bytes]], engine: str) -> list[Migration]:
    """Migrations of `engine` that are not in `applied`. Raises MigrationError."""
    ours = {m.number: m for m in known_migrations() if m.engine in (None, engine)}
    for number, (name, digest) in applied.items():
        if number not in ours:
            raise MigrationError(
                "The database has migration %s, which this version does not know: "
                "it was made by a newer version. Install that one." % name)
        if ours[number].digest != digest:
            raise MigrationError(
                "Migration %s was changed after it had been applied: restore the file, "
                "and add a new migration for the change." % name)
    return [migration for number, migration in sorted(ours.items()) if number not in applied]


async def try_write(connection: AsyncConnection[TupleRow]) -> None:
    """Write a megabyte and a row, and take them back. Raises what the database says to that."""
    async with connection.transaction(force_rollback=True):
        await connection.execute(
            "create temporary table probe on commit drop as"
            " select repeat(md5(n::text), 30) as filling from generate_series(1, 1000) as n")
        await connection.execute(
            "insert into ingest_count (day, concentrator_id, what, n)"
            " values ('2000-01-01', 0, 'probe', 0)")
