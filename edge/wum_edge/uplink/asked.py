"""What the head-end wants once more from the archive: by gap requests, and by orders.

One is worked off at a time. What a request asked for is answered by a gap answer; an order's is
handed to whoever carries it out, with the same words. Left out: the search (gaps.py), batches and
their acknowledgements (delivery.py), opening requests (answer.py). Portable.
"""

from wum_edge.archive.ring import Archive
from wum_edge.log import Log
from wum_edge.uplink.batch import Built
from wum_edge.uplink.gaps import Work
from wum_shared.gaps import GapRange, GapRequest, encode_gap_answer
from wum_shared.topics import ANSWER

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST_SPACING_MS = 10000    # Gap requests that come closer are not taken, nor one beside one.
STEPS = 8                     # In one tick, each some records or one schema.
ORDERS_MAX = 64               # Stretches that orders wait for: a month of two meters.


class Asked:
    """The one that is worked off, and those that wait. `concentrator` is our id."""

    def __init__(self, archive: Archive, concentrator: bytes, log: Log) -> None:
        self.answered = 0
        self._archive, self._concentrator, self._log = archive, concentrator, log
        self._work: Work | None = None
        self._done: Callable[[bytes, str], None] | None = None     # None: the head-end is answered.
        self._due_ms = 0
        self._orders: list[tuple[GapRange, Callable[[bytes, str], None]]] = []

    def is_busy(self) -> bool:
        """Whether there is something to be looked for, or its batches are on their way."""
        return self._work is not None

    def is_searching(self) -> bool:
        """Whether there may be more batches."""
        return self._work is not None and not self._work.is_done

    def take(self, request: GapRequest, now_ms: int, batch_bytes: int) -> None:
        """Take a gap request, unless one is worked off or came just now."""
        if self._work is not None or now_ms < self._due_ms:
            self._log.say("gap request %d not taken: there was another one" % request.number)
            return
        self._due_ms = now_ms + REQUEST_SPACING_MS
        self._work = Work(self._archive, request, batch_bytes)
        self._log.say("gap request %d: the head-end lacks %s" % (
            request.number, self._work.named()))

    def order(self, stretch: GapRange, done: "Callable[[bytes, str], None]") -> bool:
        """Look for a stretch when its turn comes; whether it was taken in.

        `done` gets the encoded gap answer and its sentence; with no answer the sentence says why.
        """
        if len(self._orders) >= ORDERS_MAX:
            return False
        self._orders.append((stretch, done))
        return True

    def step(self, batch_bytes: int) -> Built | None:
        """A little more of the search; a batch that is to be sent, if it found one."""
        if self._work is None and self._orders:
            stretch, self._done = self._orders.pop(0)
            self._work = Work(self._archive, GapRequest(self._concentrator, 1, (stretch,)),
                              batch_bytes)
        work = self._work
        if work is None:
            return None
        failure = None
        try:
            for _ in range(STEPS):
                built = None if work.is_done else work.step()
                if built is not None:
                    return built
        except OSError as error:
            failure = error
        if failure is not None:
            self._log.warn("gap request %d: given up, flash fails: %s" % (
                work.request.number, failure))
            self.forget("flash fails: %s" % failure)
        return None

    def waits(self) -> bool:
        """Whether an order's stretch waits for its turn."""
        return self._work is None and bool(self._orders)

    def forget(self, why: str) -> None:
        """Give up what is worked off: the head-end will ask again, an order is told why."""
        done, self._work, self._done = self._done, None, None
        if done is not None:
            done(b"", why)

    def finish(self, publish: "Callable[[str, bytes], bool]") -> None:
        """Say what became of it, once all that was found has been acknowledged."""
        work = self._work
        if work is None or not work.is_done:
            return
        answer = encode_gap_answer(work.answer())
        if self._done is None and not publish(ANSWER, answer):
            return
        done, self._work, self._done = self._done, None, None
        self.answered += 1
        self._log.say("gap request %d answered: %s" % (work.request.number, work.sentence()))
        if done is not None:
            done(answer, work.sentence())
