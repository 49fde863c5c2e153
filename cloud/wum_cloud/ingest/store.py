"""One transaction of ingest: rows, missed rows, events, losses, archives, counters, quarantine.

Left out: what is decided before it (accept.py) and after it (the acknowledgements, worker.py).
Everything is written in the order of its key and the busiest rows last, so that parallel workers
wait for one another shortly and never in a circle.
"""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from psycopg.types.multirange import Int8Multirange
from psycopg.types.range import Int8Range, Range

from wum_cloud.database import Connection, Pool
from wum_cloud.ingest import replays
from wum_cloud.ingest.arrivals import store as arrivals
from wum_cloud.ingest.bases import store as bases
from wum_cloud.ingest.bases.heads import Heads
from wum_cloud.ingest.conditions import store as conditions
from wum_cloud.ingest.downlink import DatabaseWentBack, Downlink
from wum_cloud.ingest.gaps.answers import store as gaps
from wum_cloud.ingest.harvest import Arrival, Committed, Harvest, Taken
from wum_cloud.ingest.mesh import store as mesh
from wum_cloud.ingest.quarantine.entries import SCHEMA, SCHEMA_REFUSED, Aside, Limits
from wum_cloud.ingest.quarantine.store import keep, storable, trim
from wum_cloud.ingest.ripples import store as ripples
from wum_cloud.ingest.rows.store import CAUTION, Provenance, Rows, Written
from wum_cloud.ingest.rows.table import Part, Table, newest_of, tables_of
from wum_cloud.registry.schemas import store as schemas
from wum_cloud.registry.schemas.plan import Claim, Plan
from wum_cloud.registry.schemas.resolved.store import Name, plans
from wum_cloud.registry.store import Sender, concentrator_ids, senders

TRIM_EVERY_S = 30.0
NO_SET = 0               # Of a missed row: whatever was due of its meter.

# Words of ingest_count beside the reasons of quarantine.py.
BATCHES, ROWS, DUPLICATES = "batches", "rows", "duplicate rows"
LATE, REVISIONS = "late registers", "revisions"
MISSED, EVENTS, REPLAYED = "missed rows", "events", "replayed"


class PostgresStore:
    """What ingest asks of the database. One worker uses it; many may run side by side."""

    def __init__(
            self, pool: Pool, limits: Limits | None = None, caution: int = CAUTION) -> None:
        self._pool = pool
        self._downlink = Downlink()
        self._rows = Rows(pool, caution)
        self._limits = limits or Limits()
        self._trimmed_s = -math.inf

    async def senders(self, wanted: list[tuple[bytes, int]]) -> dict[tuple[bytes, int], Sender]:
        """The registered ones of `wanted` (device id, key epoch)."""
        async with self._pool.connection() as connection:
            return await senders(connection, wanted)

    async def plans(self, wanted: list[Name]) -> dict[Name, Plan]:
        """Schemas of these concentrators, resolved; what is missing never arrived."""
        async with self._pool.connection() as connection:
            return await plans(connection, wanted)

    async def bases(self, wanted: list[bases.Named]) -> dict[bases.Named, Heads]:
        """What deltas build on, as far as it is still there."""
        async with self._pool.connection() as connection:
            return await bases.find(connection, wanted)

    async def registered(self, device_ids: list[bytes]) -> dict[bytes, int]:
        """Numbers of the registered ones of these concentrators, whatever their keys."""
        async with self._pool.connection() as connection:
            return await concentrator_ids(connection, device_ids)

    async def acquire(self, arrivals: list[Arrival]) -> dict[int, list[Claim]]:
        """Take in schemas in transactions of their own, several of one concentrator in their
        order; return the claims that were refused, by concentrator.
        """
        refused: defaultdict[int, list[Claim]] = defaultdict(list)
        while arrivals:
            now = list({one.sender.concentrator_id: one for one in arrivals[::-1]}.values())[::-1]
            arrivals = [one for one in arrivals if one not in now]
            for number, claims in (await self._acquire(now)).items():
                refused[number] += claims
        return refused

    async def _acquire(self, arrivals: list[Arrival]) -> dict[int, list[Claim]]:
        harvest = Harvest()
        async with self._pool.connection() as connection, connection.transaction():
            claims = await schemas.acquire(connection, [one.arrived for one in arrivals])
            for one in arrivals:
                number = one.sender.concentrator_id
                harvest.contact(one.sender, one.arrived.counter)
                if number in claims:
                    harvest.set_aside(number, one.topic, Aside(
                        SCHEMA_REFUSED, _said(claims[number]), SCHEMA, one.arrived.document))
            await keep(connection, harvest.kept)
            await _finish(connection, harvest, self._downlink)
        return claims

    async def commit(self, harvest: Harvest) -> Committed:
        """Write all of `harvest` in one transaction. When it returns, all of it is durable."""
        if harvest.is_empty:  # Of schemas, which were taken in before.
            return Committed({})
        tables = tables_of([
            Part(source, group, taken.plan.meter_ids,
                 taken.plan.register_set_ids[group.register_set],
                 taken.plan.layouts[group.register_set])
            for source, taken in enumerate(harvest.batches) for group in taken.accepted.groups])
        await self._rows.make_partitions(tables)
        async with self._pool.connection() as connection, connection.transaction():
            if tables:
                _count_rows(harvest, await self._rows.write(connection, tables, [
                    Provenance(taken.sender.concentrator_id, taken.accepted.heading.incarnation)
                    for taken in harvest.batches]))
            await _insert_missed(connection, harvest.batches)
            await _insert_events(connection, harvest.batches)
            await _insert_losses(connection, harvest.batches)
            await gaps.take_answers(connection, harvest.gap_answers)
            await gaps.refute(connection, harvest.batches)
            await mesh.take_reports(connection, harvest.mesh_reports)
            await ripples.take_reports(connection, harvest.ripples)
            await conditions.take_conditions(connection, harvest.conditions)
            await keep(connection, harvest.kept)
            await arrivals.note(connection, harvest)
            await _mark_hours(connection, harvest)
            return await _finish(connection, harvest, self._downlink, tables)

    async def trim_quarantine(self) -> None:
        """Drop what is over the limits, at most every TRIM_EVERY_S: it reads the whole table."""
        now_s = time.monotonic()
        if now_s - self._trimmed_s < TRIM_EVERY_S:
            return
        self._trimmed_s = now_s
        async with self._pool.connection() as connection, connection.transaction():
            await trim(connection, self._limits)

    def forget(self) -> None:
        """After an error: look again at what was taken for granted."""
        self._rows.forget_partitions()


def _said(claims: list[Claim]) -> str:
    named = ", ".join(["%s (of %s)" % (claim.serial, claim.owner) for claim in claims[:10]])
    more = "" if len(claims) <= 10 else " and %d more" % (len(claims) - 10)
    return ("it claims meters of other concentrators: %s%s; their readings from here are set aside "
            "until the owner's schema leaves them out" % (named, more))


def _utc(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _count_rows(harvest: Harvest, written: Written) -> None:
    sent: Counter[int] = Counter()
    stored: Counter[int] = Counter()
    for taken in harvest.batches:
        number = taken.sender.concentrator_id
        sent[number] += sum([len(group) for group in taken.accepted.groups])
        if written.is_all_new:
            stored[number] = sent[number]
            continue
        for meter_id in set(taken.plan.meter_ids.tolist()) & written.rows_by_meter.keys():
            stored[number] += written.rows_by_meter.pop(meter_id)
    for number, rows in sent.items():
        harvest.counts[number, ROWS] += stored[number]
        harvest.counts[number, LATE] += written.filled[number]
        harvest.counts[number, REVISIONS] += written.revised[number]
        harvest.counts[number, DUPLICATES] += (
            rows - stored[number] - written.merged_rows[number])


async def _insert_missed(connection: Connection, batches: list[Taken]) -> None:
    """Of a meter whose register sets have schedules of their own it stands which gave nothing."""
    rows = sorted([
        (int(t.plan.meter_ids[m.meter]), _utc(m.captured_at_s),
         t.plan.layouts[m.register_set].profile, m.outcome, storable(m.note),
         t.sender.concentrator_id, t.plan.register_set_ids[m.register_set]
         if t.plan.is_mixed(m.meter) else NO_SET)
        for t in batches for m in t.accepted.missed])
    if rows:
        await connection.execute(
            "insert into missed as t (meter_id, captured_at, profile, outcome, note,"
            "   concentrator_id, register_sets)"
            " select m, c, p, (array_agg(o order by at))[1], (array_agg(n order by at))[1],"
            "   (array_agg(k order by at))[1], array_agg(distinct s) filter (where s > 0)"
            " from unnest(%s::bigint[], %s::timestamptz[], %s::smallint[], %s::smallint[],"
            "   %s::text[], %s::integer[], %s::integer[]) with ordinality"
            "   as x (m, c, p, o, n, k, s, at)"
            " group by m, c, p order by m, c, p"
            " on conflict (meter_id, captured_at, profile) do update set register_sets = array("
            "   select unnest(t.register_sets) union select unnest(excluded.register_sets)"
            "   order by 1) where not t.register_sets @> excluded.register_sets",
            _columns(rows))


async def _insert_events(connection: Connection, batches: list[Taken]) -> None:
    rows = sorted([
        (t.sender.concentrator_id, t.accepted.heading.incarnation, e.sequence, _utc(e.at_s),
         e.time_quality, e.kind, None if e.meter is None else int(t.plan.meter_ids[e.meter]),
         storable(e.note))
        for t in batches for e in t.accepted.events], key=lambda row: row[:3])
    if rows:
        await connection.execute(
            "insert into event (concentrator_id, incarnation, sequence, at, time_quality, kind,"
            "   meter_id, note)"
            " select a, b, c, d, e, f, nullif(g, 0), h from unnest(%s::integer[], %s::bytea[],"
            "   %s::bigint[], %s::timestamptz[], %s::smallint[], %s::smallint[], %s::bigint[],"
            "   %s::text[]) as x (a, b, c, d, e, f, g, h) on conflict do nothing",
            _columns(rows))


async def _insert_losses(connection: Connection, batches: list[Taken]) -> None:
    rows = sorted([
        (t.sender.concentrator_id, t.accepted.heading.incarnation, x.first_sequence,
         x.last_sequence, x.reason, storable(x.note))
        for t in batches for x in t.accepted.lost])
    if rows:
        await connection.execute(
            "insert into archive_loss (concentrator_id, incarnation, first_sequence,"
            "   last_sequence, reason, note)"
            " select * from unnest(%s::integer[], %s::bytea[], %s::bigint[], %s::bigint[],"
            "   %s::smallint[], %s::text[]) on conflict do nothing", _columns(rows))


async def _mark_hours(connection: Connection, harvest: Harvest) -> None:
    """Tell the ledger which hours changed: rows of its own, so that nobody waits for anybody."""
    hours: defaultdict[int, set[int]] = defaultdict(set)
    for taken in harvest.batches:
        found = hours[taken.sender.concentrator_id]
        for group in taken.accepted.groups:
            found.update(np.unique(group.captured_at_s // 3600).tolist())
        found.update([missed.captured_at_s // 3600 for missed in taken.accepted.missed])
    told = {taken.sender.concentrator_id for taken in harvest.batches if taken.accepted.lost}
    if hours:
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "insert into ledger_mark (concentrator_id, hours) values (%s, %s)",
                [(number, sorted(found)) for number, found in sorted(hours.items())
                 if found or number in told])


async def _finish(
        connection: Connection, harvest: Harvest, downlink: Downlink,
        tables: Sequence[Table] = (),
) -> Committed:
    """What every transaction of a concentrator changes: last, for it is held until the commit."""
    numbers = sorted({sender.concentrator_id for sender, _ in harvest.contacts})
    await connection.execute(
        "select from concentrator where concentrator_id = any(%s) order by concentrator_id"
        " for no key update", [numbers])
    await _note_contacts(connection, harvest, numbers)
    first_counters = await _move_counters(connection, harvest, downlink)
    await bases.keep(connection, harvest.bases)
    await _extend_archives(connection, harvest)
    await _note_meters(connection, tables, harvest.batches)
    for taken in harvest.batches:
        number = taken.sender.concentrator_id
        harvest.counts[number, BATCHES] += 1
        harvest.counts[number, MISSED] += len(taken.accepted.missed)
        harvest.counts[number, EVENTS] += len(taken.accepted.events)
    counts = sorted([(n, what, count) for (n, what), count in harvest.counts.items() if count])
    if counts:
        await connection.execute(
            "insert into ingest_count as c (day, concentrator_id, what, n)"
            " select (now() at time zone 'UTC')::date, *"
            " from unnest(%s::integer[], %s::text[], %s::bigint[])"
            " on conflict (day, concentrator_id, what) do update set n = c.n + excluded.n",
            _columns(counts))
    return Committed(first_counters)


async def _note_contacts(connection: Connection, harvest: Harvest, numbers: list[int]) -> None:
    newest: dict[int, datetime] = {}
    for taken in harvest.batches:
        number = taken.sender.concentrator_id
        for at in _captured(taken):
            newest[number] = max(at, newest.get(number, at))
    await connection.execute(
        "update concentrator c set last_contact_at = now(),"
        "   newest_captured_at = greatest(c.newest_captured_at, x.newest)"
        " from unnest(%s::integer[], %s::timestamptz[]) as x (concentrator_id, newest)"
        " where c.concentrator_id = x.concentrator_id",
        [numbers, [newest.get(number) for number in numbers]])


def _captured(taken: Taken) -> list[datetime]:
    return [_utc(int(group.captured_at_s.max())) for group in taken.accepted.groups] + [
        _utc(missed.captured_at_s) for missed in taken.accepted.missed]


async def _move_counters(
        connection: Connection, harvest: Harvest, downlink: Downlink,
) -> dict[tuple[int, int], int]:
    """Count replays, remember what was seen, reserve downlink counters for the answers."""
    arrived: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for sender, counter in harvest.contacts:
        arrived[sender.concentrator_id, sender.epoch].append(counter)
    keys = sorted(arrived)
    seen = await (await connection.execute(
        "select concentrator_id, epoch, uplink_seen, downlink_count from concentrator_epoch"
        " join unnest(%s::integer[], %s::integer[]) as x (concentrator_id, epoch)"
        "   using (concentrator_id, epoch)"
        " order by concentrator_id, epoch for no key update of concentrator_epoch",
        _columns(keys) if keys else [[], []])).fetchall()
    if len(seen) < len(keys):
        raise DatabaseWentBack("concentrators are gone from it: what was remembered is forgotten")
    heard: dict[tuple[int, int], Int8Multirange] = {}
    for number, epoch, before, count in seen:
        downlink.check((number, epoch), count)
        replayed, ranges = replays.heard(
            [(one.lower or 0, one.upper or 0) for one in before], arrived[number, epoch])
        harvest.counts[number, REPLAYED] += replayed
        heard[number, epoch] = Int8Multirange([Int8Range(*one) for one in ranges])
    rows = await (await connection.execute(
        "update concentrator_epoch e set uplink_seen = x.seen,"
        "   downlink_count = next_downlink_count(e.downlink_count, x.answers + 1)"
        " from unnest(%s::integer[], %s::integer[], %s::int8multirange[], %s::bigint[])"
        "   as x (concentrator_id, epoch, seen, answers)"
        " where e.concentrator_id = x.concentrator_id and e.epoch = x.epoch"
        " returning e.concentrator_id, e.epoch, e.downlink_count",
        [[n for n, _ in keys], [epoch for _, epoch in keys],
         [heard.get(key, Int8Multirange()) for key in keys],
         [harvest.answers[key] for key in keys]])).fetchall()
    firsts = {(number, epoch): downlink.first(
        (number, epoch), last, harvest.answers[number, epoch]) for number, epoch, last in rows}
    return {key: first for key, first in firsts.items() if first is not None}


async def _extend_archives(connection: Connection, harvest: Harvest) -> None:
    received: defaultdict[tuple[int, bytes], list[Range[int]]] = defaultdict(list)
    lost: defaultdict[tuple[int, bytes], list[Range[int]]] = defaultdict(list)
    for sender, heading in harvest.covered:
        received[sender.concentrator_id, heading.incarnation].append(
            Int8Range(heading.first_sequence, heading.last_sequence + 1))
    for taken in harvest.batches:
        heading = taken.accepted.heading
        lost[taken.sender.concentrator_id, heading.incarnation] += [
            Int8Range(x.first_sequence, x.last_sequence + 1) for x in taken.accepted.lost]
    keys = sorted(received)
    if keys:
        await connection.execute(
            "insert into archive as a (concentrator_id, incarnation, received, lost,"
            "   last_batch_at)"
            " select n, i, r - l, l, now() from unnest(%s::integer[], %s::bytea[],"
            "   %s::int8multirange[], %s::int8multirange[]) as x (n, i, r, l)"
            " on conflict (concentrator_id, incarnation) do update set"
            "   received = a.received + excluded.received,"
            "   lost = a.lost + excluded.lost, last_batch_at = excluded.last_batch_at",
            [*_columns(keys), [Int8Multirange(received[key]) for key in keys],
             [Int8Multirange(lost[key]) for key in keys]])


async def _note_meters(
        connection: Connection, tables: Sequence[Table], batches: list[Taken]) -> None:
    missed: dict[int, tuple[int, int]] = {}
    for taken in batches:
        for m in taken.accepted.missed:
            meter_id = int(taken.plan.meter_ids[m.meter])
            missed[meter_id] = max((m.captured_at_s, m.outcome), missed.get(meter_id, (0, 0)))
    if tables:
        await connection.execute(_NOTE_NEWEST, newest_of(tables))
    if missed:
        await connection.execute(
            "update meter m set last_missed_at = to_timestamp(x.at_s), last_outcome = x.outcome"
            " from unnest(%b::bigint[], %b::bigint[], %b::bigint[])"
            "   as x (meter_id, at_s, outcome)"
            " where m.meter_id = x.meter_id"
            " and (m.last_missed_at is null or m.last_missed_at < to_timestamp(x.at_s))",
            _columns([(n, *newest) for n, newest in sorted(missed.items())]))


# Blocks of 64 meters in their order, so that workers that share one wait for each other in a line.
_NOTE_NEWEST = b"""
    insert into newest_capture as c (block, at_s)
    select b.block, x.at_s[64 * n - 63:64 * n]
      from unnest(%b) with ordinality as b (block, n) cross join (select %b as at_s) as x
     order by b.block
    on conflict (block) do update set at_s = array(
        select greatest(old, new)
          from unnest(c.at_s, excluded.at_s) with ordinality as x (old, new, n) order by n)"""


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    """Rows as columns, for unnest."""
    return [list(column) for column in zip(*rows, strict=True)]
