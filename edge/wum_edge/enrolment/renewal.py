"""When a running concentrator opens its next epoch, and how often it asks until it is answered.

Portable. Left out: what is said (joining.py); keeping and putting the keys in force (a port does,
see ports/linux/renewing.py). The keys in use stay in use until others are there.
"""

from wum_edge.uplink.broker import Broker, Dice

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

    from wum_edge.enrolment.joining import Opening

ASK_MS = 30000               # Between two questions at first, doubled up to the maximum.
ASK_MAX_MS = 3600000
# Through a mesh: relays send a question again by themselves, and gateways an answer, both for half
# an hour and more; but in no case seldomer than keys change.
DEAR_ASK_MS = 1800000
DEAR_ASK_MAX_MS = 21600000
ASKED_MAX = 3                # Then the next epoch is opened: the head-end may have this one from a
                             # life of this concentrator that its flash has forgotten.
_SPREAD = 4                  # Through a mesh an epoch is longer by up to this part, by chance: a
                             # street that began on one day does not go on asking together.


class Questions:
    """Openings on their way by delivery's connection: of one, one copy at a time."""

    def __init__(self, broker: Broker, to: str, dice: Dice) -> None:
        self._broker, self._to, self._dice = broker, to, dice
        self._copy: int | None = None

    @property
    def is_dear(self) -> bool:
        """Whether each takes airtime of others."""
        return self._broker.is_dear

    def publish(self, message: bytes) -> bool:
        """Whether it is on its way; the copy before need not go on."""
        broker = self._broker
        if not broker.session() or not broker.has_room() or not broker.publish(self._to, message):
            return False
        self.withdraw()
        self._copy = broker.last
        return True

    def withdraw(self) -> None:
        """It was answered, or another takes its place."""
        if self._copy is not None:
            self._broker.withdraw(self._copy)
            self._copy = None

    def spread_ms(self, every_ms: int) -> int:
        """By how much an epoch of `every_ms` is longer, by chance."""
        return self._dice.below(every_ms // _SPREAD + 1) if self.is_dear else 0


class Renewal:
    """One clock for one concentrator: `begin` makes an opening, `questions` sends it.

    An opening is made once and sent again as it is: an answer that came late is still its answer.
    """

    def __init__(
            self, begin: "Callable[[], Opening]", questions: Questions, every_ms: int,
            due_ms: int) -> None:
        self._begin = begin
        self._questions = questions
        self._every_ms = every_ms
        self._due_ms = due_ms
        self._doubled = 0
        self._asked = 0
        self.opening: Opening | None = None      # That waits for its answer.

    def tick(self, now_ms: int) -> None:
        """Send what is due. Raises OSError where what was asked for cannot be put on record."""
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + ASK_MS           # What nobody took is tried soon.
        if self.opening is None or self._asked >= ASKED_MAX:
            self.opening = self._begin()
            self._asked = 0
        if self._questions.publish(self.opening.message()):
            self._due_ms = now_ms + self._patience_ms()
            self._asked += 1
            self._doubled += 1

    def answered(self, now_ms: int, *, is_done: bool) -> None:
        """The answer was taken: the next epoch begins at its time, or at once where this answer
        brought no keys."""
        self.opening = None
        self._asked = self._doubled = 0
        self._due_ms = now_ms
        if is_done:
            self._due_ms += self._every_ms + self._questions.spread_ms(self._every_ms)
        self._questions.withdraw()

    def _patience_ms(self) -> int:
        wait_ms, most_ms = ASK_MS, ASK_MAX_MS
        if self._questions.is_dear:
            wait_ms, most_ms = max(ASK_MS, min(DEAR_ASK_MS, self._every_ms)), DEAR_ASK_MAX_MS
        for _ in range(self._doubled):
            wait_ms = min(2 * wait_ms, most_ms)
        return wait_ms
