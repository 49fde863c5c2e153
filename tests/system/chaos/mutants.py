"""Parts that break one promise each: the simulation must notice every one of them."""

from collections.abc import Callable
from contextlib import suppress

from tests.system.chaos.memory_gaps import NobodyAsks
from tests.system.chaos.memory_store import Key, MemoryStore, Point, Tables
from tests.system.chaos.run import Parts
from wum_cloud.ingest.downlink import DatabaseWentBack, Downlink
from wum_cloud.ingest.harvest import Committed, Harvest
from wum_cloud.ingest.rows.merge import Content
from wum_edge.uplink.batch import Built
from wum_edge.uplink.counter import BLOCK, Counter
from wum_edge.uplink.delivery import Delivery
from wum_edge.uplink.flight import TAKEN, Flight
from wum_edge.uplink.lanes import ASKED, BEHIND, LIVE, WINDOW, Lanes


class AnswersBeforeCommit(MemoryStore):
    """Reserves the counters, lets the answers go, and commits afterwards, if it comes to that."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._owed: list[Harvest] = []

    async def commit(self, harvest: Harvest) -> Committed:
        """What was owed is written now; this harvest the next time."""
        await Point("rows")
        while self._owed:
            self._write(self._owed.pop(0))
        self._owed.append(harvest)
        await Point("committed")
        return self._reserved(harvest)


class RowsWithoutIdentity(MemoryStore):
    """Every row is inserted, whether it is there or not."""

    def _put(self, key: Key, content: Content, origin: tuple[int, bytes, int]) -> None:
        self.tables.readings.setdefault(key, []).append(content)


class ForgetsRevisions(MemoryStore):
    """A second value for a row that is there is dropped."""

    def _put(self, key: Key, content: Content, origin: tuple[int, bytes, int]) -> None:
        self.tables.readings.setdefault(key, [content])


class Quiet(Downlink):
    """Draws anew where a count went back, and tells nobody."""

    def check(self, key: tuple[int, int], before: int) -> None:
        """Nobody forgets anything."""
        with suppress(DatabaseWentBack):
            super().check(key, before)


class RemembersThroughARestore(MemoryStore):
    """What a worker knew of the database it still knows when a backup was put back."""

    def __init__(self, tables: Tables, now_s: Callable[[], int], _: Downlink) -> None:
        super().__init__(tables, now_s, Quiet())


class TrustsTheBroker(Delivery):
    """A batch counts as delivered as soon as the broker has taken it (PUBACK)."""

    def _send(self, flight: Flight, now_ms: int) -> bool:
        sent = super()._send(flight, now_ms)
        if sent:
            flight.happens(TAKEN)
            self._archive.acknowledge(self._lanes.done(flight, self._archive.cursor))
        return sent


class IgnoresTheDigest(Delivery):
    """Any answer moves the cursor to the end of the archive."""

    def heard(self, sealed: bytes, now_ms: int) -> None:
        """As if the answer spoke of everything."""
        super().heard(sealed, now_ms)
        if self._archive.backlog:
            self._archive.acknowledge(self._archive.next_sequence - 1)
            self._lanes = Lanes(self._archive.next_sequence)


class RepeatsCounters(Delivery):
    """Keeps where counting stands, not how far it may go: a cut takes it back."""

    def __init__(self, **parts: object) -> None:
        counter = parts["counter"]
        assert isinstance(counter, Counter)
        reserve = counter._reserve
        counter._reserve = lambda: _count_on(counter, reserve)  # type: ignore[method-assign]
        super().__init__(**parts)  # type: ignore[arg-type]


def _count_on(counter: Counter, reserve: Callable[[], None]) -> None:
    counter._reserved -= BLOCK
    reserve()                   # What is written is where this block begins.
    counter._reserved += BLOCK


class AnswersWithoutSending(Delivery):
    """Says of what was asked for that it was sent again."""

    def _add(self, lane: int, built: Built, now_ms: int) -> None:
        if lane != ASKED:
            super()._add(lane, built, now_ms)


class Starves(Delivery):
    """One lane has the link only while nothing else is under way or wants it."""

    lane = LIVE

    def _has_place(self, lane: int) -> bool:
        lanes = self._lanes
        if lane == self.lane and (
                [one for one in lanes.flights if one.lane != lane]
                or (lane == LIVE and lanes.behind(self._archive.cursor) is not None)):
            return False
        return len(lanes.flights) < WINDOW and not (lane == ASKED and [
            one for one in lanes.flights if one.lane == ASKED])


class StarvesBehind(Starves):
    """New records and those asked for leave nothing to those behind."""

    lane = BEHIND


class StarvesAsked(Starves):
    """What is asked for waits until nothing else has to be sent."""

    lane = ASKED


# What an outage shows, with words of what is said then.
LANES = {
    "new records starve": (Starves, "new readings starve"),
    "records behind starve": (StarvesBehind, "behind starves"),
    "what is asked for starves": (StarvesAsked, "asked starves"),
}

# Each with words of what the judge says.
MUTANTS = {
    "counters without chance": (Parts(draw=lambda: 2**20), "twice"),
    "acknowledged before commit": (Parts(store=AnswersBeforeCommit), "leads"),
    "numbers of before a restore": (Parts(store=RemembersThroughARestore), "never read"),
    "rows without identity": (Parts(store=RowsWithoutIdentity), "times"),
    "revisions dropped": (Parts(store=ForgetsRevisions), "is not stored"),
    "PUBACK moves the cursor": (Parts(delivery=TrustsTheBroker), "leads"),
    "any answer moves the cursor": (Parts(delivery=IgnoresTheDigest), "leads"),
    "what is missing is not asked for": (Parts(gaps=NobodyAsks), "is not stored"),
    "answered and not sent": (Parts(delivery=AnswersWithoutSending), "is not stored"),
    "counters reused after a cut": (Parts(delivery=RepeatsCounters), "twice"),
}

# Where it takes more than a few of all seeds: those with backups that were put back just so.
SEEDS = {"numbers of before a restore": (1010111, 1011167, 1011359)}
