"""A turn on a half-duplex line, and the one loop that takes turns.

Left out: the line itself (a port supplies it) and every protocol. A conversation is a generator:
it yields Turns, is sent what was heard, and returns its result.
"""

from collections import namedtuple

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeVar

    Result = TypeVar("Result")


class Hearing:
    """Decides while bytes come in whether the answer is whole."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        """Whether `heard` (all of this turn so far, only ever growing) is enough.

        Called after each piece, so it must be cheap: whatever it learnt it keeps.
        """
        raise NotImplementedError


class Turn(namedtuple("Turn", ("say", "is_whole", "timeout_ms"))):
    """Say `say`, hear until `is_whole` or the deadline. An empty `say` only listens on."""

    __slots__ = ()
    say: bytes
    is_whole: Hearing
    timeout_ms: int


class Line:
    """A half-duplex line, as a port supplies it."""

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        """Say, then all bytes heard until `is_whole` holds or `timeout_ms` after the last byte
        said; b"" when nothing was heard.

        Before it says anything it throws away what came unasked and keeps the line's silence;
        an empty `say` does neither. An answer that is arriving at the deadline may finish.
        Raises LineGone when the line cannot be used.
        """
        raise NotImplementedError


def converse(conversation: "Generator[Turn, bytes, Result]", line: Line) -> "Result":
    """Take the conversation's turns on `line`; its result. Raises what it or the line raises."""
    try:
        turn = next(conversation)
        while True:
            turn = conversation.send(line.turn(turn.say, turn.is_whole, turn.timeout_ms))
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        conversation.close()
