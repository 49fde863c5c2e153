"""Listening to a meter that talks by itself, or when it is nudged: one whole telegram, never an old
one.

Left out: what a telegram is (p1/, sml/). The line carries one meter: nobody is asked.
"""

from wum_edge.errors import BadCheck, LineSilent
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation
    from wum_edge.meters.turn import Setting

FLUSH_MS = 20                # What a line has kept since the last time comes at once.
PIECE = 4096                 # Of it, read in one turn. A tty keeps one piece, a connection an hour.
PIECES_MAX = 4096            # Sixteen megabytes: more than any connection keeps.
FLUSHES_MAX = 64             # Turns that brought less than a piece: it talks now, without pause.
TURNS_MAX = 64


def listen(
        setting: "Setting", hearing: Hearing, wait_ms: int, most: int, asked: str,
        say: bytes = b"",
) -> "Conversation[bytes]":
    """Conversation: what is heard until `hearing` holds, at most about `most` bytes; `say` is what
    nudges a meter that does not talk by itself.

    What came before is thrown away: a telegram of an hour ago would pass for one of now.
    `wait_ms` is how long a meter may pause between telegrams. Raises LineSilent, BadCheck.
    """
    yield setting
    yield from _forget(asked)
    heard, said = b"", say
    for _ in range(TURNS_MAX):
        more = yield Turn(say, _Following(hearing, heard), wait_ms)
        say = b""
        heard += more
        if not more or hearing(heard) or len(heard) > most:
            break
    if not heard or heard == said:       # Nothing, or our own echo.
        raise LineSilent("%s: silent for %d ms" % (asked, wait_ms))
    if not hearing(heard):
        raise BadCheck("%s: %d bytes in %d ms, but no whole telegram" % (
            asked, len(heard), wait_ms))
    return heard


def _forget(asked: str) -> "Conversation[None]":
    """Throw away all that was said before now."""
    pieces, flushes = 0, 0
    while flushes < FLUSHES_MAX:
        size = len((yield Turn(b"", _Piece(), FLUSH_MS)))
        if not size:
            return
        if size >= PIECE:
            pieces += 1
        else:
            flushes += 1
        if pieces > PIECES_MAX:
            raise BadCheck("%s: the line brings more than can be read" % asked)


class _Following(Hearing):
    """The same hearing, in a turn that follows `before`."""

    def __init__(self, hearing: Hearing, before: bytes) -> None:
        self._hearing = hearing
        self._before = before

    def __call__(self, heard: bytes | bytearray) -> bool:
        return self._hearing(self._before + bytes(heard))


class _Piece(Hearing):
    """Hears so much, or whatever comes until the deadline."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return len(heard) >= PIECE
