"""The kinds of commands as people know them: names, arguments, and in which group each stands.

A kind that is not here is none that a person asks for in this place (a configuration has its own).
Left out: who may ask for a group (web/rights.py).
"""

from dataclasses import dataclass

from wum_shared import orders
from wum_shared.errors import Malformed
from wum_shared.gaps import SPAN_MAX_S
from wum_shared.order_kinds import OF_METERS, encode_arguments

STRETCH_MAX_S = 31 * 86400   # Of one request to read again.
ASKING, SWITCHING, MAINTENANCE = "asking", "switching", "maintenance"
SESSIONS = "sessions"


class CommandRefused(Exception):
    """A command is not taken: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `fields` are the arguments beside the meter; `takes_power`: the cap counts it;
    `needs_second`: nothing is sent before a second person agrees.
    """

    number: int
    word: str
    group: str
    fields: tuple[str, ...] = ()
    takes_power: bool = False
    needs_second: bool = False

    @property
    def is_of_meter(self) -> bool:
        """Whether it is for a meter, else for the concentrator itself."""
        return self.number in OF_METERS


KINDS = {kind.word: kind for kind in (
    Kind(orders.READ, "read", ASKING),
    Kind(orders.SET_CLOCK, "set-clock", ASKING),
    Kind(orders.READ_AGAIN, "read-again", ASKING, ("first", "last")),
    Kind(orders.LOGS, "fetch-log", MAINTENANCE, ("lines",)),
    Kind(orders.RESTART, "restart", MAINTENANCE),
    Kind(orders.DISCONNECT, "disconnect", SWITCHING, takes_power=True),
    Kind(orders.RECONNECT, "reconnect", SWITCHING),
    Kind(orders.LIMIT, "limit", SWITCHING, ("value", "exponent"), takes_power=True),
    Kind(orders.SECONDARY, "secondary", SWITCHING, ("on",), takes_power=True),
    Kind(orders.SESSION, "session", SESSIONS, ("seconds",), needs_second=True),
)}
# What the head-end orders by itself, or a campaign: nobody asked for it one by one.
OF_ITSELF = (orders.GROUP, orders.UPDATE, orders.NETWORK_KEY)
WORDS = {kind.number: kind.word for kind in KINDS.values()} | {
    orders.CONFIGURE: "configure", orders.GROUP: "join-groups", orders.UPDATE: "update",
    orders.NETWORK_KEY: "change-network-key"}


def arguments_of(
        kind: Kind, whom: str | bytes, values: dict[str, int | bool]) -> tuple[bytes, str]:
    """(arguments as the order has them, the same for a person). `whom`: a serial, or a group.

    Raises CommandRefused.
    """
    foreign = sorted(set(values) - set(kind.fields))
    missing = [name for name in kind.fields if name not in values]
    if foreign or missing:
        raise CommandRefused("%s takes %s." % (
            kind.word, ", ".join(kind.fields) or "nothing beside its target"))
    parts: list[object] = [whom] if kind.is_of_meter else []
    parts += [values[name] for name in kind.fields]
    try:
        encoded = encode_arguments(kind.number, parts)
    except Malformed as error:
        raise CommandRefused("%s: %s." % (kind.word, error)) from error
    return encoded, ", ".join("%s %s" % (name, values[name]) for name in kind.fields)


def spans_of(kind: Kind, values: dict[str, int | bool]) -> list[dict[str, int | bool]]:
    """`values` as so many orders have them: a stretch of time is one for each day of it."""
    first, last = values.get("first"), values.get("last")
    if kind.number != orders.READ_AGAIN or type(first) is not int or type(last) is not int:
        return [values]
    if not 0 <= first <= last < first + STRETCH_MAX_S:
        raise CommandRefused("A stretch is read again from its first to its last second, %d days "
                             "at most." % (STRETCH_MAX_S // 86400))
    return [{"first": begins, "last": min(begins + SPAN_MAX_S - 1, last)}
            for begins in range(first, last + 1, SPAN_MAX_S)]
