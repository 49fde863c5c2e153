"""Orders about updates, carried out: an assignment, the word to go on, a calling off, other keys.

The order's sequence is the number of the assignment. Left out: whether the order is genuine, in its
time and new (orders/desk.py).
"""

from wum_edge.orders.act import Act, Refused, Result
from wum_edge.update.offer import OfferRefused
from wum_edge.update.updater import Updater
from wum_shared import orders, updates
from wum_shared.errors import WireError
from wum_shared.orders import Order
from wum_shared.updates import Assignment, CallOff, Confirmation, Succession

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class UpdateAct(Act):
    """What an order of kind UPDATE does to an updater."""

    def __init__(self, updater: Updater) -> None:
        self._updater = updater

    def check(self, order: Order) -> None:
        """Refuse what cannot be read, and a release that is not to be taken, with its words."""
        reason, words = orders.NO_REASON, ""
        try:
            demand = updates.decode_demand(order.arguments)
            if type(demand) is Assignment:
                self._updater.check(order.sequence, demand)
            if type(demand) is Succession:
                self._updater.check_succession(demand.documents)
        except WireError as error:
            reason, words = orders.ARGUMENTS, str(error)
        except OfferRefused as refused:
            reason, words = orders.CANNOT, str(refused)
        if reason:
            raise Refused(reason, words)

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """Do it; what becomes of an assignment later is told by standings."""
        try:
            note = self._do(order.sequence, updates.decode_demand(order.arguments))
            result = Result(orders.DONE, orders.NO_REASON, note, b"")
        except OfferRefused as refused:          # Something changed since it was looked at.
            result = Result(orders.FAILED, orders.CANNOT, str(refused), b"")
        except OSError as error:
            result = Result(orders.FAILED, orders.FLASH_REFUSES, str(error), b"")
        done(result)

    def _do(self, number: int, demand: Assignment | Confirmation | CallOff | Succession) -> str:
        if type(demand) is Assignment:
            self._updater.assigned(number, demand)
            return "taken"
        if type(demand) is CallOff:
            self._updater.called_off(demand.assignment)
            return "called off" if self._updater.state == updates.CALLED_OFF else "nothing to do"
        if type(demand) is Succession:
            return "release keys of document %d" % self._updater.succeeded(demand.documents)
        assert type(demand) is Confirmation
        self._updater.confirmed(demand)
        return "heard"
