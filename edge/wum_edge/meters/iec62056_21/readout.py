"""The readout of a meter: all its data sets in one message, modes A, B and C.

Left out: single registers and profiles (programming.py). IEC 62056-21:2002, 6.4.1 to 6.4.3.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck, Refused
from wum_edge.meters.iec62056_21.dataset import parse_block
from wum_edge.meters.iec62056_21.exchange import message
from wum_edge.meters.iec62056_21.frame import printable
from wum_edge.meters.iec62056_21.signon import (
    NORMAL,
    READOUT,
    acknowledge,
    baud_after,
    greet,
    setting,
)

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.dataset import DataSet
    from wum_edge.meters.iec62056_21.signon import Identification, Opening
    from wum_edge.meters.reader import Conversation


class Readout(namedtuple("Readout", ("identification", "sets"))):
    """Who answered, and its data sets in their order."""

    __slots__ = ()
    identification: "Identification"
    sets: "list[DataSet]"


def read_out(opening: "Opening", timeout_ms: int, asked: str) -> "Conversation[Readout]":
    """Conversation: sign on, change the baud as the meter's mode says, hear its data message.

    Raises LineSilent, BadCheck, ForeignAnswer; Refused where the meter refused by NAK.
    """
    found, rest = yield from greet(opening, timeout_ms, asked)
    if found.mode == "C":
        heard = yield from acknowledge(opening, found, NORMAL, READOUT, timeout_ms, asked)
    else:
        baud = baud_after(opening, found)
        if baud != opening.baud:
            yield setting(baud, opening.characters, 0)
        heard = yield from message(b"", timeout_ms, asked, rest, added=opening.added)
    if heard.command == b"\x15":
        raise Refused("%s: readout: NAK" % asked, 0)
    if heard.command or not heard.is_last:
        raise BadCheck("%s: wanted a readout, got %s %s" % (
            asked, printable(heard.command), printable(heard.body)))
    return Readout(found, parse_block(heard.body, True))
