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
from wum_shared.updates import (
    Assignment,
    CallOff,
    Confirmation,
    OnRoll,
    Pieces,
    Succession,
)

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

    from wum_edge.update.rolls import Rolls
    from wum_shared.rolls import Roll
    from wum_shared.updates import Demand


class UpdateAct(Act):
    """What an order of kind UPDATE does to an updater; `rolls` are those that are here."""

    def __init__(self, updater: Updater, rolls: "Rolls | None" = None) -> None:
        self._updater, self.rolls = updater, rolls

    def check(self, order: Order) -> None:
        """Refuse what cannot be read, and a release that is not to be taken, with its words."""
        reason, words = orders.NO_REASON, ""
        try:
            demand = updates.decode_demand(order.arguments)
            if type(demand) is Assignment:
                self._updater.check(order.sequence, demand)
            if type(demand) is OnRoll:
                self._updater.check(order.sequence, self._on_roll(demand)[1])
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

    def _on_roll(self, demand: OnRoll) -> "tuple[Roll, Assignment]":
        """What a roll says to us. Raises OfferRefused."""
        roll = None if self.rolls is None else self.rolls.of(demand.digest)
        if self.rolls is None or roll is None:
            raise OfferRefused("the roll that it names is not here")
        assignment = roll.of(self.rolls.own)
        if assignment is None:
            raise OfferRefused("the roll that it names does not name this concentrator")
        return roll, assignment

    def _do(self, number: int, demand: "Demand") -> str:
        if type(demand) is Assignment:
            self._updater.assigned(number, demand)
            return "taken"
        if type(demand) is OnRoll:
            roll, assignment = self._on_roll(demand)
            release = self._updater.assigned(number, assignment)
            if roll.index and release.index is None:     # Checked like any that comes.
                self._updater.heard(Pieces(release.digest, updates.INDEX, 0, roll.index))
            return "taken"
        if type(demand) is CallOff:
            self._updater.called_off(demand.assignment)
            return "called off" if self._updater.state == updates.CALLED_OFF else "nothing to do"
        if type(demand) is Succession:
            return "release keys of document %d" % self._updater.succeeded(demand.documents)
        assert type(demand) is Confirmation
        self._updater.confirmed(demand)
        return "heard"
