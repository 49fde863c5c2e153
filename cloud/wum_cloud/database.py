"""The database: connections in a pool, and bringing it up to date.

Left out: SQL. It stands in the rooms' store.py and in migrations/.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from wum_cloud.arrays import register_arrays
from wum_cloud.migrations import store as migrations

CONNECTIONS_MAX = 8         # Of one process: two cores do not go faster with more.
STATEMENT_MAX_S = 60        # Of a pool's connections; migrations may take longer.
_CONNECT_TIMEOUT_S = 10
_WAIT_FOR_CONNECTION_S = 10.0
# A pool tries a lost connection again after 1, 2, 4, ... s for so long, and then begins anew: it
# never sleeps for minutes while the database is back.
RECONNECT_S = 5.0
# A request that was not served in time stands in the pool's queue until a connection comes, which
# may be tomorrow: some 4 kB each.
WAITING_MAX = 1000

# A peer that vanished without a word is noticed after half a minute, not after hours.
_ALIVE: dict[str, Any] = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4,
    "tcp_user_timeout": 30_000}
_UTC = "-c timezone=UTC"
# What is committed is on the disk, whatever the server's default: acknowledgements rest on it.
# TimescaleDB takes no more than 100,000 rows out of its columnstore in one transaction unless told
# otherwise, and a street that comes late would never be stored. PostgreSQL alone ignores the word.
_BOUNDED = _UTC + (
    " -c synchronous_commit=on -c timescaledb.max_tuples_decompressed_per_dml_transaction=0"
    " -c statement_timeout=%ds -c idle_in_transaction_session_timeout=%ds" % (
        STATEMENT_MAX_S, STATEMENT_MAX_S))

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

DatabaseAway = psycopg.OperationalError  # It does not answer, or no connection was free in time.

_log = logging.getLogger("wum_cloud.database")


class DatabaseError(Exception):
    """The database cannot be reached or cannot be used: a sentence that says what to do."""


async def connect(url: str, *, autocommit: bool = False) -> Connection:
    """One connection, in UTC. Raises DatabaseError when there is none within ten seconds."""
    register_arrays()
    try:
        connection = await AsyncConnection.connect(
            url, autocommit=autocommit, connect_timeout=_CONNECT_TIMEOUT_S,
            application_name="wum-cloud", options=_UTC, **_ALIVE)
    except psycopg.Error as error:
        raise DatabaseError(unreachable(error)) from error
    return connection


@asynccontextmanager
async def open_pool(url: str, *, connections_max: int = CONNECTIONS_MAX) -> AsyncIterator[Pool]:
    """A pool for one process. It opens without waiting: a database that is away comes back."""
    register_arrays()
    pool: Pool = AsyncConnectionPool(
        url, min_size=1, max_size=connections_max, timeout=_WAIT_FOR_CONNECTION_S, open=False,
        check=AsyncConnectionPool.check_connection, reconnect_timeout=RECONNECT_S,
        reconnect_failed=_begin_anew, max_waiting=WAITING_MAX,
        kwargs={"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "wum-cloud",
                "options": _BOUNDED, **_ALIVE})
    await pool.open(wait=False)
    try:
        yield pool
    finally:
        await pool.close()


async def _begin_anew(pool: Pool) -> None:
    """Look for a first connection again, also where nobody asks: a full queue lets nobody ask."""
    await pool.check()


async def migrate(url: str) -> list[str]:
    """Apply the migrations that are missing; return their names.

    Raises DatabaseError, and migrations.store.MigrationError when the database is not ours to
    continue.
    """
    async with await connect(url, autocommit=True) as connection:
        return await migrations.migrate(connection)


async def check_migrated(url: str) -> None:
    """Raises DatabaseError where a migration of ours was not applied, or the database is away.

    Raises migrations.store.MigrationError when the database is not ours to continue.
    """
    async with await connect(url) as connection:
        engine, applied = await migrations.journal(connection)
        missing = migrations.pending(
            applied, engine or await migrations.engine_on_offer(connection))
    if missing:
        raise DatabaseError("The database lacks %s: run `wum-cloud migrate`." % ", ".join(
            [migration.name for migration in missing]))


def unreachable(error: Exception) -> str:
    """A sentence for a database that does not answer. The address stays out of it: secrets."""
    said = " ".join(str(error).split())
    return ("The database does not answer: %s. Check WUM_DATABASE_URL and that PostgreSQL runs."
            % (said or type(error).__name__))
