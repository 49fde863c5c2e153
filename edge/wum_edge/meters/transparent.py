"""The line lent to somebody far away: bytes to say, and what is heard, for a bounded time.

Runs in the line's thread, like every order; the sweep waits until it is over. A port with one
thread for all takes it turn by turn. Left out: where bytes come from and go to (orders/session.py).
Portable.
"""

from collections import deque

from wum_edge.clock import Clock
from wum_edge.errors import LineGone
from wum_edge.meters.orders import Outcome
from wum_edge.meters.turn import Hearing, Line
from wum_shared.session import BYTES_MAX, DATA_MAX, QUIET_MS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Iterator

WAITING_MAX = 64             # Pieces in each direction.


class Quiet(Hearing):
    """What is heard is never whole: a turn ends when its time is over."""

    def __call__(self, heard: "bytes | bytearray") -> bool:
        return False


class Transparent:
    """One session. `say` and `end` are called by another thread, `heard` is emptied by it."""

    def __init__(self, seconds: int) -> None:
        self.heard: deque[bytes] = deque((), WAITING_MAX)
        self.said_bytes = self.heard_bytes = 0
        self.is_open = True
        self._limit_ms = 1000 * seconds
        self._to_say: deque[bytes] = deque((), WAITING_MAX)
        self._why = ""

    def say(self, data: bytes) -> bool:
        """Say this when it is its turn; False where too much waits."""
        if len(self._to_say) >= WAITING_MAX:
            return False
        self._to_say.append(data)
        return True

    def end(self, why: str) -> None:
        """No more turns, for this reason."""
        self._why = self._why or why

    def turns(self, line: Line, clock: Clock) -> "Iterator[None]":
        """Lend the line, a turn for each that is asked for."""
        until_ms = clock.monotonic_ms() + self._limit_ms
        try:
            while not self._why or self._to_say:
                if clock.monotonic_ms() >= until_ms:
                    self.end("its time was over")
                    break
                if self.said_bytes + self.heard_bytes > BYTES_MAX:
                    self.end("too many bytes")
                    break
                if len(self.heard) >= WAITING_MAX:
                    self.end("too much was heard to be sent")
                    break
                self._turn(line)
                yield
        except LineGone as error:
            self.end("the line failed: %s" % error)
        self.is_open = False

    def outcome(self) -> Outcome:
        """What came of it, once it is over."""
        return Outcome(True, "%d bytes said, %d heard; %s" % (
            self.said_bytes, self.heard_bytes, self._why), (), False)

    def _turn(self, line: Line) -> None:
        say = self._to_say.popleft() if self._to_say else b""
        heard = line.turn(say, Quiet(), QUIET_MS)
        self.said_bytes += len(say)
        self.heard_bytes += len(heard)
        for at in range(0, len(heard), DATA_MAX):
            if len(self.heard) >= WAITING_MAX:   # Full, it would forget its oldest in silence.
                self.end("too much was heard to be sent")
                return
            self.heard.append(bytes(heard[at:at + DATA_MAX]))
