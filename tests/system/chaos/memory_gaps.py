"""What asking for gaps wants of a database, over the tables in memory, with the rules of
wum_cloud/ingest/gaps/store.py.

Left out: the ledger. An interval is missing when a meter's schedule has it, later readings came,
and there is neither a row, a missed row nor an answer.
"""

from collections.abc import Callable

from tests.system.chaos.memory_store import Point, Request, Tables
from wum_cloud.ingest.downlink import Downlink, request_number
from wum_cloud.ingest.gaps.wanted import (
    AGAIN_MOST_S,
    PATIENCE_S,
    SENT_TIMES,
    Ask,
    Wanted,
    encoded,
)
from wum_cloud.registry.store import Sender
from wum_shared.gaps import decode_gap_request

WINDOW_S = 1200                  # How far back intervals are looked at: a run is as long.
_SETTLED_S = 60


class MemoryGaps:
    """Implements asking.Store."""

    def __init__(
            self, tables: Tables, now_s: Callable[[], int], downlink: Downlink | None = None,
    ) -> None:
        self.tables = tables
        self._now_s = now_s
        self._downlink = downlink or Downlink()

    async def wanting(self, limit: int) -> list[Wanted]:
        """Whom to ask now, with all that is missing."""
        await Point("wanting")
        now_s = self._now_s()
        self._look(now_s)
        found = []
        for sender in sorted(self.tables.senders.values(), key=lambda s: s.concentrator_id):
            request = self.tables.requests.get(sender.concentrator_id)
            if request is not None and now_s < request.due_s <= now_s + AGAIN_MOST_S:
                continue
            holes = self._holes(sender.concentrator_id, now_s)
            spans = [] if holes else self._spans(sender.concentrator_id, now_s)
            if holes or spans:
                found.append(Wanted(
                    sender, () if request is None else decode_gap_request(request.asked).ranges,
                    0 if request is None else request.tries, tuple(holes), tuple(spans)))
        return found[:limit]

    async def note(self, asks: list[Ask], in_vain: list[Sender]) -> list[int | None]:
        """Note these requests; the message counter of each."""
        await Point("note")
        counters = []
        now_s = self._now_s()
        for ask in asks:
            key = (ask.sender.concentrator_id, ask.sender.epoch)
            self._downlink.check(key, self.tables.downlink[key])
            counter = self._downlink.first(key, self.tables.counted(key, 1, now_s), 1)
            counters.append(counter)
            if counter is not None:
                self._keep(ask, request_number(counter), now_s)
        await Point("noted")
        return counters

    def _keep(self, ask: Ask, number: int, now_s: int) -> None:
        self.tables.requests[ask.sender.concentrator_id] = Request(
            number, encoded(ask, number), now_s + ask.again_s, ask.tries)

    def _look(self, now_s: int) -> None:
        for key, numbers in self.tables.archives.items():
            missing = len(numbers.holes())
            before = self.tables.missing.get(key)
            if before is None or before[0] != missing or before[1] > now_s:
                self.tables.missing[key] = (missing, now_s)

    def _holes(self, number: int, now_s: int) -> list[tuple[bytes, int, int]]:
        found: list[tuple[bytes, int, int]] = []
        for key, (missing, since_s) in self.tables.missing.items():
            if key[0] != number or not missing or since_s > now_s - PATIENCE_S:
                continue
            for hole in self.tables.archives[key].holes():
                if found and found[-1][0] == key[1] and found[-1][2] + 1 == hole:
                    found[-1] = (key[1], found[-1][1], hole)
                else:
                    found.append((key[1], hole, hole))
        return found

    def _spans(self, number: int, now_s: int) -> list[tuple[str, int, int]]:
        schemas = [schema for (owner, _), schema in self.tables.schemas.items() if owner == number]
        if not schemas:
            return []
        schema = schemas[-1]
        own = {self.tables.meters[meter.serial][0]: meter for meter in schema.meters
               if self.tables.meters.get(meter.serial, (0, 0))[1] == number}
        times = [(meter, at_s) for meter, at_s, _ in (*self.tables.readings, *self.tables.missed)
                 if meter in own and now_s - 2 * WINDOW_S <= at_s <= now_s]
        newest_s = max([at_s for _, at_s in times], default=0)
        found = []
        for meter_id, meter in sorted(own.items()):
            period_s, offset_s = schema.schedules[meter.schedules[0]]
            there = {(at_s - offset_s) // period_s for one, at_s in times if one == meter_id}
            first = (now_s - WINDOW_S - offset_s) // period_s
            last = (min(newest_s, now_s - _SETTLED_S) - offset_s) // period_s
            for n in range(first, last):
                begins_s = offset_s + n * period_s
                if n not in there and not self._is_answered(
                        meter_id, begins_s, begins_s + period_s - 1):
                    found.append((meter.serial, begins_s, begins_s + period_s - 1))
        return found

    def _is_answered(self, meter: int, first_s: int, last_s: int) -> bool:
        return any(
            first <= first_s and last_s <= last and (reason or times >= SENT_TIMES)
            for first, last, reason, times in self.tables.reasons.get(meter, {}).values())


class NobodyAsks(MemoryGaps):
    """A mutant: what is missing stays missing."""

    async def wanting(self, limit: int) -> list[Wanted]:
        """Nobody."""
        await Point("wanting")
        return []
