"""The order "configure": a configuration is taken whole, or refused whole with the reason.

Portable. Left out: starting anew with it, which is the port's, through `changed`.
"""

from wum_edge.config import Config, check
from wum_edge.configuration.kept import Kept
from wum_edge.configuration.merging import merged
from wum_edge.errors import ConfigError
from wum_edge.orders.act import Act, Refused, Result
from wum_shared import cbor, orders
from wum_shared.configuration import Configuration, decode_configuration
from wum_shared.errors import WireError
from wum_shared.orders import Order

SAID_MAX = 180               # Characters of mistakes; a note has 200.

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class Configure(Act):
    """`own` is the document of the concentrator's file, `models` the catalogue's, `possible` says
    why the port cannot work with a configuration (empty: it can), and `changed` is called once one
    is in force that is not the one before.
    """

    def __init__(
            self, kept: Kept, own: dict[str, object], models: dict[str, str],
            possible: "Callable[[Config], str]", changed: "Callable[[Configuration], None]",
    ) -> None:
        self._kept = kept
        self._own = own
        self._models = models
        self._possible = possible
        self._changed = changed

    def check(self, order: Order) -> None:
        """Hold the whole of it against the file and the catalogue. Raises Refused."""
        wanted = _read(order)
        current = self._kept.current
        if current is not None and wanted.number < current.number:
            raise Refused(orders.ARGUMENTS, "configuration %d is older than %d, which is in force"
                          % (wanted.number, current.number))
        if _same(current, wanted):
            return
        mistakes: list[tuple[str, str, str]] = []
        try:
            config = check(merged(self._own, wanted.parts), self._models)
        except ConfigError as error:
            mistakes = error.mistakes
        if mistakes:
            raise Refused(orders.ARGUMENTS, said(mistakes))
        why = self._possible(config)
        if why:
            raise Refused(orders.CANNOT, why)

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """Put it in force, unless it is the one that is: then nothing is written, and nothing
        starts anew.
        """
        wanted = _read(order)
        answer = cbor.encode([wanted.number, wanted.digest])
        if _same(self._kept.current, wanted):
            done(Result(orders.DONE, orders.NO_REASON, "the same as before: nothing was changed",
                        answer))
            return
        failure = ""
        try:
            self._kept.keep(wanted)
        except OSError as error:
            failure = str(error)
        if failure:
            done(Result(orders.FAILED, orders.FLASH_REFUSES, failure, b""))
            return
        done(Result(orders.DONE, orders.NO_REASON, "", answer))
        self._changed(wanted)


def said(mistakes: list[tuple[str, str, str]]) -> str:
    """Mistakes as one note: the first of them, and how many there are."""
    first = "%s: wanted %s, got %s" % mistakes[0]
    count = "%d mistake%s. " % (len(mistakes), "" if len(mistakes) == 1 else "s")
    return (count + first)[:SAID_MAX]


def _read(order: Order) -> Configuration:
    """Raises Refused."""
    failure = ""
    try:
        return decode_configuration(order.arguments)
    except WireError as error:
        failure = str(error)
    raise Refused(orders.ARGUMENTS, failure[:SAID_MAX])


def _same(current: Configuration | None, wanted: Configuration) -> bool:
    return current is not None and current.digest == wanted.digest
