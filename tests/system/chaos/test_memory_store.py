"""The store in memory keeps PostgreSQL's rules: the same sequences leave the same rows in both.

The sequences are those of chaotic runs: what the worker asked of the memory, is asked again of a
real database, in the same order.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg
import pytest

from tests.system.chaos.memory_store import MemoryStore, Tables
from tests.system.chaos.run import Parts, run
from wum_cloud.database import connect, open_pool
from wum_cloud.ingest.downlink import Downlink
from wum_cloud.ingest.harvest import Arrival, Committed, Harvest, Taken
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.registry import store as registry
from wum_cloud.registry.schemas.plan import Claim
from wum_cloud.registry.store import Sender
from wum_shared.messages import DirectionKey, Registration
from wum_shared.obis import obis_to_text

SEEDS = (18, 40, 58)


@dataclass(frozen=True, slots=True)
class Asked:
    """Schemas that were taken in, or a harvest that was written."""

    schemas: list[Arrival]
    harvest: Harvest | None


class Recorder(MemoryStore):
    """Keeps what was written, in its order."""

    asked: list[Asked]

    def __init__(
            self, tables: Tables, now_s: Callable[[], int], downlink: Downlink) -> None:
        super().__init__(tables, now_s, downlink)
        type(self).last = tables

    async def acquire(self, arrivals: list[Arrival]) -> dict[int, list[Claim]]:
        """Note them once they are there; the memory writes them before its last statement."""
        self.asked.append(Asked(arrivals, None))
        return await super().acquire(arrivals)

    def _write(self, harvest: Harvest) -> Committed:
        self.asked.append(Asked([], harvest))
        return super()._write(harvest)

    last: Tables


@pytest.mark.parametrize("caution", [0, 16])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_memory_holds_a_database_holds_too(seed, caution, database_url):
    Recorder.asked = []
    assert not run(seed, Parts(store=Recorder)).broken
    tables = Recorder.last
    assert len(tables.readings) > 10
    asyncio.run(_replay(database_url, tables, caution))
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        assert _readings(connection) == _remembered_readings(tables)
        assert _revisions(connection) == _remembered_revisions(tables)
        _compare_records(connection, tables)
        _compare_archives(connection, tables)


async def _replay(url: str, tables: Tables, caution: int) -> None:
    async with open_pool(url, connections_max=2) as pool:
        senders = await _register(url, tables)
        store = PostgresStore(pool, caution=caution)
        for asked in Recorder.asked:
            if asked.schemas:
                await store.acquire([_own(arrival, senders) for arrival in asked.schemas])
            elif asked.harvest is not None:
                await _commit(store, asked.harvest, senders)


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
        covered=[(senders[s.device_id], h) for s, h in harvest.covered]))


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
