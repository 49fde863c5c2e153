"""One thread for one line: sweeps when they are due, orders when they come, back-fill in between.

Left out: what is done and in which order (meters/work.py) and what becomes of its
records (the agent's thread).
"""

import logging
import threading
from collections.abc import Callable

from wum_edge.clock import Clock
from wum_edge.meters.orders import Order
from wum_edge.meters.sweep import Sweep
from wum_edge.meters.turn import Line
from wum_edge.meters.work import LineWork
from wum_edge.schedule import Timetable, next_due_s
from wum_shared.batch import Event, Missed, Row
from wum_shared.messages import Schedule

WAIT_MAX_S = 5.0         # Longest sleep: then the clock is looked at again, it may have been set.
Record = Row | Missed | Event
_log = logging.getLogger(__name__)


class Sweeper:
    """Runs the sweeps of one line until it is stopped: one for each of its schedules, the shortest
    period first. While a long one goes on, those before it are made between two of its visits.

    `hand` is called in this thread with each record as soon as it stands; it may block, and then
    the sweep waits. `crashed` is called with an exception that is a mistake of ours: the caller
    ends the process, and the next start begins clean.
    """

    def __init__(
            self, *, name: str, line: Line, sweeps: list[tuple[Schedule, Sweep]], clock: Clock,
            hand: Callable[[Record], None], crashed: Callable[[BaseException], None],
    ) -> None:
        self._line = line
        self._work = LineWork(*[sweep for _, sweep in sweeps])
        self._clock = clock
        self._schedules = [schedule for schedule, _ in sweeps]
        self._timetables: list[Timetable] = []
        self._hand = hand
        self._crashed = crashed
        self._stop = threading.Event()
        self._wake = threading.Event()       # Set by whatever ends a wait: an order, or the end.
        self._thread = threading.Thread(target=self._run, name=f"line {name}", daemon=True)

    def start(self) -> None:
        """Begin: the first sweep is at the next due moment."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it does so after the turn it is in (at most a timeout)."""
        self._stop.set()
        self._wake.set()

    def order(self, order: Order) -> str:
        """From any thread, and the only door: have this done, within the time of one visit. Empty
        when it was taken in, else why it was not; what was taken in ends with `done`, once.
        """
        refused = self._work.orders.put(order)
        self._wake.set()
        return refused

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            now_s = self._clock.now_s()
            self._timetables = [Timetable(schedule, now_s) for schedule in self._schedules]
            while not self._stop.is_set():
                now_s = self._clock.now_s()
                if self._sweep_due(len(self._timetables)):
                    continue
                self._wake.clear()
                records = self._work.idle(self._line, self._clock)
                for record in records or ():
                    self._hand(record)
                if records is None and not self._stop.is_set():
                    wait_ms = self._clock.real_ms_until(
                        min([timetable.next_s(now_s) for timetable in self._timetables]))
                    self._wake.wait(min(max(wait_ms, 1) / 1000, WAIT_MAX_S))
        except BaseException as error:
            _log.exception("sweeps of this line ended")
            self._crashed(error)
        finally:
            self._work.orders.close("the gateway is ending: ask again when it runs")

    def _sweep_due(self, before: int) -> bool:
        """Make the sweeps that are due, of the first `before` schedules; whether one was."""
        was_due = False
        for which in range(before):
            now_s = self._clock.now_s()
            if not self._stop.is_set() and self._timetables[which].take(now_s) is not None:
                was_due = True
                self._sweep_once(which, now_s)
        return was_due

    def _sweep_once(self, which: int, now_s: int) -> None:
        """One sweep, which may start visits until the next one of its schedule is due."""
        budget_ms = self._clock.real_ms_until(next_due_s(now_s, self._schedules[which]))
        records = self._work.sweep(self._line, self._clock, budget_ms, which)
        for record in records:
            if record is not None:
                self._hand(record)
            else:
                self._sweep_due(which)
            if self._stop.is_set():
                return
