"""Disk full, disk read-only, clock wrong at the head-end: a clear state, and nothing is lost."""

import asyncio
import logging

import pytest

from tests.cloud.concentrator import CIPHER, HOUR_S, NOW_S, Concentrator
from tests.cloud.conftest import HeadEnd
from wum_cloud import doctor
from wum_cloud.database import Pool, connect
from wum_cloud.ingest.quarantine import entries
from wum_cloud.ingest.quarantine.store import concentrators_ahead
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.keys import Vault
from wum_shared.status import NEVER_SET, STORED

YEAR_S = 365 * 86400

# The error that PostgreSQL itself raises when a write finds no room, with its code.
_FILL = """
    create function no_room() returns trigger language plpgsql as $$ begin
        raise exception 'could not extend file "base/1/2": No space left on device'
            using errcode = 'disk_full'; end $$;
    create trigger no_room before insert on ingest_count execute function no_room()"""

# Sessions that are open keep what they had: they end, as when a server is started again.
_READ_ONLY = """
    do $$ begin execute 'alter database ' || quote_ident(current_database())
        || ' set default_transaction_read_only = %s'; end $$"""
_END_OTHERS = ("select pg_terminate_backend(pid) from pg_stat_activity"
               " where datname = current_database() and pid <> pg_backend_pid()")


class _Settling:
    """A worker that settles one message, and what it let go."""

    def __init__(self, head_end: HeadEnd, one: Concentrator) -> None:
        self.answers: list[tuple[str, bytes]] = []
        self.released = 0
        self.task = asyncio.create_task(head_end.worker.settle(
            [one.send_rows(one.row())], lambda topic, message: self.answers.append(
                (topic, message)), self._release))

    def _release(self, _: object) -> None:
        self.released += 1


async def _said(caplog: pytest.LogCaptureFixture, what: str) -> None:
    async with asyncio.timeout(30):
        while what not in caplog.text:
            await asyncio.sleep(0.05)


async def _doctor_says(head_end: HeadEnd) -> str:
    async with await connect(head_end.url, autocommit=True) as connection:
        return (await doctor.database_takes_rows(connection)).sentence


async def test_a_full_disk_is_said_and_waited_for_and_nothing_is_lost(
        head_end: HeadEnd, caplog: pytest.LogCaptureFixture) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    head_end.do(_FILL)
    with caplog.at_level(logging.WARNING):
        settling = _Settling(head_end, one)
        await _said(caplog, "its disk is full: make room there")
    assert "nothing is acknowledged" in caplog.text
    assert (settling.answers, settling.released, head_end.rows()) == ([], 0, [])
    assert "its disk is full" in await _doctor_says(head_end)
    head_end.do("drop trigger no_room on ingest_count")
    await asyncio.wait_for(settling.task, 30)
    assert one.opened(settling.answers[0]).answer == STORED
    assert (settling.released, len(head_end.rows())) == (1, 1)
    assert await _doctor_says(head_end) == "The database takes rows."


async def test_a_disk_that_is_read_only_is_said_and_waited_for(
        head_end: HeadEnd, caplog: pytest.LogCaptureFixture) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    head_end.do(_READ_ONLY % "on")
    head_end.do(_END_OTHERS)
    with caplog.at_level(logging.WARNING):
        settling = _Settling(head_end, one)
        await _said(caplog, "it takes no writes")
    assert (settling.answers, settling.released) == ([], 0)
    assert "mount it for writing" in await _doctor_says(head_end)
    head_end.do("set default_transaction_read_only = off")
    head_end.do(_READ_ONLY % "off")
    head_end.do(_END_OTHERS)
    await asyncio.wait_for(settling.task, 60)
    assert one.opened(settling.answers[0]).answer == STORED
    assert len(head_end.rows()) == 1


def _at(pool: Pool, vault: Vault, now_s: int) -> Worker:
    return Worker(PostgresStore(pool), vault, CIPHER, ahead_s=300, now_s=lambda: now_s)


async def test_a_clock_that_is_a_year_behind_keeps_every_row_and_is_told(
        head_end: HeadEnd, pool: Pool, vault: Vault) -> None:
    many = [Concentrator(serials=["M-%d" % n]) for n in range(3)]
    await head_end.welcome(*many)
    behind = _at(pool, vault, NOW_S - YEAR_S)
    sent = [one.batch(one.row()) for one in many]
    answers = await behind.store_once(
        [one.send(batch) for one, batch in zip(many, sent, strict=True)])
    assert [one.opened(a).set_aside for one, a in zip(many, answers, strict=True)] == [1, 1, 1]
    assert head_end.quarantined() == [entries.FUTURE] * 3, "with their bytes"
    async with await connect(head_end.url) as connection:
        assert await concentrators_ahead(connection) == (3, 3)
        [said] = [finding async for finding in doctor.clocks(connection)]
    assert said.is_wrong and "this machine's clock is behind: set it" in said.sentence
    # Once it is right, what is asked for again is stored.
    await head_end.take(*[one.send(batch) for one, batch in zip(many, sent, strict=True)])
    assert [serial for serial, _, _ in head_end.rows()] == ["M-0", "M-1", "M-2"]


async def test_one_concentrator_that_is_ahead_is_told_apart_from_our_own_clock(
        head_end: HeadEnd) -> None:
    many = [Concentrator(serials=["M-%d" % n]) for n in range(3)]
    await head_end.welcome(*many)
    await head_end.take(many[0].send_rows(many[0].row(at_s=NOW_S + YEAR_S)),
                        *[one.send_rows(one.row()) for one in many[1:]])
    async with await connect(head_end.url) as connection:
        [said] = [finding async for finding in doctor.clocks(connection)]
    assert "1 of 3" in said.sentence and "look at their clocks" in said.sentence


async def test_a_clock_that_is_a_year_ahead_changes_no_reading(
        head_end: HeadEnd, pool: Pool, vault: Vault) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    [answer] = await _at(pool, vault, NOW_S + YEAR_S).store_once([one.send_rows(one.row())])
    assert one.opened(answer).answer == STORED
    assert head_end.ask("select extract(epoch from captured_at)::bigint from reading") == [HOUR_S]


async def test_doctor_names_concentrators_that_delivered_and_do_not_any_more(
        head_end: HeadEnd) -> None:
    async def said() -> list[str]:
        async with await connect(head_end.url, autocommit=True) as connection:
            return [one.sentence async for one in doctor.behind(connection)]
    one = Concentrator()
    await head_end.welcome(one, Concentrator())
    await head_end.take(one.send_rows(one.row()))
    head_end.do("update concentrator set newest_captured_at = now() where newest_captured_at"
                " is not null")
    assert await said() == [], "one delivers, the other was never heard of before"
    head_end.do("update concentrator set newest_captured_at = '2026-11-01 10:00Z',"
                " last_contact_at = '2026-11-01 11:30Z' where newest_captured_at is not null")
    [sentence] = await said()
    assert sentence.startswith("1 concentrator delivers nothing new: ")
    assert "newest reading of 2026-11-01 10:00 UTC, last heard 2026-11-01 11:30 UTC" in sentence
    assert "a full or broken disk or a wrong clock" in sentence


async def test_doctor_tells_of_concentrators_whose_clock_was_never_set(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row(at_s=600, quality=NEVER_SET)))
    assert head_end.quarantined() == [entries.CLOCK_NEVER_SET]
    async with await connect(head_end.url, autocommit=True) as connection:
        [finding] = [one async for one in doctor.clocks(connection)]
    assert finding.is_wrong
    assert finding.sentence.startswith("1 concentrator sent rows today whose clock was never set")
