"""A pool whose database is away for long: it looks for it all the time, and its queue is bounded.

Time is compressed forty times, by the pool's own first delay. Left out: what waits for it
(ingest/test_commit.py).
"""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio
from psycopg_pool.base import AttemptWithBackoff

from wum_cloud import database

_FASTER = 40
_AWAY_S = 60.0                  # Of the pool's time.
_PAUSE_MAX_S = 10.0             # As head-end.md says.


class _Away:
    """Where a database was: whoever calls is heard and hung up on."""

    def __init__(self) -> None:
        self.calls = 0
        self.url = ""

    async def answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One call."""
        self.calls += 1
        writer.close()


@pytest_asyncio.fixture()
async def away(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Away]:
    """A listener, and pools that are in a hurry."""
    monkeypatch.setattr(AttemptWithBackoff, "INITIAL_DELAY",
                        AttemptWithBackoff.INITIAL_DELAY / _FASTER)
    monkeypatch.setattr(database, "RECONNECT_S", database.RECONNECT_S / _FASTER)
    found = _Away()
    async with await asyncio.start_server(found.answer, "127.0.0.1", 0) as server:
        found.url = "postgresql://nobody@127.0.0.1:%d/none" % server.sockets[0].getsockname()[1]
        yield found


async def test_a_database_that_is_away_for_long_is_looked_for_every_few_seconds(
        away: _Away) -> None:
    async with database.open_pool(away.url):
        half_s = _AWAY_S / 2
        await asyncio.sleep(half_s / _FASTER)
        before = away.calls
        await asyncio.sleep(half_s / _FASTER)
    assert before, "nobody has to ask for it"
    assert away.calls - before >= half_s / _PAUSE_MAX_S


async def test_requests_that_were_never_served_do_not_fill_the_memory(
        away: _Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAITING_MAX", 20)
    async with database.open_pool(away.url) as pool:
        for _ in range(25):
            with pytest.raises(psycopg.OperationalError):
                await pool.getconn(timeout=0.001)
        assert pool.get_stats()["requests_waiting"] == 20
