"""Say something and hear the message that answers it, however long it is.

Left out: what is said (signon.py, programming.py). IEC 62056-21:2002, 6.4 (times): an answer begins
at most 1500 ms after a message, and a pause inside a message is at most 1500 ms.
"""

from wum_edge.errors import BadCheck, LineSilent
from wum_edge.meters.iec62056_21.frame import BLOCK_MAX, MessageHearing, parse_message, printable
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.frame import Message
    from wum_edge.meters.reader import Conversation

PAUSE_MS = 1500              # 6.4.3: longest time between two characters of a message.
ECHO_MS = 100                # After an ACK: by then more would have come, were it our echo's first.
HUSH_MS = 300                # After a damaged message: so long a silence, and the meter has ended.
_TURNS_MAX = BLOCK_MAX // 32


def message(
        say: bytes, timeout_ms: int, asked: str, before: bytes = b"", echo: bytes = b"",
        added: bool = False,
) -> "Conversation[Message]":
    """Conversation: say `say` (nothing: listen on), hear one message whose check holds.

    `before` was already heard, `echo` was said before and may be heard yet. `asked` says in texts
    what was asked for, and of whom; `added`: see frame.py. Raises LineSilent, BadCheck; after a
    damaged message only when the meter has ended.
    """
    hearing = MessageHearing(say or echo)
    heard = bytearray(before)
    if before and hearing(before):
        return _parsed(heard, hearing, asked, added)
    if before:
        hearing.listen_on()
    heard = heard + (yield from _heard(say, hearing, timeout_ms))
    if not heard:
        raise LineSilent("%s: silent for %d ms" % (asked, timeout_ms))
    try:
        return _parsed(heard, hearing, asked, added)
    except BadCheck:
        yield from hush()
        raise


def hush() -> "Conversation[None]":
    """Conversation: listen until the meter has ended, at most as long as a longest message is."""
    for _ in range(_TURNS_MAX):
        if not (yield Turn(b"", _Anything(), HUSH_MS)):
            return


def text_until(
        say: bytes, hearing: Hearing, timeout_ms: int, most: int) -> "Conversation[bytes]":
    """Conversation: all that is heard until `hearing` or a pause, at most about `most` bytes."""
    heard = bytearray((yield Turn(say, hearing, timeout_ms)))
    while heard and len(heard) < most and not hearing(heard):
        more = yield Turn(b"", Following(hearing, bytes(heard)), PAUSE_MS)
        if not more:
            break
        heard += more
    return bytes(heard)


class Following(Hearing):
    """The same hearing, in a turn that follows `before`."""

    def __init__(self, hearing: Hearing, before: bytes) -> None:
        self._hearing = hearing
        self._before = before

    def __call__(self, heard: bytes | bytearray) -> bool:
        return self._hearing(self._before + bytes(heard))


def _heard(say: bytes, hearing: MessageHearing, timeout_ms: int) -> "Conversation[bytearray]":
    heard = bytearray((yield Turn(say, hearing, timeout_ms)))
    if hearing.may_be_ack(heard):
        hearing.listen_on(1)
        more = yield Turn(b"", hearing, ECHO_MS)
        if not more:
            hearing.end = 1
            return heard
        heard += more
        hearing(more)
    else:
        hearing(heard)
    more = bytes(heard)
    while more and not hearing.end and len(heard) < BLOCK_MAX:
        hearing.listen_on()
        more = yield Turn(b"", hearing, PAUSE_MS)
        hearing(more)
        heard += more
    return heard


def _parsed(
        heard: bytearray, hearing: MessageHearing, asked: str, added: bool) -> "Message":
    if not hearing.end:
        raise BadCheck("%s: %d bytes, but no whole message: %s" % (
            asked, len(heard), printable(heard)))
    try:
        return parse_message(bytes(heard[hearing.start:hearing.end]), added)
    except BadCheck as error:
        failure = str(error)
    raise BadCheck("%s: %s" % (asked, failure))


class Never(Hearing):
    """Waits for nothing."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return False


class _Anything(Hearing):
    """Hears until there is a pause; a turn ends after a piece."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return len(heard) >= 64
