"""When the head-end is told how flash and clock are: soon where that changed, and again.

What flash refuses can be no record, and no record tells that its own time is wrong; so this goes
beside the archive, as far as there are message counters in stock (uplink/counter.py). Left out:
what is said (wum_shared/condition.py), how it is sent (uplink/delivery.py).
"""

from wum_shared.condition import AGAIN_S, WELL_S, Condition

RETRY_MS = 10000              # Where it could not be sent: no connection, no room, no counter.
CHANGED_MS = 10000            # What changes all the time is told so often at most.


class Telling:
    """Remembers what was told last."""

    def __init__(self) -> None:
        self._told: tuple[int, int, bool] | None = None
        self._due_ms = self._change_due_ms = 0

    def is_due(self, condition: Condition, now_ms: int) -> bool:
        """Whether to tell it now."""
        is_changed = self._told is not None and self._told != _kind(condition)
        return now_ms >= self._due_ms or (is_changed and now_ms >= self._change_due_ms)

    def again(self) -> None:
        """What was told does not hold any more, though nothing is wrong here: the clock was set."""
        self._due_ms = min(self._due_ms, self._change_due_ms)

    def done(self, condition: Condition, now_ms: int, *, is_sent: bool) -> None:
        """Note an attempt."""
        if not is_sent:
            self._told = None
            self._due_ms = now_ms + RETRY_MS
            return
        self._told = _kind(condition)
        self._change_due_ms = now_ms + CHANGED_MS
        self._due_ms = now_ms + 1000 * (WELL_S if condition.is_well else AGAIN_S)


def _kind(condition: Condition) -> tuple[int, int, bool]:
    """What makes it another one: not how long it lasts, and not how many records wait."""
    return (condition.flash, condition.quality, condition.behind_s > 0)
