"""An order that has a stretch of time of one meter sent again from the archive.

What is there goes out as batches like any other; the receipt says what became of each part of the
stretch, as a gap answer does. Left out: the search and the batches (uplink/). Portable.
"""

from wum_edge.orders.act import Act, Result
from wum_edge.orders.meter_acts import arguments
from wum_shared import orders
from wum_shared.gaps import GapRange
from wum_shared.orders import Order

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class ReadAgain(Act):
    """`look` is Agent.look_again. A meter that is gone may be in the archive: any is looked for.
    """

    def __init__(
            self, look: "Callable[[GapRange, Callable[[bytes, str], None]], bool]") -> None:
        self._look = look

    def check(self, order: Order) -> None:
        """See Act.check."""
        arguments(orders.READ_AGAIN, order)

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """See Act.begin."""
        serial, first, last = arguments(orders.READ_AGAIN, order)
        assert isinstance(serial, str) and isinstance(first, int) and isinstance(last, int)

        def told(answer: bytes, sentence: str) -> None:
            if answer:
                done(Result(orders.DONE, orders.NO_REASON, sentence, answer))
            else:
                done(Result(orders.FAILED, orders.CANNOT, sentence, b""))

        if not self._look(GapRange(serial, first, last), told):
            done(Result(orders.FAILED, orders.TOO_MANY,
                        "too many stretches wait, or nothing may be sent", b""))
