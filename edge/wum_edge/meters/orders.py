"""What a line is asked to do besides its sweeps: commands, then reads that somebody waits for.

Left out: doing it (work.py). One queue for each line, bounded: who finds it full is told at once.
Any thread may put; the line's own takes, between two visits, so that nobody waits for longer than
one visit. After these come the sweep and, last, the back-fill.
"""

from collections import deque, namedtuple

ORDERS_MAX = 64              # Of one priority: every meter of a line switched at once.
COMMAND = 0                  # Switch, set a clock.
READ = 1                     # Registers that somebody waits for.
_NAMES = {COMMAND: "commands", READ: "reads"}

SWITCH = "switch"            # `argument`: True to connect.
SWITCH_SECONDARY = "switch secondary load"   # `argument`: True to switch it on.
SET_LIMIT = "set limit"      # `argument`: (value, exponent), as of Reader.set_limit.
SET_CLOCK = "set clock"      # `argument`: UTC seconds, or None for the concentrator's own time.
READ_NOW = "read"            # `argument` is not looked at.
TRANSPARENT = "session"      # `argument`: a Transparent, which is lent the line.
READ_EVENTS = "read events"  # The new entries of the meter's log; `argument` is not looked at.

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wum_edge.meters.transparent import Transparent


class Order(namedtuple("Order", ("what", "meter", "argument", "done"))):
    """Something to do with the meter of that index; `done` is called with its Outcome, once, in the
    line's thread.
    """

    __slots__ = ()
    what: str
    meter: int
    argument: "bool | int | tuple[int, int] | Transparent | None"
    done: "Callable[[Outcome], None]"

    def priority(self) -> int:
        """COMMAND or READ."""
        return READ if self.what in (READ_NOW, READ_EVENTS) else COMMAND


class Outcome(namedtuple("Outcome", ("is_done", "why", "records", "is_doubtful"))):
    """What came of an order: `why` it was not done, in words; what was read. `is_doubtful`: it may
    have been done all the same, for the meter did not answer.
    """

    __slots__ = ()
    is_done: bool
    why: str
    records: "tuple[Any, ...]"
    is_doubtful: bool


class Orders:
    """The queue of one line."""

    def __init__(self) -> None:
        self._waiting: tuple[deque[Order], deque[Order]] = (
            deque((), ORDERS_MAX), deque((), ORDERS_MAX))
        self._closed = ""            # Why nothing is taken in any more.

    def put(self, order: Order) -> str:
        """Empty when it was taken in; else why it was not, and what to do."""
        waiting = self._waiting[order.priority()]
        if self._closed:
            return self._closed
        if len(waiting) >= ORDERS_MAX:
            return "%d %s of this line wait already: ask again when they are done" % (
                len(waiting), _NAMES[order.priority()])
        waiting.append(order)
        return ""

    def close(self, why: str) -> None:
        """Nothing is taken in any more, and what waits is not done: whoever waits is told `why`."""
        self._closed = why
        while True:
            order = self.take()
            if order is None:
                break
            order.done(Outcome(False, why, (), False))

    def take(self) -> Order | None:
        """The next to do: commands before reads, each in the order they came."""
        for waiting in self._waiting:
            if waiting:
                return waiting.popleft()
        return None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting[COMMAND]) + len(self._waiting[READ])
