"""Acts on meters: an order becomes one of a line's orders, and its outcome a result.

Left out: the lines (a port has their threads) and how a meter does it (meters/).
"""

from wum_edge.meters import orders as lines
from wum_edge.orders.act import Act, Refused, Result
from wum_shared import orders
from wum_shared.errors import Malformed
from wum_shared.order_kinds import decode_arguments
from wum_shared.orders import Order

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

_WHAT = {
    orders.READ: lines.READ_NOW, orders.SET_CLOCK: lines.SET_CLOCK,
    orders.DISCONNECT: lines.SWITCH, orders.RECONNECT: lines.SWITCH,
    orders.LIMIT: lines.SET_LIMIT, orders.SECONDARY: lines.SWITCH_SECONDARY,
}


class MeterAct(Act):
    """One kind. `places` are meters by serial; `put` hands an order to its line: empty, or why not.

    `home` brings an outcome from the line's thread into the desk's.
    """

    def __init__(
            self, kind: int, places: dict[str, int], put: "Callable[[lines.Order], str]",
            home: "Callable[[Callable[[], None]], None]",
    ) -> None:
        self._kind = kind
        self._places = places
        self._put = put
        self._home = home

    def check(self, order: Order) -> None:
        """See Act.check."""
        serial = arguments(self._kind, order)[0]
        if serial not in self._places:
            raise Refused(orders.CANNOT, "there is no meter %s here" % serial)

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """See Act.begin."""
        parts = arguments(self._kind, order)
        refused = self._put(lines.Order(
            _WHAT[self._kind], self._places[str(parts[0])], _argument(self._kind, parts),
            lambda outcome: self._home(lambda: done(result_of(outcome)))))
        if refused:
            done(Result(orders.FAILED, orders.CANNOT, refused, b""))


def result_of(outcome: lines.Outcome) -> Result:
    """What a line's outcome says of the order."""
    if outcome.is_done:
        read = len(outcome.records)
        return Result(orders.DONE, orders.NO_REASON,
                      "%d records read" % read if read else "", b"")
    if outcome.is_doubtful:
        return Result(orders.UNKNOWN, orders.METER_FAILED, outcome.why, b"")
    return Result(orders.FAILED, orders.METER_FAILED, outcome.why, b"")


def arguments(kind: int, order: Order) -> "list[object]":
    """The order's arguments. Raises Refused."""
    wrong = ""
    try:
        return decode_arguments(kind, order.arguments)
    except Malformed as error:
        wrong = str(error)
    raise Refused(orders.ARGUMENTS, wrong)


def _argument(kind: int, parts: "list[object]") -> "bool | int | tuple[int, int] | None":
    if kind == orders.LIMIT:
        value, exponent = parts[1], parts[2]
        assert isinstance(value, int) and isinstance(exponent, int)
        return value, exponent
    if kind == orders.SECONDARY:
        return parts[1] is True
    return kind == orders.RECONNECT if kind != orders.SET_CLOCK else None
