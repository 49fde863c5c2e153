"""What carries an order out: one object for each kind, made by whoever can do it.

Left out: whether the order may be carried out at all (desk.py).
"""

from collections import namedtuple

from wum_shared.orders import Order

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class Result(namedtuple("Result", ("state", "reason", "note", "content"))):
    """What came of an act: DONE, FAILED (it surely did not happen) or UNKNOWN, with the reason."""

    __slots__ = ()
    state: int
    reason: int
    note: str
    content: bytes


class Refused(Exception):
    """The order cannot be carried out here; nothing was begun."""

    def __init__(self, reason: int, note: str = "") -> None:
        super().__init__(note)
        self.reason = reason
        self.note = note


class Act:
    """One kind of order."""

    def check(self, order: Order) -> None:
        """Look at the arguments before anything is put on record as taken. Raises Refused."""
        raise NotImplementedError

    def weight(self, order: Order) -> int:
        """On how many meters one that was checked acts, 255 at most."""
        return 1

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """Do it, once; `done` is called once, now or later, in the desk's thread.

        It is on record by now. What ends the process meanwhile leaves it unknown.
        """
        raise NotImplementedError
