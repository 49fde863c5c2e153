"""Acts on meters: an order becomes orders of a line, one a meter, and their outcomes a result.

Left out: the lines (a port has their threads) and how a meter does it (meters/).
"""

from wum_edge.meters import orders as lines
from wum_edge.orders.act import Act, Refused, Result
from wum_shared import orders
from wum_shared.errors import Malformed
from wum_shared.fields import fitting
from wum_shared.groups import NOTE_MAX, MeterResult, encode_results
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

    `home` brings an outcome from the line's thread into the desk's; `meters_of` gives the serials
    of a group, None for one that is not known in this version; `lacks` says of a place why its
    meter cannot do what a line is ordered to, empty where it may.
    """

    def __init__(
            self, kind: int, places: dict[str, int], put: "Callable[[lines.Order], str]",
            home: "Callable[[Callable[[], None]], None]",
            meters_of: "Callable[[bytes], tuple[str, ...] | None] | None" = None,
            lacks: "Callable[[int, str], str]" = lambda place, what: "",
    ) -> None:
        self._kind = kind
        self._places = places
        self._put = put
        self._home = home
        self._meters_of = meters_of
        self._lacks = lacks

    def check(self, order: Order) -> None:
        """See Act.check."""
        whom = arguments(self._kind, order)[0]
        if type(whom) is bytes:
            found = [self._why_not(serial) for serial in self._group(whom)]
            if all(found):
                raise Refused(orders.CANNOT, found[0])
        else:
            why = self._why_not(str(whom))
            if why:
                raise Refused(orders.CANNOT, why)

    def weight(self, order: Order) -> int:
        """See Act.weight."""
        whom = arguments(self._kind, order)[0]
        return len(self._group(whom)) if type(whom) is bytes else 1

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """See Act.begin."""
        parts = arguments(self._kind, order)
        whom = parts[0]
        if type(whom) is bytes:
            serials = self._group(whom)
            gathered = _Gathered(len(serials), done)
            for serial in serials:
                self._one(serial, parts, gathered.taking(serial))
        else:
            self._one(str(whom), parts, done)

    def _one(self, serial: str, parts: "list[object]", done: "Callable[[Result], None]") -> None:
        refused = self._why_not(serial) or self._put(lines.Order(
            _WHAT[self._kind], self._places[serial], _argument(self._kind, parts),
            lambda outcome: self._home(lambda: done(result_of(outcome)))))
        if refused:
            done(Result(orders.FAILED, orders.CANNOT, refused, b""))

    def _why_not(self, serial: str) -> str:
        """Why nothing is asked of the meter's line; empty: it is."""
        place = self._places.get(serial)
        if place is None:
            return "there is no meter %s here" % serial
        return self._lacks(place, _WHAT[self._kind])

    def _group(self, reference: bytes) -> tuple[str, ...]:
        """Raises Refused."""
        found = self._meters_of(reference) if self._meters_of is not None else None
        if found is None:
            raise Refused(orders.CANNOT, "this concentrator is not in that version of the group")
        return found


class _Gathered:
    """What became of the meters of a group, until all have said so."""

    def __init__(self, count: int, done: "Callable[[Result], None]") -> None:
        self._count, self._done = count, done
        self._results: list[MeterResult] = []

    def taking(self, serial: str) -> "Callable[[Result], None]":
        """Takes what became of one of them."""
        def take(result: Result) -> None:
            self._results.append(MeterResult(
                serial, result.state, result.reason, fitting(result.note, NOTE_MAX)))
            if len(self._results) == self._count:
                self._done(whole_of(self._results))
        return take


def whole_of(results: list[MeterResult]) -> Result:
    """What is said of a group as a whole: done or failed only if that is so of each."""
    states = [one.state for one in results]
    did = len([state for state in states if state == orders.DONE])
    state, reason = orders.UNKNOWN, orders.METER_FAILED
    if did == len(states):
        state, reason = orders.DONE, orders.NO_REASON
    elif states == [orders.FAILED] * len(states):
        state = orders.FAILED
    return Result(state, reason, "%d of %d meters did it" % (did, len(states)),
                  encode_results(results))


def result_of(outcome: lines.Outcome) -> Result:
    """What a line's outcome says of the order."""
    if outcome.is_done:
        read = len(outcome.records)
        return Result(orders.DONE, orders.NO_REASON,
                      "records read: %d" % read if read else "", b"")
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
