"""What a gateway can do besides asking meters: give its log, start anew. Portable.

Left out: where lines of the log are kept, and how it starts anew (a port).
"""

from wum_edge.orders.act import Act, Result
from wum_edge.orders.meter_acts import arguments
from wum_shared import orders
from wum_shared.orders import CONTENT_MAX, Order

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class FetchLog(Act):
    """Gives back the last lines of the log: `last` gives so many, the newest at the end."""

    def __init__(self, last: "Callable[[int], list[str]]") -> None:
        self._last = last

    def check(self, order: Order) -> None:
        """See Act.check."""
        arguments(orders.LOGS, order)

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """See Act.begin."""
        count = arguments(orders.LOGS, order)[0]
        assert isinstance(count, int)
        content = "\n".join(self._last(count)).encode()
        if len(content) > CONTENT_MAX:           # As many whole lines as a receipt holds.
            content = content[-CONTENT_MAX:].partition(b"\n")[2]
        done(Result(orders.DONE, orders.NO_REASON,
                    "%d lines" % (content.count(b"\n") + 1), content))


class Restart(Act):
    """Ends the program: whoever runs it starts it again, and then it is done (journal.py)."""

    def __init__(self, end: "Callable[[], None]") -> None:
        self._end = end

    def check(self, order: Order) -> None:
        """See Act.check."""
        arguments(orders.RESTART, order)

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """See Act.begin."""
        self._end()
