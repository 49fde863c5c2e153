"""The database's disk is really full: for a table, and for the write-ahead log, which ends it.

Left out: what is said of other faults, without a disk (test_disk_and_clock.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
import pytest

from demo.embedded_postgres import EmbeddedPostgres, forget
from tests.cloud.concentrator import CIPHER, NOW_S, Concentrator
from tests.cloud.conftest import HeadEnd
from tests.services.postgres import migrate
from tests.services.small_disk import SmallDisk, small_disk
from wum_cloud import doctor
from wum_cloud.database import connect, open_pool
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.keys import Vault
from wum_shared.status import STORED

_SIZE_MB = 128          # Room for a new database and a few pieces of its log, 16 MB each.
_WAIT_S = 60
_HOURS = 250            # Rows of one batch and meter: more than the pages that are there take.


@dataclass
class Place:
    """A server on a disk that can be filled."""

    disk: SmallDisk
    server: EmbeddedPostgres
    url: str


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Freshly migrated, for both tests."""
    with small_disk(_SIZE_MB) as disk:
        folder = disk.folder / "postgres"
        server = EmbeddedPostgres(folder)
        url = server.start()
        try:
            migrate(url, disk.folder / "key")
            yield Place(disk, server, url)
        finally:
            server.stop()
            forget(folder)


@asynccontextmanager
async def _head_end(place: Place, vault: Vault) -> AsyncIterator[HeadEnd]:
    async with open_pool(place.url, connections_max=2) as pool:
        head_end = HeadEnd(place.url, pool, vault, Worker(
            PostgresStore(pool), vault, CIPHER, ahead_s=300, now_s=lambda: NOW_S,
            sleep=lambda wait_s: asyncio.sleep(min(wait_s, 0.5))))
        try:
            yield head_end
        finally:
            head_end.close()


class _Settling:
    """A worker that settles batches of _HOURS rows, one after the other, as they come."""

    def __init__(self, head_end: HeadEnd, one: Concentrator) -> None:
        self._head_end = head_end
        self._one = one
        self._hour = 0
        self._before = self._rows()
        self.sent = 0

    async def next(self) -> None:
        """Send one more; returns when it was answered."""
        rows = [self._one.row(0, at_s=NOW_S - 3600 * (self._hour + n)) for n in range(_HOURS)]
        self._hour += _HOURS
        self.sent += _HOURS
        answers: list[tuple[str, bytes]] = []
        await self._head_end.worker.settle(
            [self._one.send_rows(*rows)], lambda topic, sealed: answers.append((topic, sealed)),
            lambda _: None)
        assert [self._one.opened(answer).answer for answer in answers] == [STORED]

    def check(self, *, but: int = 0) -> None:
        """Every row that was sent is there once, but for so many."""
        assert self._rows() - self._before == self.sent - but

    def _rows(self) -> int:
        return int(self._head_end.ask("select count(*) from reading")[0])


async def _settling(head_end: HeadEnd, serial: str) -> _Settling:
    """With its first batch stored."""
    one = Concentrator(serials=[serial])
    await head_end.welcome(one)
    settling = _Settling(head_end, one)
    await settling.next()
    return settling


async def _until_said(
        settling: _Settling, caplog: pytest.LogCaptureFixture, what: str) -> "asyncio.Task[None]":
    """Send on until ingest says so; the batch that is not stored then."""
    async with asyncio.timeout(_WAIT_S):
        while True:
            task = asyncio.create_task(settling.next())
            while not task.done():
                if what in caplog.text:
                    return task
                await asyncio.sleep(0.02)
            task.result()


async def test_a_full_disk_stops_ingest_with_a_sentence_and_loses_nothing(
        place: Place, vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    async with _head_end(place, vault) as head_end:
        settling = await _settling(head_end, "full")
        place.disk.fill()
        with caplog.at_level(logging.WARNING):
            waiting = await _until_said(settling, caplog, "its disk is full: make room there")
        settling.check(but=_HOURS)
        async with await connect(place.url, autocommit=True) as connection:
            assert "its disk is full" in (await doctor.database_takes_rows(connection)).sentence
        place.disk.make_room()
        await asyncio.wait_for(waiting, _WAIT_S)
        await settling.next()
        settling.check()


async def test_a_database_whose_log_finds_no_room_ends_and_comes_back_with_all_that_was_answered(
        place: Place, vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    """PostgreSQL panics where the write-ahead log cannot grow: that is its way to lose nothing."""
    async with _head_end(place, vault) as head_end:
        settling = await _settling(head_end, "log")
        place.disk.fill()
        await asyncio.to_thread(_exhaust_the_log, place)
        with caplog.at_level(logging.WARNING):
            waiting = await _until_said(settling, caplog, "look whether PostgreSQL runs")
        assert "nothing is acknowledged" in caplog.text
        place.disk.make_room()
        if place.server.pid is None:
            assert await asyncio.to_thread(place.server.restart) == place.url
        await asyncio.wait_for(waiting, _WAIT_S)
        await settling.next()
        head_end.close()
        settling.check()


def _exhaust_the_log(place: Place) -> None:
    """Write to the log until the server falls over it."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        with pytest.raises(psycopg.OperationalError):
            connection.execute(
                "select pg_logical_emit_message(false, 'ballast', repeat('x', 1000000), true)"
                " from generate_series(1, %s)", [_SIZE_MB])
        assert connection.broken, "it was only refused"
