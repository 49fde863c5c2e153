"""A member of a group: what was flooded to it, carried out once, at its moment.

Two gateways may flood the same order: it bears its number. Left out: the flood and the moment
(mesh/ripple.py), what an order says and whether it is to be believed (whoever carries it out).
"""

from wum_edge.log import Log
from wum_shared.ripple import ORDER_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

WAITING_MAX = 16             # As many ripples as the relay remembers.
DONE_MAX = 64                # Numbers of orders that came; a restart forgets them.


class GroupOrders:
    """`carry_out` takes (number of the order, payload, is it too late)."""

    def __init__(self, carry_out: "Callable[[int, bytes, bool], None]", log: Log) -> None:
        self._carry_out, self._log = carry_out, log
        self._waiting: list[tuple[int, int, int, bytes]] = []
        self._done: list[int] = []
        self.refused = 0

    def arrived(self, gateway: int, number: int, content: bytes) -> None:
        """A ripple that we are meant by: its moment is told with `due`."""
        if len(content) <= ORDER_SIZE:
            self.refused += 1
            if self.refused == 1:
                self._log.warn("a ripple of gateway %d holds no order" % gateway)
            return
        order = int.from_bytes(content[:ORDER_SIZE], "big")
        self._waiting = self._waiting[1 - WAITING_MAX:] + [
            (gateway, number, order, content[ORDER_SIZE:])]

    def due(self, gateway: int, number: int, is_late: bool) -> None:
        """Its moment has come, or had passed long ago."""
        for one in self._waiting:
            if one[:2] == (gateway, number):
                self._waiting.remove(one)
                if one[2] not in self._done:
                    self._done = self._done[1 - DONE_MAX:] + [one[2]]
                    self._carry_out(one[2], one[3], is_late)
                return
