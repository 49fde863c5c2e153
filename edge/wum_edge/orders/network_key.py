"""The order that changes the key of the mesh's network at this station.

What it says holds from then on: this key beside the one so far, or this one alone. What is older
than the newest key here moves nothing, whoever signed it. Portable. Left out: keeping the keys and
using them (a port's Keyring), how frames go while there are two (mesh/changeover.py).
"""

from collections import namedtuple

from wum_edge.orders.act import Act, Refused, Result
from wum_edge.orders.trusted import Trusted
from wum_shared import orders
from wum_shared.errors import WireError
from wum_shared.network_key import SHUT_OUT_MAX, NetworkKey, decode_network_key
from wum_shared.orders import Order

CHECKED_MAX = 4              # Orders that may wait for their turn at once.

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class Held(namedtuple("Held", ("network", "keys", "shut_out"))):
    """What a station holds: (epoch, key) of one epoch, or of two that follow each other, the older
    one first; and whom it lets in no more.
    """

    __slots__ = ()
    network: int
    keys: tuple[tuple[int, bytes], ...]
    shut_out: tuple[bytes, ...]

    def __repr__(self) -> str:
        return "Held(%04x, epochs %s)" % (self.network, [epoch for epoch, _ in self.keys])


class Keyring:
    """The station's keys of the mesh. A port supplies it."""

    def held(self) -> Held | None:
        """None before it has joined for the first time."""
        raise NotImplementedError

    def keep(self, held: Held) -> None:
        """These from now on: durable, then in force. Raises OSError: nothing has changed."""
        raise NotImplementedError


class ChangeNetworkKey(Act):
    """Takes up a network's key."""

    def __init__(self, keyring: Keyring, trusted: Trusted) -> None:
        self._keyring, self._trusted = keyring, trusted
        self._checked: list[tuple[int, NetworkKey]] = []

    def check(self, order: Order) -> None:
        """See Act.check."""
        given = self._opened(order)
        _after(self._keyring.held(), given)
        self._checked = self._checked[1 - CHECKED_MAX:] + [(order.sequence, given)]

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """See Act.begin."""
        # Keys may have changed since: what was opened counts.
        given = [one for number, one in self._checked if number == order.sequence]
        if not given:
            done(Result(orders.FAILED, orders.CANNOT, "other orders came between", b""))
            return
        try:
            before = self._keyring.held()
            held = _after(before, given[0])
            if held != before:
                self._keyring.keep(held)
        except Refused as refused:
            done(Result(orders.FAILED, refused.reason, refused.note, b""))
            return
        except OSError as error:
            done(Result(orders.FAILED, orders.FLASH_REFUSES, str(error), b""))
            return
        done(Result(orders.DONE, orders.NO_REASON, " and ".join(
            ["epoch %d" % epoch for epoch, _ in held.keys]), b""))

    def _opened(self, order: Order) -> NetworkKey:
        """What an order says. Raises Refused."""
        wrong = ""
        try:
            return decode_network_key(self._trusted.unsealed_network_key(order.arguments))
        except WireError as error:
            wrong = str(error)
        raise Refused(orders.ARGUMENTS, wrong)


def _after(held: Held | None, given: NetworkKey) -> Held:
    """What is held when `given` has been taken up. Raises Refused."""
    if held is None:
        raise Refused(orders.CANNOT, "it has not joined the mesh yet")
    if held.network != given.network:
        raise Refused(orders.CANNOT, "it is of network %04x, not %04x" % (
            held.network, given.network))
    epoch, key = held.keys[-1]
    if given.epoch < epoch or (given.epoch == epoch and given.key != key):
        raise Refused(orders.CANNOT, "the key of epoch %d is in force" % epoch)
    keys: tuple[tuple[int, bytes], ...] = ((given.epoch, given.key),)
    if not given.is_only:
        keys = held.keys if given.epoch == epoch else ((epoch, key),) + keys
    # An order that was overtaken by another one of its epoch opens no door again.
    more = held.shut_out if given.epoch == epoch else ()
    return Held(held.network, keys, given.shut_out + tuple(
        [one for one in more if one not in given.shut_out])[:SHUT_OUT_MAX])
