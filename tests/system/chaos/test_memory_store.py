"""The store in memory keeps PostgreSQL's rules: the same sequences leave the same rows in both.

The sequences are those of chaotic runs: what the worker, and whoever asks for gaps, asked of the
memory, is asked again of a real database, in the same order. Left out: which intervals are missing
by time (the memory has no ledger; tests/cloud/ingest/test_gap_requests.py).
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import psycopg
import pytest

from tests.system.chaos.headend import ChaosHeadEnd
from tests.system.chaos.memory_gaps import MemoryGaps
from tests.system.chaos.memory_store import MemoryStore, Tables
from tests.system.chaos.run import Parts, run
from wum_cloud.database import Connection, Pool, connect, open_pool
from wum_cloud.ingest.downlink import Downlink
from wum_cloud.ingest.gaps.store import PostgresGaps, keep_request
from wum_cloud.ingest.gaps.wanted import Ask, Wanted
from wum_cloud.ingest.harvest import Arrival, Committed, Harvest, Taken
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.registry import store as registry
from wum_cloud.registry.schemas.plan import Claim
from wum_cloud.registry.store import Sender
from wum_shared.messages import DirectionKey, Registration
from wum_shared.obis import obis_to_text

RESTORED = (4, 15)               # A backup is put back: numbers are missing.
SEEDS = (18, 40, 58, 163, *RESTORED)   # In 18 and 163 rows are lost.

BACKUP, RESTORE = "backup", "restore"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the head-end had the store do, or what befell it."""

    schemas: Sequence[Arrival] = ()
    harvest: Harvest | None = None
    gone: Sequence[tuple[str, int, int]] = ()        # Lost rows: serial, capture time, profile.
    wanting: Sequence[Wanted] | None = None          # What was missing of whom,
    request: tuple[Ask, int] | None = None           # and what one was asked for, with its number.
    fault: str = ""


class Recording:
    """All that a run asked of its store, in its order."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def parts(self) -> Parts:
        """Parts that note here what they are asked."""
        return Parts(store=partial(Recorder, self), gaps=partial(GapsRecorder, self),
                     head_end=partial(HeadEndRecorder, self))


class HeadEndRecorder(ChaosHeadEnd):
    """Notes what befalls the database."""

    def __init__(self, recording: Recording, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._recording = recording
        recording.tables = self.tables

    def back_up(self) -> None:
        """Note it."""
        self._recording.asked.append(Asked(fault=BACKUP))
        super().back_up()

    def restore(self, off_s: float) -> bool:
        """Note it where there was a backup."""
        is_restored = super().restore(off_s)
        if is_restored:
            self._recording.asked.append(Asked(fault=RESTORE))
        return is_restored

    def lose_rows(self, most: int) -> int:
        """Note which."""
        before = set(self.tables.readings)
        lost = super().lose_rows(most)
        serials = {number: serial for serial, (number, _) in self.tables.meters.items()}
        self._recording.asked.append(Asked(gone=[
            (serials[key[0]], *key[1:]) for key in before - self.tables.readings.keys()]))
        return lost


class Recorder(MemoryStore):
    """Notes schemas that are taken in and harvests that are written."""

    def __init__(
            self, recording: Recording, tables: Tables, now_s: Callable[[], int],
            downlink: Downlink) -> None:
        super().__init__(tables, now_s, downlink)
        self._recording = recording

    async def acquire(self, arrivals: list[Arrival]) -> dict[int, list[Claim]]:
        """Note them once they are there; the memory writes them before its last statement."""
        self._recording.asked.append(Asked(schemas=arrivals))
        return await super().acquire(arrivals)

    def _write(self, harvest: Harvest) -> Committed:
        self._recording.asked.append(Asked(harvest=harvest))
        return super()._write(harvest)


class GapsRecorder(MemoryGaps):
    """Notes what is missing whenever somebody looks, and what is asked for."""

    def __init__(
            self, recording: Recording, tables: Tables, now_s: Callable[[], int],
            downlink: Downlink) -> None:
        super().__init__(tables, now_s, downlink)
        self._recording = recording

    async def wanting(self, limit: int) -> list[Wanted]:
        """Whom to ask now."""
        found = await super().wanting(limit)
        self._recording.asked.append(Asked(wanting=found))
        return found

    def _keep(self, ask: Ask, number: int, now_s: int) -> None:
        self._recording.asked.append(Asked(request=(ask, number)))
        super()._keep(ask, number, now_s)


@pytest.mark.parametrize(("seed", "caution"), [*zip(SEEDS, [0, 16] * 3, strict=True)])
def test_what_memory_holds_a_database_holds_too(seed, caution, database_url):
    recording = Recording()
    outcome = run(seed, recording.parts())
    assert not outcome.broken
    tables = recording.tables
    assert len(tables.readings) > 10
    assert [one for one in recording.asked if one.request]
    holes = asyncio.run(_replay(database_url, recording, caution))
    assert holes or seed not in RESTORED
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        assert _readings(connection) == _remembered_readings(tables)
        assert _revisions(connection) == _remembered_revisions(tables)
        _compare_records(connection, tables)
        _compare_archives(connection, tables)
        _compare_gaps(connection, tables)


async def _replay(url: str, recording: Recording, caution: int) -> int:
    """Have PostgreSQL do the same; how often both saw the same numbers missing."""
    holes = 0
    async with open_pool(url, connections_max=2) as pool:
        senders = await _register(url, recording.tables)
        store = PostgresStore(pool, caution=caution)
        for asked in recording.asked:
            if asked.fault == RESTORE:      # As a worker that starts then: it remembers nothing.
                store = PostgresStore(pool, caution=caution)
            if asked.schemas:
                await store.acquire([_own(arrival, senders) for arrival in asked.schemas])
            elif asked.harvest is not None:
                await _commit(store, asked.harvest, senders)
            elif asked.wanting is not None:
                holes += await _compare_holes(pool, asked.wanting)
            else:
                async with pool.connection() as connection:
                    await _change(connection, asked)
    return holes


async def _change(connection: Connection, asked: Asked) -> None:
    if asked.fault:
        await (_back_up if asked.fault == BACKUP else _restore)(connection)
    for serial, at_s, profile in asked.gone:
        await connection.execute(
            "delete from reading where profile = %s and captured_at = to_timestamp(%s)"
            " and meter_id = (select meter_id from meter where serial = %s)",
            [profile, at_s, serial])
    if asked.request is not None:
        await keep_request(connection, *asked.request)


async def _tables(connection: Connection) -> list[str]:
    rows = await (await connection.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition and relname <> 'migration'")).fetchall()
    return [name for name, in rows]


async def _back_up(connection: Connection) -> None:
    await connection.execute("drop schema if exists backup cascade; create schema backup")
    for name in await _tables(connection):
        await connection.execute(f"create table backup.{name} as table public.{name}".encode())


async def _restore(connection: Connection) -> None:
    """Every table as it was; partitions that came later are empty."""
    names = await _tables(connection)
    await connection.execute("set local session_replication_role = replica")
    await connection.execute(f"truncate {', '.join(names)}".encode())
    for name in names:
        columns = await (await connection.execute(
            "select string_agg(quote_ident(attname), ', ') from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped"
            " and attgenerated = ''", [name])).fetchone()
        assert columns is not None
        await connection.execute(
            f"insert into {name} ({columns[0]}) overriding system value"
            f" select {columns[0]} from backup.{name}".encode())


async def _compare_holes(pool: Pool, wanting: Sequence[Wanted]) -> int:
    """Everything is due: PostgreSQL's clock is another one."""
    gaps = PostgresGaps(pool)
    await gaps.wanting(50)
    async with pool.connection() as connection:
        await connection.execute("update archive set missing_since = now() - interval '1 day'")
        await connection.execute("update gap_request set due_at = now()")
    there = {one.sender.device_id: set(one.holes) for one in await gaps.wanting(50)}
    compared = 0
    for wanted in wanting:
        for incarnation in {hole[0] for hole in wanted.holes}:
            assert {hole for hole in wanted.holes if hole[0] == incarnation} == {
                hole for hole in there[wanted.sender.device_id] if hole[0] == incarnation}
            compared += 1
    return compared


def _own(arrival: Arrival, senders: dict[bytes, Sender]) -> Arrival:
    own = senders[arrival.sender.device_id]
    return Arrival(replace(arrival.arrived, tenant_id=own.tenant_id), own, arrival.topic)


async def _commit(
        store: PostgresStore, harvest: Harvest, senders: dict[bytes, Sender]) -> None:
    """The same harvest, with the numbers that this database has for its meters."""
    taken = []
    for one in harvest.batches:
        own = senders[one.sender.device_id]
        name = (own.concentrator_id, one.accepted.heading.schema_id)
        taken.append(Taken(own, one.accepted, (await store.plans([name]))[name]))
    await store.commit(replace(
        harvest, batches=taken, counts=Counter(harvest.counts),
        contacts=[(senders[s.device_id], n) for s, n in harvest.contacts],
        covered=[(senders[s.device_id], h) for s, h in harvest.covered],
        gap_answers=[(senders[s.device_id], a) for s, a in harvest.gap_answers]))


async def _register(url: str, tables: Tables) -> dict[bytes, Sender]:
    """The same concentrators under the same numbers."""
    nothing = DirectionKey(bytes(32), bytes(12))
    async with await connect(url) as connection:
        tenant = await registry.tenant_id(connection, "default")
        for sender in sorted(tables.senders.values(), key=lambda s: s.concentrator_id):
            number = await registry.save_concentrator(
                connection, Registration(sender.device_id, bytes(32), "default", 0, nothing,
                                         nothing, "p" * 16),
                tenant=tenant, name=None, site=None, password_hash="")
            assert number == sender.concentrator_id
            await registry.save_keys(connection, number, 0, sender.sealed_keys)
        return {s.device_id: s for s in (await registry.senders(
            connection, list(tables.senders))).values()}


def _readings(connection: psycopg.Connection) -> dict[tuple[object, ...], object]:
    """By meter, time and profile: what each register says."""
    cursor = connection.execute(
        "select m.serial, extract(epoch from r.captured_at)::bigint as at, r.*,"
        " s.registers as described"
        " from reading r join meter m using (meter_id) join register_set s"
        " using (register_set_id)")
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    found = {}
    for record in cursor.fetchall():
        row = dict(zip(names, record, strict=True))
        statuses = row["statuses"] or [0] * len(row["described"])
        found[row["serial"], row["at"], row["profile"]] = sorted([
            (entry["obis"], _value(row, entry["column"]), status)
            for entry, status in zip(row["described"], statuses, strict=True)])
    return found


def _value(row: dict[str, object], column: str) -> object:
    place = re.fullmatch(r"extra\[(\d+)\]", column)
    if place is None:
        return row[column]
    extra = row["extra"] or []
    assert isinstance(extra, list)
    return extra[int(place[1]) - 1]


def _remembered_readings(tables: Tables) -> dict[tuple[object, ...], object]:
    serials = {number: serial for serial, (number, _) in tables.meters.items()}
    return {
        (serials[meter], at_s, profile): sorted([
            (obis_to_text(register.obis), value, status) for register, value, status in zip(
                content.layout.registers, content.values, content.statuses, strict=True)])
        for (meter, at_s, profile), (content,) in tables.readings.items()}


def _revisions(connection: psycopg.Connection) -> set[tuple[object, ...]]:
    return {(*row[:2], bytes(row[2]), row[3], bytes(row[4]), row[5]) for row in connection.execute(
        "select m.serial, extract(epoch from v.captured_at)::bigint, v.obis, v.value,"
        " v.incarnation, v.sequence from reading_revision v join meter m using (meter_id)")}


def _remembered_revisions(tables: Tables) -> set[tuple[object, ...]]:
    serials = {number: serial for serial, (number, _) in tables.meters.items()}
    return {(serials[meter], at_s, obis, value, incarnation, sequence)  # type: ignore[index]
            for meter, at_s, _, obis, value, _, _, _, _, incarnation, sequence
            in tables.revisions}


def _compare_records(connection: psycopg.Connection, tables: Tables) -> None:
    serials = {number: serial for serial, (number, _) in tables.meters.items()}
    assert set(connection.execute(
        "select m.serial, extract(epoch from x.captured_at)::bigint, x.outcome"
        " from missed x join meter m using (meter_id)")) == {
            (serials[meter], at_s, outcome)
            for (meter, at_s, _), (outcome, _) in tables.missed.items()}
    assert {(n, bytes(i), s): rest for n, i, s, *rest in connection.execute(
        "select concentrator_id, incarnation, sequence, extract(epoch from at)::bigint,"
        " time_quality, kind, note from event")} == {
            key: list(event) for key, event in tables.events.items()}
    assert {(bytes(digest), reason) for digest, reason in connection.execute(
        "select digest, reason from quarantine")} == {
            (digest, aside.reason) for digest, aside in tables.quarantine.items()}


def _compare_archives(connection: psycopg.Connection, tables: Tables) -> None:
    rows = connection.execute("select concentrator_id, incarnation, received, lost from archive")
    assert {(n, bytes(i)): (_numbers(received), _numbers(lost))
            for n, i, received, lost in rows} == {
        key: (numbers.received - numbers.lost, numbers.lost)
        for key, numbers in tables.archives.items() if numbers.received}
    assert {(n, bytes(i), first): (last, reason) for n, i, first, last, reason
            in connection.execute("select concentrator_id, incarnation, first_sequence,"
                                  " last_sequence, reason from archive_loss")} == tables.losses


def _numbers(ranges: object) -> set[int]:
    return {n for one in ranges for n in range(one.lower, one.upper)}  # type: ignore[attr-defined]


def _compare_gaps(connection: psycopg.Connection, tables: Tables) -> None:
    serials = {number: serial for serial, (number, _) in tables.meters.items()}
    assert {n: (number, bytes(asked), tries, answered) for n, number, asked, tries, answered
            in connection.execute("select concentrator_id, number, asked, tries,"
                                  " answered_at is not null from gap_request")} == {
        n: (one.number, one.asked, one.tries, one.is_answered)
        for n, one in tables.requests.items()}
    assert set(connection.execute(
        "select m.serial, extract(epoch from g.first_at)::bigint,"
        " extract(epoch from g.last_at)::bigint, g.reason, g.times"
        " from gap_reason g join meter m using (meter_id)")) == {
            (serials[meter], *one)
            for meter, told in tables.reasons.items() for one in told.values()}
