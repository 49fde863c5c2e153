"""The kinds of commands as people know them: names, arguments, and in which group each stands.

A kind that is not here is none that a person asks for in this place (a configuration has its own).
Left out: who may ask for a group (web/rights.py).
"""

from dataclasses import dataclass

from wum_shared import orders
from wum_shared.errors import Malformed
from wum_shared.order_kinds import OF_METERS, encode_arguments

ASKING, SWITCHING, MAINTENANCE = "asking", "switching", "maintenance"


class CommandRefused(Exception):
    """A command is not taken: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `fields` are the arguments beside the meter; `takes_power`: the cap counts it."""

    number: int
    word: str
    group: str
    fields: tuple[str, ...] = ()
    takes_power: bool = False

    @property
    def is_of_meter(self) -> bool:
        """Whether it is for a meter, else for the concentrator itself."""
        return self.number in OF_METERS


KINDS = {kind.word: kind for kind in (
    Kind(orders.READ, "read", ASKING),
    Kind(orders.SET_CLOCK, "set-clock", ASKING),
    Kind(orders.LOGS, "fetch-log", MAINTENANCE, ("lines",)),
    Kind(orders.RESTART, "restart", MAINTENANCE),
    Kind(orders.DISCONNECT, "disconnect", SWITCHING, takes_power=True),
    Kind(orders.RECONNECT, "reconnect", SWITCHING),
    Kind(orders.LIMIT, "limit", SWITCHING, ("value", "exponent"), takes_power=True),
    Kind(orders.SECONDARY, "secondary", SWITCHING, ("on",), takes_power=True),
)}
WORDS = {kind.number: kind.word for kind in KINDS.values()} | {orders.CONFIGURE: "configure"}


def arguments_of(kind: Kind, serial: str, values: dict[str, int | bool]) -> tuple[bytes, str]:
    """(arguments as the order has them, the same for a person). Raises CommandRefused."""
    foreign = sorted(set(values) - set(kind.fields))
    missing = [name for name in kind.fields if name not in values]
    if foreign or missing:
        raise CommandRefused("%s takes %s." % (
            kind.word, ", ".join(kind.fields) or "nothing beside its target"))
    parts: list[object] = [serial] if kind.is_of_meter else []
    parts += [values[name] for name in kind.fields]
    try:
        encoded = encode_arguments(kind.number, parts)
    except Malformed as error:
        raise CommandRefused("%s: %s." % (kind.word, error)) from error
    return encoded, ", ".join("%s %s" % (name, values[name]) for name in kind.fields)
