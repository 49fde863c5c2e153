"""A turn on a half-duplex line, and the one loop that takes turns.

Left out: the line itself (a port supplies it) and every protocol. A conversation is a generator:
it yields Turns, is sent what was heard, and returns its result. It may yield a Setting between two
turns: what follows is said and heard so.
"""

from collections import namedtuple

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeVar

    Result = TypeVar("Result")


SILENCE_CHARACTERS_X2 = 7    # 3.5 characters before a request (Modbus Serial Line V1.02, 2.5.1.1).
SILENCE_US_MIN = 1750        # The same above 19200 baud.
DELAY_US = 20000             # What a meter usually takes before it answers.


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


class Setting(namedtuple("Setting", ("baud", "data_bits", "parity", "stop_bits", "quiet_us"))):
    """How bytes go over a line: `parity` is N, E or O; `quiet_us` is how long the line is silent
    before something is said (Modbus: 3.5 characters; IEC 62056-21: the reaction time).
    """

    __slots__ = ()
    baud: int
    data_bits: int
    parity: str
    stop_bits: int
    quiet_us: int

    def bits_per_character(self) -> int:
        """Bits that one byte takes on the wire, start bit included: 10 for 8N1 and 7E1."""
        return 1 + self.data_bits + (self.parity != "N") + self.stop_bits

    def carrying_bytes(self) -> "Setting":
        """The same as a wire of bytes has it, which knows neither parity nor seven bits."""
        return Setting(self.baud, 8, "N", 1, self.quiet_us)


class Pace(namedtuple("Pace", ("quiet_us", "delay_us"))):
    """Silence before a request, and what a meter of the model takes before it answers."""

    __slots__ = ()
    quiet_us: int
    delay_us: int


class Line:
    """A half-duplex line, as a port supplies it."""

    def set(self, setting: Setting) -> None:
        """What is said and heard from now on goes so. What was said before has left the wire.

        Raises LineGone when the line cannot be used.
        """
        raise NotImplementedError

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        """Say, then all bytes heard until `is_whole` holds or `timeout_ms` after the last byte
        said; b"" when nothing was heard.

        Before it says anything it throws away what came unasked and keeps the line's silence;
        an empty `say` does neither. An answer that is arriving at the deadline may finish.
        Raises LineGone when the line cannot be used.
        """
        raise NotImplementedError


def silence_us(baud: int, bits_per_character: int) -> int:
    """How long a line is quiet before a request: 3.5 characters, never under 1750 us."""
    characters_us = SILENCE_CHARACTERS_X2 * bits_per_character * 1000000 // (2 * baud)
    return max(characters_us + 1, SILENCE_US_MIN)


def converse(conversation: "Generator[Turn | Setting, bytes, Result]", line: Line) -> "Result":
    """Take the conversation's turns on `line`; its result. Raises what it or the line raises."""
    try:
        step = next(conversation)
        while True:
            if type(step) is Setting:
                line.set(step)
                step = conversation.send(b"")
            else:
                assert type(step) is Turn
                step = conversation.send(line.turn(step.say, step.is_whole, step.timeout_ms))
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        conversation.close()
