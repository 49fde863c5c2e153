"""One pulse meter's counter: pulses by rate, kept through power cuts, never shown before kept.

Left out: what a pulse is worth (reader.py) and the edges' source (port.py). What is shown was
written before: after a cut a counter goes on where it was or lower than it got, and never below
what anybody was told.
"""

from collections import deque

from wum_edge.clock import Clock
from wum_edge.meters.pulse.calendar import Calendar, rate_at
from wum_edge.meters.pulse.codes import (
    COVER_OPEN,
    EDGES_LOST,
    MAGNET_ON,
    NOT_COUNTED,
    NOT_KEPT,
    WORDS,
)
from wum_edge.meters.pulse.debounce import Debounce
from wum_edge.meters.pulse.journal import Journal, Kept
from wum_edge.meters.pulse.port import CounterStore, PulseInput
from wum_edge.meters.reader import MeterEvent
from wum_shared.status import NEVER_SET

EVENTS_MAX = 64              # Not yet read; past it the oldest is lost.
HOUR_S = 3600


class PulseCounter:
    """Counts one input. `least_ms` is the debounce, `save_s` how often the counter is written at
    most, besides each hour; `most_per_hour` how many pulses the meter can give at its maximum.
    """

    def __init__(
            self, pulses: PulseInput, store: CounterStore, clock: Clock, calendar: Calendar | None,
            least_ms: int, save_s: int, most_per_hour: int,
    ) -> None:
        self.told = 0                    # Events since the start.
        self.missing_most: int | None = 0    # Since the start; None when nobody can tell.
        self._input = pulses
        self._clock = clock
        self._calendar = calendar
        self._least_ms = least_ms
        self._save_s = save_s
        self._debounce = Debounce(least_ms)
        self._journal = Journal(store)
        self._events: deque[MeterEvent] = deque((), EVENTS_MAX)
        self._watched: list[tuple[PulseInput, Debounce, int]] = []
        self._told_lost = 0
        self._told_unkept = False
        kept = self._journal.kept
        self._total, self._rates = kept.total, list(kept.rates)
        self._most_per_hour = most_per_hour
        if kept.sequence or self._journal.damaged:
            self._after_away(kept)
        if not self._journal.lost:       # From now on an end without a word is a cut.
            self._save(clock.now_s(), False)

    def watch(self, contact: PulseInput, code: int) -> None:
        """A contact whose closing is the event `code` (MAGNET_ON, COVER_OPEN), opening the next."""
        assert code in (MAGNET_ON, COVER_OPEN)
        self._watched.append((contact, Debounce(self._least_ms), code))

    def poll(self) -> None:
        """Take what the inputs have; write when it is time. To be called more often than an
        input's queue fills, and than an hour.
        """
        now_ms, now_s = self._clock.monotonic_ms(), self._clock.now_s()
        for at_ms, closed in self._input.edges():
            self._count(self._debounce.edge(at_ms, closed), now_ms, now_s)
        self._count(self._debounce.settle(now_ms), now_ms, now_s)
        for contact, debounce, code in self._watched:
            for at_ms, closed in contact.edges():
                self._contact(debounce, code, now_s, at_ms, closed)
            self._settle(debounce, code, now_s, now_ms)
        self._note_lost(now_s)
        self._save_when_due(now_s)

    def shown(self) -> Kept | None:
        """What may be told: the counter as it was written last. None when its records are all
        damaged: nobody knows then what was told before.
        """
        self.poll()
        return None if self._journal.lost else self._journal.kept

    def events_after(self, after_s: int) -> list[MeterEvent]:
        """Those later than `after_s`, oldest first."""
        self.poll()
        return [event for event in list(self._events)
                if event.at_s is not None and event.at_s > after_s]

    def unheard(self, seconds: int) -> None:
        """Its input could not be heard for so long: say what may be missing."""
        self._may_miss(seconds, "in which its input was not there")

    def close(self) -> None:
        """An orderly end: all that was counted is written."""
        self.poll()
        if not self._journal.lost:
            self._save(self._clock.now_s(), True)

    def _count(self, began_ms: int | None, now_ms: int, now_s: int) -> None:
        if began_ms is None:
            return
        self._total += 1
        rate = 1
        if self._calendar is not None:
            rate = rate_at(self._calendar, now_s - (now_ms - began_ms) // 1000)
        self._rates[rate - 1] += 1

    def _contact(
            self, debounce: Debounce, code: int, now_s: int, at_ms: int, closed: bool) -> None:
        was = debounce.closed
        debounce.edge(at_ms, closed)
        if debounce.closed != was:
            self._tell(now_s, code if debounce.closed else code + 1, "")

    def _settle(self, debounce: Debounce, code: int, now_s: int, now_ms: int) -> None:
        was = debounce.closed
        debounce.settle(now_ms)
        if debounce.closed != was:
            self._tell(now_s, code if debounce.closed else code + 1, "")

    def _note_lost(self, now_s: int) -> None:
        lost = self._debounce.lost + self._input.dropped()
        if lost > self._told_lost:
            self._tell(now_s, EDGES_LOST, ": %d" % (lost - self._told_lost))
            self._told_lost = lost

    def _save_when_due(self, now_s: int) -> None:
        kept = self._journal.kept
        if self._journal.lost or self._total == kept.total and not kept.clean:
            return
        waited_s = now_s - kept.at_s
        if waited_s < 0 or waited_s >= self._save_s or now_s // HOUR_S != kept.at_s // HOUR_S:
            self._save(now_s, False)

    def _save(self, now_s: int, clean: bool) -> None:
        try:
            self._journal.keep(now_s, self._total, tuple(self._rates), clean)
            self._told_unkept = False
        except OSError as error:
            if not self._told_unkept:    # Once: what is shown stands still until it can.
                self._told_unkept = True
                self._tell(now_s, NOT_KEPT, ": %r" % error)

    def _after_away(self, kept: Kept) -> None:
        """Say what may be missing since the last record. Also after an orderly end: the meter
        went on while nobody counted.
        """
        away_s = self._clock.now_s() - kept.at_s
        damaged = self._journal.damaged
        more = ", %d records damaged" % damaged if damaged else ""
        if away_s < 0 or self._clock.quality() == NEVER_SET or self._journal.lost:
            self.missing_most = None
            self._tell(self._clock.now_s(), NOT_COUNTED,
                       ": nobody can tell how many, the clock was not set" + more)
        else:
            self._may_miss(away_s, "since the last record" + more)

    def _may_miss(self, seconds: int, why: str) -> None:
        """All that the meter could give in so many seconds, the second begun included."""
        most = -(-self._most_per_hour * (seconds + 1) // HOUR_S)
        if self.missing_most is not None:
            self.missing_most += most
        self._tell(self._clock.now_s(), NOT_COUNTED,
                   ": at most %d in %d s %s" % (most, seconds, why))

    def _tell(self, at_s: int, code: int, more: str) -> None:
        self.told += 1
        self._events.append(MeterEvent(at_s, code, WORDS[code] + more))
