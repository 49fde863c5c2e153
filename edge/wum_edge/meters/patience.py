"""How long a meter takes until it answers, learnt from its answers; and the line that learns it.

Left out: which meter is dead (sweep.py). A living meter always has its whole timeout: what was
learnt shortens only the wait for one that is dead, so that it cannot spend the others' time.
"""

from wum_edge.clock import Clock
from wum_edge.meters.turn import Hearing, Line, Setting

MARGIN_MS = 60               # A serial adapter (16 ms twice), a loaded machine.
FORGETS = 16                 # Every answer brings the slowest one 1/16 nearer to what is usual.
HEARD_TURNS_MAX = 4          # Of one visit, kept for whoever looks for answers of others in it ...
HEARD_BYTES_MAX = 512        # ... and of each.
PATIENT_EVERY = 16           # Every sixteenth probe waits the whole timeout: it may have slowed.


class Turnaround:
    """What was learnt of one meter. Constant size."""

    def __init__(self) -> None:
        self.slowest_ms: int | None = None    # Forgetful; None before the first answer.
        self._probes = 0

    def note(self, took_ms: int) -> None:
        """An answer began so long after the request's last byte."""
        known_ms = self.slowest_ms or 0
        self.slowest_ms = max(took_ms, known_ms - (known_ms - took_ms) // FORGETS)

    def learnt_ms(self, timeout_ms: int) -> int:
        """Twice the slowest answer and a margin, within `timeout_ms`; that where none came yet."""
        if self.slowest_ms is None:
            return timeout_ms
        return min(2 * self.slowest_ms + MARGIN_MS, timeout_ms)

    def probe_ms(self, timeout_ms: int) -> int:
        """How long the next probe of this dead meter waits for an answer."""
        self._probes += 1
        if self._probes % PATIENT_EVERY == 0:
            return timeout_ms
        return self.learnt_ms(timeout_ms)

    def lives(self) -> None:
        """It answered: the count of probes begins again."""
        self._probes = 0


class Attentive(Line):
    """A line during one visit: it notes how fast answers began, and when the meter was read: when
    it was first asked, or, where it talks by itself, when it had last been heard.

    `wait_ms` bounds what a turn may wait until the meter has said something in this visit; 0: as
    the conversation asks.
    """

    def __init__(self, line: Line, clock: Clock, turnaround: Turnaround, wait_ms: int) -> None:
        self.read_at_s: int | None = None
        self.quality = 0
        # When the latest answer began to come: its meter had looked at its clock by then.
        self.answer_s: int | None = None
        self._is_coming = False              # The turn before heard some of it.
        self.heard: list[bytes] = []         # The first turns' bytes, echoes taken off.
        self.first_whole = b""               # The first answer that its hearing took, and that
                                             # is more than one character of acknowledgement.
        self._line = line
        self._clock = clock
        self._turnaround = turnaround
        self._wait_ms = wait_ms
        self._character_us = 0
        self._was_asked = False

    def set(self, setting: Setting) -> None:
        self._character_us = setting.bits_per_character() * 1000000 // setting.baud
        self._line.set(setting)

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        if not say:
            return self._listen(is_whole, timeout_ms)
        if not self._was_asked:
            self._was_asked = True
            self._note_time()
        if self._wait_ms:
            timeout_ms = min(timeout_ms, self._wait_ms)
        whole = _Whole(is_whole)
        began_ms, began_s = self._clock.monotonic_ms(), self._clock.now_s()
        heard = self._line.turn(say, whole, timeout_ms)
        self._is_coming = False
        self._note_answer(len(heard) - len(say) * heard.startswith(say), began_ms, began_s)
        if heard:
            self._wait_ms = 0
            self._keep(say, heard, whole.holds)
        if whole.holds:          # Noise, and half an answer, teach nothing.
            # From the end back: what comes first may be our own echo.
            bytes_ms = (len(say) + len(heard)) * self._character_us // 1000
            self._turnaround.note(max(0, self._clock.monotonic_ms() - began_ms - bytes_ms))
        return heard

    def _listen(self, is_whole: Hearing, timeout_ms: int) -> bytes:
        """A telegram tells of the moment it was sent: its pause may be as long as a period."""
        began_ms, began_s = self._clock.monotonic_ms(), self._clock.now_s()
        heard = self._line.turn(b"", is_whole, timeout_ms)
        self._note_answer(len(heard), began_ms, began_s)
        if heard and not self._was_asked:
            self._note_time()
        return heard

    def _note_answer(self, size: int, began_ms: int, began_s: int) -> None:
        """A turn that began then ended with so many bytes of an answer: by their number it is known
        when the first one came, also where our seconds are not those of the monotonic clock.
        """
        if size and not self._is_coming:
            now_s = self._clock.now_s()
            took_ms = max(1, self._clock.monotonic_ms() - began_ms)
            bytes_ms = min(took_ms, size * self._character_us // 1000)
            self.answer_s = now_s - (2 * (now_s - began_s) * bytes_ms + took_ms) // (2 * took_ms)
        self._is_coming = size > 0

    def _note_time(self) -> None:
        self.read_at_s = self._clock.now_s()
        self.quality = self._clock.quality()

    def _keep(self, say: bytes, heard: bytes, holds: bool) -> None:
        if heard.startswith(say):
            heard = heard[len(say):]
        if len(self.heard) < HEARD_TURNS_MAX:
            self.heard.append(heard[:HEARD_BYTES_MAX])
        if holds and len(heard) > 1 and not self.first_whole:
            self.first_whole = heard[:HEARD_BYTES_MAX]


class _Whole(Hearing):
    """The same hearing, and whether it held in the end."""

    def __init__(self, hearing: Hearing) -> None:
        self.holds = False
        self._hearing = hearing

    def __call__(self, heard: bytes | bytearray) -> bool:
        self.holds = self._hearing(heard)
        return self.holds
