"""Two meters at one address, told apart from noise and from a meter that is late.

Left out: when a meter is visited (sweep.py) and what a protocol's answers are.

Two that answer at the same moment damage each other's answers in every sweep, and nobody else's;
noise damages those of many meters. Where one is slower, both answers are whole, and the second is
heard while others are asked. A meter whose kind of answer is heard then, or twice in one turn, is
suspect, and so is one after which another's answer is damaged, sweep by sweep: it is asked
twice more, alone, and listened to for a whole timeout. That is time that nobody has in every sweep,
so it is done for one suspect a sweep.
"""

from wum_edge.errors import BadCheck, MeterError
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import Hearing, Line, Setting, converse
from wum_edge.meters.visit import KnownMeter, Visit
from wum_shared import status

RECENT = 8                   # Visits after which a late answer comes no more.
REST_SWEEPS = 24             # For so many sweeps one that was found alone is no suspect.
QUIET_TRIES = 3              # Timeouts that are waited for a line on which nothing is under way.
BLAMED_SWEEPS = 2            # In a row, that an answer after its own was damaged.
EXAMINATIONS = 2             # That must agree before anybody is sent to a cabinet.
NOISY_SHARE = 4              # A line is noisy when the answers of so many's part are damaged ...
NOISY_LEAST = 2              # ... but at least of so many meters.


class Twins:
    """What a line knows of its suspects. Constant size."""

    def __init__(self) -> None:
        self.noisy_sweeps = 0        # In a row.
        self._recent: list[KnownMeter] = []
        self._suspect: KnownMeter | None = None
        self._rests: dict[int, int] = {}     # Sweeps left, by index of a meter.
        self._blamed: dict[int, int] = {}    # Sweeps in a row, by index of a meter ...
        self._blamed_now: dict[int, int] = {}            # ... and with this one.

    def begin(self) -> None:
        """A sweep begins."""
        self._recent = []
        self._suspect = None
        self._blamed, self._blamed_now = self._blamed_now, {}
        self._rests = {index: self._rests[index] - 1 for index in sorted(self._rests)
                       if self._rests[index] > 1}

    def note(self, visit: Visit) -> None:
        """What was heard in a visit may be of a meter that was visited shortly before."""
        for known in self._recent:
            if known is not visit.known and known.head and known.head != visit.known.head and any(
                    known.head in heard for heard in visit.heard):
                self._suspected(known)
        own = visit.known.head
        if own and any(heard.count(own) > 1 for heard in visit.heard):
            self._suspected(visit.known)
        if visit.is_damaged():
            self._blame()
        self._recent = [one for one in self._recent if one is not visit.known][1 - RECENT:] + [
            visit.known]

    def suspect(self) -> KnownMeter | None:
        """Whom to examine in this sweep."""
        return self._suspect

    def end(self, visits: list[Visit], meters: list[KnownMeter]) -> int:
        """A sweep ends: of how many meters the answers are damaged. Those whose turn did not come
        because theirs were in every sweep before are of them.
        """
        damaged = {visit.known.index for visit in visits if type(visit.error) is BadCheck}
        damaged.update([known.index for known in meters if known.failed_sweeps
                        and known.failed_outcome == status.BAD_CHECK])
        noisy = len(damaged) >= NOISY_LEAST and len(damaged) * NOISY_SHARE >= len(meters)
        self.noisy_sweeps = self.noisy_sweeps + 1 if noisy else 0
        return len(damaged)

    def _blame(self) -> None:
        """Those before a damaged answer, the nearest first: a slow one speaks over the visits of
        others, and who was found alone rests, so that in the end its turn comes.
        """
        for known in reversed(self._recent):
            count = self._blamed_now[known.index] = self._blamed.get(known.index, 0) + 1
            if known.head and count >= BLAMED_SWEEPS:
                self._suspected(known)

    def _suspected(self, known: KnownMeter) -> None:
        if self._suspect is None and known.index not in self._rests and not known.clash_told:
            self._suspect = known
            self._rests[known.index] = REST_SWEEPS


def answers_twice(known: KnownMeter, line: Line) -> bool:
    """Whether two whole answers come to one question at this meter's address. Raises LineGone.

    Twice in a row, since a meter that stalls may owe an answer once; two meters owe one always.
    """
    return all(_answered_twice(known, line) for _ in range(EXAMINATIONS))


def _answered_twice(known: KnownMeter, line: Line) -> bool:
    listening = _Listening(line, known)
    assert known.reader is not None, "it was just read"
    try:
        known.prepare(line)
        let_pass(line, known.meter.timeout_ms)
        places = tuple(range(len(known.model.registers)))    # As ever: its answer begins alike.
        converse(known.reader.read(places, Take()), listening)
        known.prepare(line)
        converse(known.reader.close(), line)
    except MeterError as error:
        known.counters.count(error.outcome)
    return listening.twice


def let_pass(line: Line, timeout_ms: int) -> None:
    """Until nothing comes for a whole timeout: what a slow meter still owes is no second answer."""
    for _ in range(QUIET_TRIES):
        if not line.turn(b"", _Everything(), timeout_ms):
            return


class _Listening(Line):
    """A line on which after each question all is heard that comes within the meter's timeout.

    A question that nothing comes to ends the examination: its answer may come beside the next.
    """

    def __init__(self, line: Line, known: KnownMeter) -> None:
        self.twice = False
        self._is_late = False
        self._line = line
        self._known = known

    def set(self, setting: Setting) -> None:
        self._line.set(setting)

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        heard = self._line.turn(say, is_whole, timeout_ms)
        head = self._known.head
        self._is_late = self._is_late or bool(say and not heard)
        if say and head and not self.twice and not self._is_late and head in heard:
            # The first answer ends where the hearing was content: what follows is another one's.
            rest = self._line.turn(b"", _Everything(), self._known.meter.timeout_ms)
            self.twice = head in rest or heard.count(head) > 1
        return heard


class _Everything(Hearing):
    """Never content."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return False
