"""A head-end for tests: the real worker on a real, freshly migrated database."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from hypothesis import settings

from tests.cloud.concentrator import CIPHER, NOW_S, Concentrator
from wum_cloud.broker import Delivery
from wum_cloud.database import Pool, connect, open_pool
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry import store as registry
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.registration import mosquitto_hash

CONNECTIONS_MAX = 3
# What an example may be is judged, not how long a busy machine takes over it.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@dataclass
class HeadEnd:
    """One worker, and questions to its database."""

    url: str
    pool: Pool
    vault: Vault
    worker: Worker
    other: psycopg.Connection[Any] | None = None

    async def register(self, *concentrators: Concentrator) -> None:
        """As `wum-cloud register` does."""
        async with await connect(self.url) as connection:
            for one in concentrators:
                tenant = await registry.tenant_id(connection, one.tenant)
                number = await registry.save_concentrator(
                    connection, one.registration(), tenant=tenant, name=None, site=None,
                    password_hash=mosquitto_hash(one.password, bytes(12)))
                await registry.save_keys(connection, number, one.epoch, self.vault.seal(
                    one.id, one.epoch, one.uplink, one.downlink))

    async def welcome(self, *concentrators: Concentrator) -> None:
        """Register, and take in the schemas."""
        await self.register(*concentrators)
        assert await self.worker.store_once([one.send_schema() for one in concentrators]) == []

    async def take(self, *deliveries: Delivery) -> list[tuple[str, bytes]]:
        """Store messages in one transaction; the answers."""
        return await self.worker.store_once(list(deliveries))

    def ask(self, query: str, *parameters: object) -> list[Any]:
        """Rows of a query, seen by somebody else; a row of one column is its value."""
        rows = self._somebody_else().execute(query.encode(), parameters).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def do(self, statement: str, *parameters: object) -> None:
        """Change something, as somebody else."""
        self._somebody_else().execute(statement.encode(), parameters)

    def _somebody_else(self) -> psycopg.Connection[Any]:
        if self.other is None or self.other.broken:
            self.other = psycopg.connect(self.url, autocommit=True, options="-c timezone=UTC")
        return self.other

    def close(self) -> None:
        """Hang up; the next question dials again."""
        if self.other is not None:
            self.other.close()
        self.other = None

    def count(self, what: str) -> int:
        """A counter of ingest, of all senders and days."""
        return int(self.ask(
            "select coalesce(sum(n), 0) from ingest_count where what = %s", what)[0])

    def rows(self) -> list[Any]:
        """(serial, hours after HOUR_S, a_plus) of every stored row."""
        return self.ask(
            "select m.serial, (extract(epoch from r.captured_at)::int - 1789999200) / 3600,"
            " r.a_plus from reading r join meter m using (meter_id) order by 1, 2")

    def quarantined(self) -> list[str]:
        """Reasons of what is in quarantine, sorted."""
        return self.ask("select reason from quarantine order by reason")


@pytest.fixture
def vault() -> Vault:
    """The head-end's own key."""
    return Vault(secrets.token_bytes(32))


@pytest_asyncio.fixture()
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Connections to a fresh database with the head-end's tables."""
    async with open_pool(database_url, connections_max=CONNECTIONS_MAX) as opened:
        yield opened


Hire = Callable[..., HeadEnd]


@pytest.fixture
def hire(database_url: str, vault: Vault) -> Iterator[Hire]:
    """Makes workers on a pool; their clock stands at NOW_S.

    Without caution a worker tries the direct way into the table first, every time.
    """
    hired: list[HeadEnd] = []

    def make(pool: Pool, caution: int = 0) -> HeadEnd:
        hired.append(HeadEnd(database_url, pool, vault, Worker(
            PostgresStore(pool, caution=caution), vault, CIPHER, ahead_s=300,
            now_s=lambda: NOW_S)))
        return hired[-1]

    yield make
    for head_end in hired:
        head_end.close()


@pytest.fixture
def head_end(pool: Pool, hire: Hire) -> HeadEnd:
    """The real worker on a fresh database."""
    return hire(pool)
