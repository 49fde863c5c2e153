"""Mode E: from the sign-on of IEC 62056-21 into HDLC, which is DLMS' from then on.

Left out: HDLC and DLMS (meters/dlms/). IEC 62056-21:2002, annex E; IEC 62056-46, annex B.
"""

from wum_edge.errors import Refused
from wum_edge.meters.iec62056_21.exchange import PAUSE_MS, Never, hush
from wum_edge.meters.iec62056_21.signon import (
    BINARY,
    HDLC,
    acknowledgement,
    baud_after,
    greet,
    setting,
)
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.signon import Identification, Opening
    from wum_edge.meters.reader import Conversation

_CONFIRMATION_SIZE = 6       # ACK 2 Z 2 CR LF.
_NO_CODE = 0


def enter_hdlc(
        opening: "Opening", timeout_ms: int, asked: str) -> "Conversation[Identification]":
    """Conversation: sign on and hand over to HDLC; the line is then at the meter's baud, 8N1.

    The meter repeats the acknowledgement at the new baud, but some do not: what comes is passed
    over, and SNRM shows whether it listens. Raises LineSilent, BadCheck, ForeignAnswer; Refused
    where the identification does not offer mode E with HDLC (`\\\\2`).
    """
    found, _ = yield from greet(opening, timeout_ms, asked)
    if not found.speaks_hdlc():
        raise Refused("%s: %s %s does not offer mode E with HDLC" % (
            asked, found.maker, found.text), _NO_CODE)
    say = acknowledgement(HDLC, found.baud_letter, BINARY)
    yield setting(opening.baud, opening.characters, found.reaction_us())
    yield Turn(say, Never(), 0)
    yield setting(baud_after(opening, found), "8N1", 0)
    heard = yield Turn(b"", _Confirmation(), PAUSE_MS)
    if len(heard) > _CONFIRMATION_SIZE:
        yield from hush()        # Our own echo came first.
    return found


class _Confirmation(Hearing):
    """Hears the acknowledgement come back; its characters have parity bits here."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return len(heard) >= _CONFIRMATION_SIZE
