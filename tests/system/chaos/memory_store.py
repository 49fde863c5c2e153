"""The head-end's store in memory: what the worker asks of a database, with its rules and no SQL.

It is checked against PostgreSQL with the same sequences (test_memory_store.py). Every statement
is a `Point`: there the database may go away, or the process may end. Left out: the ledger's marks.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, fields, replace

import numpy as np

from wum_cloud.ingest.bases.heads import Heads
from wum_cloud.ingest.bases.store import KEPT, Named
from wum_cloud.ingest.downlink import Downlink
from wum_cloud.ingest.gaps.answered import understood
from wum_cloud.ingest.harvest import Arrival, Committed, Harvest, Taken
from wum_cloud.ingest.opened import Group
from wum_cloud.ingest.quarantine.entries import SCHEMA, SCHEMA_REFUSED, Aside
from wum_cloud.ingest.rows.merge import Content, merge
from wum_cloud.registry.schemas.plan import NOT_OURS, Claim, Plan, layouts_of
from wum_cloud.registry.schemas.resolved.store import Name
from wum_cloud.registry.schemas.store import Arrived
from wum_cloud.registry.store import Sender
from wum_shared.gaps import GapAnswer
from wum_shared.messages import Schema
from wum_shared.status import GAP_SENT

FIRST_COUNT_S = 1767225600               # 2026-01-01, where a count of messages begins.
COUNTED_BY_TIME_MAX = 2**31

Key = tuple[int, int, int]               # Meter, capture time, profile.


@dataclass(frozen=True, slots=True)
class Point:
    """A place between two statements; whoever drives the coroutine goes on or throws."""

    name: str

    def __await__(self) -> Generator["Point", None, None]:
        yield self


class Numbers:
    """Sets of sequence numbers of one archive; small ones, so each number is kept."""

    def __init__(self) -> None:
        self.received: set[int] = set()
        self.lost: set[int] = set()
        self._prefix = 0

    def prefix(self) -> int:
        """The last number up to which every one is accounted for."""
        while self._prefix + 1 in self.received or self._prefix + 1 in self.lost:
            self._prefix += 1
        return self._prefix

    def prefix_with(self, others: set[int]) -> int:
        """The same, where `others` are accounted for, too."""
        last = self.prefix()
        while last + 1 in self.received or last + 1 in self.lost or last + 1 in others:
            last += 1
        return last

    def holes(self) -> list[int]:
        """Numbers below the highest that are neither received nor lost."""
        prefix = self.prefix()
        return [n for n in range(prefix + 1, max(self.received | self.lost, default=0))
                if n not in self.received and n not in self.lost]


@dataclass(frozen=True, slots=True)
class Request:
    """A gap request that was made."""

    number: int
    asked: bytes
    due_s: int
    tries: int
    is_answered: bool = False


@dataclass
class Tables:
    """What is committed."""

    senders: dict[tuple[bytes, int], Sender] = field(default_factory=dict)
    schemas: dict[tuple[int, bytes], Schema] = field(default_factory=dict)
    meters: dict[str, tuple[int, int]] = field(default_factory=dict)   # (meter, concentrator).
    sets: dict[bytes, int] = field(default_factory=dict)
    readings: dict[Key, list[Content]] = field(default_factory=dict)
    revisions: set[tuple[object, ...]] = field(default_factory=set)
    missed: dict[Key, tuple[int, str]] = field(default_factory=dict)
    events: dict[tuple[int, bytes, int], tuple[object, ...]] = field(default_factory=dict)
    losses: dict[tuple[int, bytes, int], tuple[int, int]] = field(default_factory=dict)
    archives: defaultdict[tuple[int, bytes], Numbers] = field(
        default_factory=lambda: defaultdict(Numbers))
    bases: dict[Named, Heads] = field(default_factory=dict)            # Oldest first.
    quarantine: dict[bytes, Aside] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)         # By concentrator.
    missing: dict[tuple[int, bytes], tuple[int, int]] = field(default_factory=dict)
    reasons: dict[int, dict[tuple[int, int], tuple[int, int, int, int]]] = field(
        default_factory=dict)            # By meter: first, last, reason, how often.
    downlink: Counter[tuple[int, int]] = field(default_factory=Counter)

    def counted(self, key: tuple[int, int], messages: int, now_s: int) -> int:
        """The last count of so many messages more, as migrations/0012_downlink_counts.sql."""
        self.downlink[key] = max(
            self.downlink[key] + messages, min(now_s - FIRST_COUNT_S, COUNTED_BY_TIME_MAX))
        return self.downlink[key]

    def put_back(self, backup: "Tables") -> None:
        """Be what `backup`, a copy, was."""
        for one in fields(self):
            setattr(self, one.name, getattr(backup, one.name))


class MemoryStore:
    """Implements worker.Store over `Tables`. Several workers may share the tables."""

    def __init__(
            self, tables: Tables, now_s: Callable[[], int], downlink: Downlink | None = None,
    ) -> None:
        self.tables = tables
        self._now_s = now_s
        self._downlink = downlink or Downlink()

    async def senders(self, wanted: list[tuple[bytes, int]]) -> dict[tuple[bytes, int], Sender]:
        """The registered ones of `wanted`."""
        await Point("senders")
        return {key: self.tables.senders[key] for key in wanted if key in self.tables.senders}

    async def registered(self, device_ids: list[bytes]) -> dict[bytes, int]:
        """Numbers of the registered ones."""
        await Point("registered")
        return {sender.device_id: sender.concentrator_id
                for sender in self.tables.senders.values() if sender.device_id in device_ids}

    async def plans(self, wanted: list[Name]) -> dict[Name, Plan]:
        """Schemas of these concentrators, resolved; what is missing never arrived."""
        await Point("plans")
        return {name: self._plan(name[0], self.tables.schemas[name])
                for name in wanted if name in self.tables.schemas}

    async def bases(self, wanted: list[Named]) -> dict[Named, Heads]:
        """What deltas build on, as far as it is still there."""
        await Point("bases")
        return {one: self.tables.bases[one] for one in wanted if one in self.tables.bases}

    async def acquire(self, arrivals: list[Arrival]) -> dict[int, list[Claim]]:
        """Take in schemas; meters belong to whoever names them first."""
        await Point("acquire")
        refused = {}
        for arrival in arrivals:
            claims = self._take_in(arrival.arrived)
            if claims:
                refused[arrival.sender.concentrator_id] = claims
        await Point("acquired")
        return refused

    def _plan(self, concentrator_id: int, schema: Schema) -> Plan:
        numbers = [self.tables.meters.get(meter.serial, (NOT_OURS, 0)) for meter in schema.meters]
        layouts = layouts_of(schema)
        return Plan(
            schema,
            np.array([number if owner == concentrator_id else NOT_OURS
                      for number, owner in numbers], np.int64),
            tuple([self._set_id(layout.digest) for layout in layouts]), layouts)

    def _take_in(self, arrived: Arrived) -> list[Claim]:
        meters = self.tables.meters
        self.tables.schemas.setdefault(
            (arrived.concentrator_id, arrived.schema_id), arrived.schema)
        for meter in sorted(arrived.schema.meters):
            meters.setdefault(meter.serial, (len(meters) + 1, arrived.concentrator_id))
        claims = [Claim(meter.serial, str(meters[meter.serial][1]))
                  for meter in sorted(arrived.schema.meters)
                  if meters[meter.serial][1] != arrived.concentrator_id]
        if claims:
            self._keep(arrived.concentrator_id, Aside(
                SCHEMA_REFUSED, "", SCHEMA, arrived.document))
        return claims

    async def commit(self, harvest: Harvest) -> Committed:
        """Write all of `harvest` at one moment; before it there is nothing, after it there is."""
        for name in ("partitions", "begin", "rows", "counters", "commit"):
            await Point(name)
        committed = self._write(harvest)
        await Point("committed")
        return committed

    async def trim_quarantine(self) -> None:
        """Nothing: a run does not fill it."""
        await Point("trim")

    def forget(self) -> None:
        """Nothing is taken for granted."""

    def _write(self, harvest: Harvest) -> Committed:
        for sender, _ in harvest.contacts:
            key = (sender.concentrator_id, sender.epoch)
            self._downlink.check(key, self.tables.downlink[key])
        self._write_rows(harvest.batches)
        for taken in harvest.batches:
            self._write_records(taken)
        for kept in harvest.kept:
            self._keep(kept.concentrator_id, kept.aside)
        for sender, heading in harvest.covered:
            numbers = self.tables.archives[sender.concentrator_id, heading.incarnation]
            numbers.received.update(range(heading.first_sequence, heading.last_sequence + 1))
        for taken in harvest.batches:
            numbers = self.tables.archives[
                taken.sender.concentrator_id, taken.accepted.heading.incarnation]
            for lost in taken.accepted.lost:
                gone = range(lost.first_sequence, lost.last_sequence + 1)
                numbers.lost.update(gone)
        for named, heads in harvest.bases:
            self._keep_base(named, heads)
        for sender, answer in harvest.gap_answers:
            self._take_gap_answer(sender, answer)
        self._refute(harvest.batches)
        return self._reserved(harvest)

    def _write_rows(self, batches: list[Taken]) -> None:
        rows = [(*key, source, sequence, content)
                for source, taken in enumerate(batches)
                for group in taken.accepted.groups
                for key, sequence, content in rows_of(group, taken.plan)]
        for meter, at_s, profile, source, sequence, content in sorted(
                rows, key=lambda row: row[:5]):
            taken = batches[source]
            self._put((meter, at_s, profile), content, (
                taken.sender.concentrator_id, taken.accepted.heading.incarnation, sequence))

    def _put(self, key: Key, content: Content, origin: tuple[int, bytes, int]) -> None:
        there = self.tables.readings.get(key)
        if there is None:
            self.tables.readings[key] = [content]
            return
        merged = merge(there[0], content)
        there[0] = merged.content
        for revision in merged.revisions:
            register = revision.register
            self.tables.revisions.add((
                *key, register.obis, revision.value, register.scaler, register.unit,
                revision.status, *origin))

    def _write_records(self, taken: Taken) -> None:
        number, incarnation = taken.sender.concentrator_id, taken.accepted.heading.incarnation
        for missed in taken.accepted.missed:
            key = (int(taken.plan.meter_ids[missed.meter]), missed.captured_at_s,
                   taken.plan.layouts[missed.register_set].profile)
            self.tables.missed.setdefault(key, (missed.outcome, missed.note))
        for event in taken.accepted.events:
            self.tables.events.setdefault((number, incarnation, event.sequence), (
                event.at_s, event.time_quality, event.kind, event.note))
        for lost in taken.accepted.lost:
            self.tables.losses.setdefault((number, incarnation, lost.first_sequence), (
                lost.last_sequence, lost.reason))

    def _keep_base(self, named: Named, heads: Heads) -> None:
        bases = self.tables.bases
        bases.setdefault(named, heads)
        own = [one for one in bases if one.concentrator_id == named.concentrator_id]
        for one in own[:-KEPT]:
            del bases[one]

    def _take_gap_answer(self, sender: Sender, answer: GapAnswer) -> None:
        number = sender.concentrator_id
        request = self.tables.requests.get(number)
        if request is None or request.number != answer.number or request.is_answered:
            return
        self.tables.requests[number] = replace(request, is_answered=True)
        found = understood(request.asked, answer)
        for gone in found.gone:
            numbers = self.tables.archives[number, gone.incarnation]
            numbers.lost.update(set(range(gone.first, gone.last + 1)) - numbers.received)
            self.tables.losses.setdefault(
                (number, gone.incarnation, gone.first), (gone.last, gone.reason))
        for one in found.reasons:
            meter = self.tables.meters[one.serial][0]
            told = self.tables.reasons.setdefault(meter, {})
            times = told.get((one.first_s, one.last_s), (0, 0, 0, 0))[3]
            if not any(meter == key[0] and one.first_s <= key[1] <= one.last_s
                       for key in self.tables.readings):
                told[one.first_s, one.last_s] = (one.first_s, one.last_s, one.reason, times + 1)
            elif one.reason == GAP_SENT:
                told[one.first_s, one.last_s] = (one.first_s, one.last_s, one.reason, 0)

    def _refute(self, batches: list[Taken]) -> None:
        """Forget reasons why something is missing where there is a row now."""
        for taken in batches:
            for group in taken.accepted.groups:
                for (meter, at_s, _), _, _ in rows_of(group, taken.plan):
                    told = self.tables.reasons.get(meter, {})
                    for span in [span for span, one in told.items()
                                 if one[2] != GAP_SENT and span[0] <= at_s <= span[1]]:
                        del told[span]

    def _keep(self, concentrator_id: int | None, aside: Aside) -> None:
        self.tables.quarantine.setdefault(aside.digest(concentrator_id), aside)

    def _reserved(self, harvest: Harvest) -> Committed:
        """Counters for the answers, as store.py has them."""
        firsts = {}
        for key in {(s.concentrator_id, s.epoch) for s, _ in harvest.contacts}:
            answers = harvest.answers[key]
            first = self._downlink.first(
                key, self.tables.counted(key, answers + 1, self._now_s()), answers)
            if first is not None:
                firsts[key] = first
        return Committed(firsts)

    def _set_id(self, digest: bytes) -> int:
        return self.tables.sets.setdefault(digest, len(self.tables.sets) + 1)


def rows_of(group: Group, plan: Plan) -> list[tuple[Key, int, Content]]:
    """Rows of a group with their keys and numbers."""
    layout = plan.layouts[group.register_set]
    found = []
    for at in range(len(group)):
        statuses = ((0,) * len(group.values) if group.statuses is None
                    else tuple(group.statuses[at].tolist()))
        values = tuple([None if status & 1 else int(group.values[place, at])
                        for place, status in enumerate(statuses)])
        key = (int(plan.meter_ids[group.meter[at]]), int(group.captured_at_s[at]), layout.profile)
        found.append((key, int(group.sequence[at]), Content(layout, values, statuses)))
    return found
