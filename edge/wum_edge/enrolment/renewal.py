"""When a running concentrator opens its next epoch, and how often it asks until it is answered.

Portable. Left out: what is said (joining.py); sending, keeping and putting the keys in force (a
port does, see ports/linux/renewing.py). The keys in use stay in use until others are there.
"""

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

    from wum_edge.enrolment.joining import Opening

ASK_MS = 30000               # Between two questions at first, doubled up to the maximum.
ASK_MAX_MS = 3600000
ASKED_MAX = 3                # Then the next epoch is opened: the head-end may have this one from a
                             # life of this concentrator that its flash has forgotten.


class Renewal:
    """One clock for one concentrator: `begin` makes an opening, `publish` sends it.

    An opening is made once and sent again as it is: an answer that came late is still its answer.
    """

    def __init__(
            self, begin: "Callable[[], Opening]", publish: "Callable[[bytes], bool]",
            every_ms: int, due_ms: int,
    ) -> None:
        self._begin = begin
        self._publish = publish
        self._every_ms = every_ms
        self._due_ms = due_ms
        self._wait_ms = ASK_MS
        self._asked = 0
        self.opening: Opening | None = None      # That waits for its answer.

    def tick(self, now_ms: int) -> None:
        """Send what is due. Raises OSError where what was asked for cannot be put on record."""
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + self._wait_ms
        if self.opening is None or self._asked >= ASKED_MAX:
            self.opening = self._begin()
            self._asked = 0
        if self._publish(self.opening.message()):
            self._asked += 1
            self._wait_ms = min(2 * self._wait_ms, ASK_MAX_MS)

    def answered(self, now_ms: int, *, is_done: bool) -> None:
        """The answer was taken: the next epoch begins at its time, or at once where this answer
        brought no keys."""
        self.opening = None
        self._asked = 0
        self._wait_ms = ASK_MS
        self._due_ms = now_ms + self._every_ms if is_done else now_ms
