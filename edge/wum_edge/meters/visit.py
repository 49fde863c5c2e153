"""One meter's part in one sweep: its turns, and the rows that come of them.

Left out: which meter is visited when, and what a failed visit is called (sweep.py).
"""

from wum_edge import config
from wum_edge.clock import Clock
from wum_edge.errors import LineSilent, MeterError, Refused
from wum_edge.meters.catalog import Model
from wum_edge.meters.modbus_rtu import Answer, read_registers
from wum_edge.meters.ranges import Range, plan, split
from wum_edge.meters.scaling import raw_number, scaled
from wum_edge.meters.turn import Hearing, Line, converse
from wum_shared import status
from wum_shared.batch import Row

CAPTURE_SPREAD_S = 60        # A late register belongs to its row for this long.
FAILURES_MAX = 2             # Failed turns after which a visit leaves the rest for later.
_NOT_THERE = (2, 3)          # Exceptions that a request for fewer registers may avoid.


class Counters:
    """Turns of one meter by what came of them, since the start. Plain counts, never reset."""

    def __init__(self) -> None:
        self.answered = 0
        self.silent = 0
        self.bad_check = 0
        self.exception = 0
        self.foreign = 0     # Also those heard before the right answer came.
        self.not_tried = 0   # Sweeps, not turns.

    def count(self, outcome: int) -> None:
        """Count one of status.OUTCOMES."""
        assert outcome in status.OUTCOMES
        if outcome == status.SILENT:
            self.silent += 1
        elif outcome == status.BAD_CHECK:
            self.bad_check += 1
        elif outcome == status.EXCEPTION:
            self.exception += 1
        elif outcome == status.FOREIGN:
            self.foreign += 1
        else:
            self.not_tried += 1


class KnownMeter:
    """A meter as its line knows it from sweep to sweep. `index` is its place in the schema."""

    def __init__(self, index: int, register_set: int, meter: config.Meter, model: Model) -> None:
        self.index = index
        self.register_set = register_set
        self.meter = meter
        self.model = model
        self.ranges = plan(model.registers, model.limits)
        self.may_split = True
        self.counters = Counters()
        self.failed_sweeps = 0        # In a row, without one genuine answer.
        self.failed_outcome = 0       # Of the last of them.
        self.skipped_sweeps = 0       # In a row, in which its turn did not come.
        self.silence_told = False     # Its silence is on record as an event.
        self.rest_until_ms = 0        # Until then a late answer to the last turn may still come.


class Visit:
    """What one sweep got from one meter. `left` is what is still to be read."""

    def __init__(self, known: KnownMeter) -> None:
        self.known = known
        self.left = known.ranges
        self.captured_at_s = 0
        self.time_quality = 0
        self.answered = False                 # Something genuine came, if only an exception.
        self.rows = 0
        self.attempts = 0
        self.error: MeterError | None = None  # The last failure.
        self._refused: set[int] = set()       # Places that the meter will not give.
        self._fresh: dict[int, int | None] = {}

    def attempt(self, line: Line, clock: Clock) -> Row | None:
        """Ask for what is left; the row of what came, or None. Raises LineGone.

        Only the first row that holds anything may set the capture time; a later one of the same
        visit has it too, and its registers are LATE.
        """
        known = self.known
        self.attempts += 1
        self._rest(line, clock)
        if not self.rows:
            self.captured_at_s = clock.now_s()
            self.time_quality = clock.quality()
        self._fresh = {}
        todo = list(self.left)
        put_off: list[Range] = []
        failures = 0
        while todo:
            one = todo.pop(0)
            started_ms = clock.monotonic_ms()
            try:
                answer = converse(read_registers(
                    known.meter.address, one.function, one.first, one.count,
                    known.meter.timeout_ms), line)
            except Refused as error:
                self._note(error)
                todo = self._smaller(one, error, put_off) + todo
            except MeterError as error:
                self._note(error)
                failures += 1
                put_off.append(one)
                waited_ms = clock.monotonic_ms() - started_ms
                if failures >= FAILURES_MAX or waited_ms >= known.meter.timeout_ms:
                    # Its answer may still come, and an answer does not say to which range.
                    known.rest_until_ms = clock.monotonic_ms() + known.meter.timeout_ms
                    put_off.extend(todo)
                    break
            else:
                self._take(one, answer)
        self.left = tuple(put_off)
        return self._row() if self._fresh else None

    def hopeless(self) -> bool:
        """Whether the meter was given two chances and not one byte came."""
        return self.attempts > 1 and not self.answered and type(self.error) is LineSilent

    def in_spread(self, clock: Clock) -> bool:
        """Whether what is read now still belongs to this visit's row."""
        return not self.rows or 0 <= clock.now_s() - self.captured_at_s <= CAPTURE_SPREAD_S

    def _rest(self, line: Line, clock: Clock) -> None:
        """Let a late answer to this meter's failed turn pass before it is asked again."""
        wait_ms = self.known.rest_until_ms - clock.monotonic_ms()
        if wait_ms > 0:
            line.turn(b"", _Nothing(), min(wait_ms, self.known.meter.timeout_ms))
        self.known.rest_until_ms = 0

    def _note(self, error: MeterError) -> None:
        self.error = error
        self.known.counters.count(error.outcome)
        if type(error) is Refused:
            self.answered = True

    def _smaller(self, one: Range, error: Refused, put_off: list[Range]) -> list[Range]:
        """What to ask for instead of a range that the meter refused."""
        known = self.known
        if error.code not in _NOT_THERE:
            put_off.append(one)      # Busy, say: the same request may be granted later.
            self._refused.update(one.places)
            return []
        parts = list(split(one, known.model.registers)) if known.may_split else [one]
        if len(parts) > 1:
            known.ranges = tuple([part for old in known.ranges
                                  for part in (parts if old == one else [old])])
            return parts
        self._refused.update(one.places)
        if len(self._refused) == len(known.model.registers):
            # It refuses everything: another model, most likely. Do not ask one by one for ever.
            known.may_split = False
            known.ranges = plan(known.model.registers, known.model.limits)
        return []

    def _take(self, one: Range, answer: Answer) -> None:
        self.answered = True
        self.known.counters.answered += 1
        self.known.counters.foreign += answer.foreign
        for place in one.places:
            register = self.known.model.registers[place]
            at = register.address - one.first
            raw = raw_number(answer.words[at:at + register.count], register.word_order)
            self._fresh[place] = None if raw == register.absent else scaled(
                raw, register.type, register.scale, register.scaler)

    def _row(self) -> Row:
        values: list[int | None] = []
        statuses = []
        for place in range(len(self.known.model.registers)):
            value = self._fresh.get(place)
            values.append(value)
            if value is not None:
                statuses.append(status.LATE if self.rows else 0)
            elif place in self._fresh:
                statuses.append(status.ABSENT | status.OUT_OF_RANGE)
            elif place in self._refused:
                statuses.append(status.ABSENT | status.REFUSED)
            else:
                statuses.append(status.ABSENT)
        self.rows += 1
        return Row(0, self.known.index, self.known.register_set, self.captured_at_s,
                   self.time_quality, tuple(values), tuple(statuses))


class _Nothing(Hearing):
    """Waits for nothing: whatever is heard meanwhile is late."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return False
