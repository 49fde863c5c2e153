"""A meter's pulse output and contacts as a concentrator's inputs see them: edges in time.

Left out: which wire they come from, and counting (the gateway's). The pulses are those of the
energy that the meter has counted; where it counted between two looks, they are spread evenly.
"""

from collections.abc import Callable

from wum_edge.meters.pulse.port import PulseInput
from wum_simulator.town import Meter
from wum_simulator.world import Stream

STEP_S = 10                  # The meter is looked at so often.
QUEUE_MAX = 4096             # Edges that an input keeps; those past it are dropped and counted.
MICRO_WH_IN_KWH = 10**9


class PulseOutput(PulseInput):
    """The output of `meter` with so many pulses for a kWh, each closed for `width_ms`.

    `now_ms` is the monotonic clock of whoever listens; at its 0 the town's clock showed
    `start_s`. With a `bouncing` stream every closing bounces for some milliseconds.
    """

    def __init__(
            self, meter: Meter, pulses_per_kwh: int, now_ms: Callable[[], int], *, start_s: int,
            width_ms: int = 30, bouncing: Stream | None = None) -> None:
        self._meter = meter
        self._pulses_per_kwh = pulses_per_kwh
        self._now_ms = now_ms
        self._start_s = start_s
        self._width_ms = width_ms
        self._bouncing = bouncing
        self._until_s = start_s
        self._first = self._pulses_at(start_s)
        self._given = self._first
        self._waiting: list[tuple[int, bool]] = []
        self._dropped = 0

    @property
    def given(self) -> int:
        """Pulses that began since the start and are over by now, heard or not."""
        return self._given - self._first

    def edges(self) -> list[tuple[int, bool]]:
        """See PulseInput.edges."""
        now_ms = self._now_ms()
        while self._until_s + STEP_S <= self._start_s + now_ms // 1000:
            self._step()
        due = [edge for edge in self._waiting if edge[0] <= now_ms]
        self._waiting = self._waiting[len(due):]
        if len(due) > QUEUE_MAX:
            self._dropped += len(due) - QUEUE_MAX
            due = due[:QUEUE_MAX]
        return due

    def dropped(self) -> int:
        """See PulseInput.dropped."""
        return self._dropped

    def unheard(self) -> None:
        """The concentrator has no power: what came until now was heard by nobody."""
        self.edges()

    def _step(self) -> None:
        """The pulses of the next STEP_S seconds."""
        before = self._given
        self._until_s += STEP_S
        self._given = max(before, self._pulses_at(self._until_s))
        count = self._given - before
        first_ms = (self._until_s - STEP_S - self._start_s) * 1000
        for place in range(count):
            begin_ms = first_ms + (place + 1) * STEP_S * 1000 // (count + 1)
            width_ms = min(self._width_ms, STEP_S * 1000 // (2 * (count + 1)))
            self._waiting += self._closing(begin_ms)
            self._waiting.append((begin_ms + max(width_ms, 1), False))

    def _closing(self, begin_ms: int) -> list[tuple[int, bool]]:
        """One closing; a contact that bounces closes and opens before it stays, and late by that.

        Every edge is before the pulse ends, so that edges stay in order.
        """
        if self._bouncing is None:
            return [(begin_ms, True)]
        bounces = self._bouncing.randrange(4)
        edges = []
        for place in range(bounces):
            edges += [(begin_ms - 2 * (bounces - place), True),
                      (begin_ms - 2 * (bounces - place) + 1, False)]
        return [*edges, (begin_ms, True)]

    def _pulses_at(self, at_s: int) -> int:
        energy = sum(self._meter.instant_at(at_s).import_wh)
        return energy * self._pulses_per_kwh // MICRO_WH_IN_KWH


class Contact(PulseInput):
    """A contact that somebody moves: a magnet beside the meter, its cover."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._edges: list[tuple[int, bool]] = []

    def move(self, *, closed: bool) -> None:
        """It closes or opens now."""
        self._edges.append((self._now_ms(), closed))

    def edges(self) -> list[tuple[int, bool]]:
        """See PulseInput.edges."""
        taken, self._edges = self._edges, []
        return taken

    def dropped(self) -> int:
        """None: nobody moves it so often."""
        return 0
