"""What the meters of one protocol on one line are to the bus: they hear bytes and say answers.

Left out: the protocols (modbus.py and its neighbours; servers.py finds them), and what happens to
bytes on the way (bus.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """What a meter of this line was asked for. Registers are Modbus': `count` words from `first`;
    other protocols have a count of 0 and say in `what` which object or command it was.
    """

    address: int
    function: int
    first: int
    count: int
    at_s: int                # When the meter looked at its registers, town's UTC.
    what: str = ""


Refusal = Callable[[Request], int | None]            # Code to refuse with, or None.
Said = Callable[[bytes, int, Request | None], None]  # A whole answer, of which meter, to what.


@dataclass(frozen=True, slots=True)
class Push:
    """One meter that talks by itself: seconds between two telegrams, and what says the next."""

    period_s: float
    say: Callable[[], None]


class Server(ABC):
    """The meters of one protocol on one line.

    Made with (meters, now_s, refusal, said). It hears all that is said on the line by the master
    and passes over what is not for its own; an answer goes to `said`, soon or never.
    """

    protocols: tuple[str, ...] = ()      # As catalogue entries name them.
    said_baud = 0                        # Of the latest answer; 0: that of the line.
    changes_baud = False                 # Whether its meters have bauds of their own.
    # Where the latest answer has another baud than what it answers: how long its meter waits, and
    # how long that took to say, which a line that takes no time does not know.
    reaction_s = 0.0
    asked_s = 0.0

    @abstractmethod
    def hear(self, data: bytes) -> None:
        """Bytes from the wire, in any pieces."""

    def hear_at(self, data: bytes, baud: int) -> None:
        """The same said at `baud`; 0: nobody knows. Most have that of the line, whatever it is."""
        self.hear(data)

    @abstractmethod
    def forget(self) -> None:
        """Silence on the wire: what was heard so far is no part of what comes next."""

    def pushes(self) -> list[Push]:
        """Those of its meters that talk by themselves; most wait to be asked."""
        return []

    def heard_through(self, answer: bytes, noisy: bytes) -> bytes:
        """What comes of `answer` where noise made `noisy` of it."""
        return noisy

    def spoilt(self, answer: bytes) -> bytes:
        """`answer` whole, but with a check that does not hold. Here its last byte is of the check;
        a protocol that closes its frames otherwise says it better.
        """
        return answer[:-1] + bytes((answer[-1] ^ 0xFF,)) if answer else answer
