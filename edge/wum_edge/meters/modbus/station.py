"""One Modbus station as its master sees it: a request goes out, a genuine answer comes back.

Left out: how it is framed (rtu.py, tcp.py) and what is asked (pdu.py, functions.py).
"""

from collections import namedtuple

from wum_edge.errors import Refused
from wum_edge.meters.modbus.pdu import REFUSAL_BIT, Request, refusal

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation


class Reply(namedtuple("Reply", ("pdu", "foreign"))):
    """A genuine answer, and how many whole answers of others were heard before it."""

    __slots__ = ()
    pdu: bytes
    foreign: int


class Station:
    """`echoes`: whether the line gives back what is said on it; None until a turn told."""

    echoes: bool | None = None
    late_answers_pass = False    # A late answer cannot be taken for that to a later request.

    def ask(self, request: Request) -> "Conversation[Reply]":
        """Conversation: the answer to `request`. Raises LineSilent, BadCheck, Refused,
        ForeignAnswer.
        """
        raise NotImplementedError


def granted(pdu: bytes, foreign: int, asked: str) -> Reply:
    """The answer as a Reply. Raises Refused for an exception."""
    if pdu[0] & REFUSAL_BIT:
        raise Refused("%s: %s" % (asked, refusal(pdu[1])), pdu[1])
    return Reply(pdu, foreign)
