"""When a sweep is due: each moment of the schedule once, whatever the clock does.

Left out: which meter is tried when it has been silent (meters/sweep.py).
"""

from wum_shared.messages import Schedule


def last_due_s(now_s: int, schedule: Schedule) -> int:
    """The newest due moment not after `now_s` (UTC seconds)."""
    return now_s - (now_s - schedule.offset_s) % schedule.period_s


def next_due_s(now_s: int, schedule: Schedule) -> int:
    """The first due moment after `now_s` (UTC seconds)."""
    return last_due_s(now_s, schedule) + schedule.period_s


class Timetable:
    """Gives each due moment once. What passed while a sweep ran long is not made up for:
    the meters' registers of that moment are gone.
    """

    def __init__(self, schedule: Schedule, now_s: int) -> None:
        self._schedule = schedule
        self._next_s = next_due_s(now_s, schedule)
        # A moment that is due right now is not yet past.
        if last_due_s(now_s, schedule) == now_s:
            self._next_s = now_s

    def next_s(self, now_s: int) -> int:
        """The moment to wait for (UTC seconds). A clock stepped back does not stop the sweeps."""
        if self._next_s - now_s > self._schedule.period_s:
            self._next_s = next_due_s(now_s, self._schedule)
        return self._next_s

    def take(self, now_s: int) -> int | None:
        """The newest due moment that was not taken yet, or None when none is due."""
        if now_s < self.next_s(now_s):
            return None
        due_s = last_due_s(now_s, self._schedule)
        self._next_s = due_s + self._schedule.period_s
        return due_s
