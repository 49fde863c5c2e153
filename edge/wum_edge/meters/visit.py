"""One meter's part in one sweep: its turns, and the rows that come of them.

Left out: which meter is visited when, and what a failed visit is called (sweep.py).
"""

from wum_edge import config
from wum_edge.clock import Clock
from wum_edge.errors import BadCheck, LineGone, LineSilent, MeterError
from wum_edge.meters import backward
from wum_edge.meters.catalog import Model, entry_of
from wum_edge.meters.patience import Attentive, Turnaround
from wum_edge.meters.reader import CannotDo, MeterTime, Reader, Take
from wum_edge.meters.readers import reader_for
from wum_edge.meters.timekeeping import cell, keeps_time
from wum_edge.meters.turn import Line, Setting, converse
from wum_edge.portions import ALWAYS, Portion
from wum_edge.schedule import last_due_s
from wum_shared import status
from wum_shared.batch import Row
from wum_shared.messages import Schedule

TYPE_CHECKING = False        # True for type checkers only: upkeep.py needs our KnownMeter.
if TYPE_CHECKING:
    from wum_edge.meters.upkeep import Upkeep

CAPTURE_SPREAD_S = 60        # A late register belongs to its row for this long.


class Counters:
    """Turns of one meter by what came of them, since the start. Plain counts, never reset. Each
    stands here until there is something to count: most meters only ever answer.
    """

    answered = 0
    silent = 0
    bad_check = 0
    exception = 0
    foreign = 0              # Also those heard before the right answer came.
    not_tried = 0            # Sweeps, not turns.

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
        elif outcome == status.NOT_TRIED:
            self.not_tried += 1
        else:                # The protocols' own names of a refusal.
            self.exception += 1


class KnownMeter:
    """A meter as its line knows it from sweep to sweep. `index` is its place in the schema;
    `setting` is how it wants the line, None: as the line is. `portions` are its register sets: all
    registers in one, until somebody says otherwise.
    """

    # What most meters never change stands here once, and not in each of 64: a board has little RAM.
    reader: Reader | None = None      # Made at the first visit.
    failed_sweeps = 0                 # In a row, without one genuine answer.
    failed_outcome = 0                # Of the last of them.
    skipped_sweeps = 0                # In a row, in which its turn did not come.
    silence_told = False              # Its silence is on record as an event.
    damaged_sweeps = 0                # In a row, that gave no row for damage or others' answers.
    doubt_told = False                # So is that it cannot be believed.
    clash_told = False                # So is that two answer at its address, or seem to.
    head = b""                        # How its genuine answers begin, where that tells whose.
    upkeep: "Upkeep | None" = None    # Clock, events and profile; None: registers only.
    clockless = False                 # It has no clock that says anything: it is not asked again.

    def __init__(
            self, index: int, register_set: int, meter: config.Meter, model: Model,
            setting: Setting | None = None,
    ) -> None:
        self.index = index
        self.meter = meter
        self.model = model
        self.setting = setting
        self.turnaround = Turnaround()
        self.counters = Counters()
        self.backward = backward.Counters(model)
        self.keeps_time = keeps_time(model)  # Rows end with its clock.
        self.portions: tuple[Portion, ...] = (Portion(
            register_set, tuple(range(len(model.registers))), self.keeps_time, ALWAYS),)
        self._read_for: dict[int, int] | None = None     # Moments for which register sets were
                                             # read last, of a meter that has several.
        # So many bytes of an answer say whose it is; 0: none do.
        self.head_bytes = int(getattr(entry_of(model.protocol), "HEAD_BYTES", 0))

    def due(self, schedule: Schedule | None, due_s: int) -> tuple[Portion, ...]:
        """What a sweep of `schedule` reads for the moment `due_s`: its own portion and, in the same
        visit, those of other schedules that are due at that very moment. Without one: all.
        """
        if schedule is None or len(self.portions) == 1:
            return self.portions
        return tuple([portion for portion in self.portions
                      if (portion.schedule == schedule or (
                          last_due_s(due_s, portion.schedule) == due_s))
                      and (self._read_for or {}).get(portion.register_set) != due_s])

    def note_read(self, portions: tuple[Portion, ...], due_s: int) -> None:
        """Whatever comes of it: they were asked for, for the moment `due_s`."""
        if len(self.portions) == 1:
            return                           # See due.
        if self._read_for is None:
            self._read_for = {}
        for portion in portions:
            self._read_for[portion.register_set] = due_s

    def prepare(self, line: Line) -> None:
        """Before each conversation: the one before may have changed the line's setting."""
        if self.setting is not None:
            line.set(self.setting)


_NOTHING = Take()            # Of who was not asked yet, or has given what it had.


class Visit:
    """What one sweep got from one meter. `left` are the registers still to be read, by place;
    `portions` are what is read of it, None: all.
    """

    def __init__(self, known: KnownMeter, portions: tuple[Portion, ...] | None = None) -> None:
        self.known = known
        self.portions = known.portions if portions is None else portions
        self.left = tuple(sorted([p for portion in self.portions for p in portion.places]))
        self.captured_at_s = 0
        self.time_quality = 0
        self.answered = False                 # Something genuine came, if only an exception.
        self.rows = 0
        self.given: set[int] = set()          # Register sets of which there is a row.
        self.attempts = 0
        self.error: MeterError | None = None  # The last failure.
        self.is_kept = False                  # Its upkeep was done.
        self.take = _NOTHING                  # Of the last attempt, while it lasts.
        self.heard: tuple[bytes, ...] | list[bytes] = ()    # In its turns, while it lasts.
        self._was_damaged = False             # By the last one.
        self.time: MeterTime | None = None    # Its clock, which is read once ...
        self.error_s: int | None = None       # ... and by how much it was then ahead of ours.
        self._clock_told = False              # A row of this visit has it.
        self._refused: set[int] = set()       # Places that the meter will not give.

    def attempt(self, line: Line, clock: Clock, wait_ms: int = 0) -> list[Row]:
        """Ask for what is left; the rows of what came, one of each portion. Raises LineGone.

        `wait_ms`: a probe, which waits so long until it has heard anything; 0: as long as it takes.
        Only the first row that holds anything may set the capture time; a later one of the same
        visit has it too, and its registers are LATE.
        """
        known = self.known
        self.attempts += 1
        if known.reader is None:
            known.reader = reader_for(known.model, known.meter, clock)
        if not self.rows:
            self.captured_at_s = clock.now_s()
            self.time_quality = clock.quality()
        take = self.take = Take()
        take.meter_time = self.time
        attentive = Attentive(line, clock, known.turnaround, wait_ms)
        take.moment = lambda: attentive.answer_s
        known.prepare(attentive)
        converse(known.reader.read(self.left, take), attentive)
        if not self.rows and attentive.read_at_s is not None:
            self.captured_at_s = attentive.read_at_s
            self.time_quality = attentive.quality
        self.heard = attentive.heard
        if take.turns and not take.errors and not take.foreign and not known.head:
            head = attentive.first_whole[:known.head_bytes]
            known.head = head if len(head) == known.head_bytes else b""  # Less is anybody's.
        self._look_at_clock(take, attentive, clock)
        self._count(take)
        self._was_damaged = any(type(error) is BadCheck for error in take.errors)
        self.left = tuple([place for place in self.left if place not in take.values and (
            place not in take.refused or place in take.again)])
        return self._rows(take)

    def _look_at_clock(self, take: Take, line: Line, clock: Clock) -> None:
        """The meter's clock, with a turn of its own only where it did not come with the rest."""
        if self.time is not None:
            return
        if take.meter_time is None and take.answered() and not self.known.clockless:
            take.meter_time = self._asked_for_time(line)
        self.time = take.meter_time
        if self.time is not None and self.time.utc_s is not None:
            at_s = clock.now_s() if take.time_s is None else take.time_s
            self.error_s = self.time.utc_s - at_s

    def _asked_for_time(self, line: Line) -> MeterTime | None:
        known = self.known
        assert known.reader is not None
        try:
            known.prepare(line)
            time = converse(known.reader.read_clock(), line)
            known.clockless = time.utc_s is None and not known.keeps_time
            return time
        except CannotDo:
            known.clockless = True
        except MeterError as error:
            known.counters.count(error.outcome)
            self.is_kept = True      # It fell silent: its log and its profile wait for the next.
        except LineGone:
            self.is_kept = True      # Whoever says something next is told; the row is kept.
        return None

    def hopeless(self) -> bool:
        """Whether the meter was given two chances and not one byte came."""
        return self.attempts > 1 and not self.answered and type(self.error) is LineSilent

    def is_damaged(self) -> bool:
        """Whether damage was heard in the last attempt."""
        return self._was_damaged

    def is_over(self) -> bool:
        """Whether it gave all that it has, and nothing failed."""
        return self.rows > 0 and not self.left and self.error is None

    def put_down(self) -> None:
        """What was heard and taken is in rows now. A sweep keeps all its visits until its end: on
        a board it would have no room for the answers of all its meters.
        """
        self.take, self.heard = _NOTHING, ()

    def in_spread(self, clock: Clock) -> bool:
        """Whether what is read now still belongs to this visit's row."""
        return not self.rows or 0 <= clock.now_s() - self.captured_at_s <= CAPTURE_SPREAD_S

    def _count(self, take: Take) -> None:
        counters = self.known.counters
        counters.answered += take.turns
        counters.foreign += take.foreign
        for error in take.errors:
            counters.count(error.outcome)
            self.error = error
        self.answered = self.answered or take.answered()
        self._refused.update(take.refused)

    def _rows(self, take: Take) -> list[Row]:
        is_late = self.rows > 0
        found = [self._row(portion, take, is_late) for portion in self.portions
                 if any(place in take.values for place in portion.places)]
        self.rows += len(found)
        self.given.update([row.register_set for row in found])
        return found

    def _row(self, portion: Portion, take: Take, is_late: bool) -> Row:
        values: list[int | None] = []
        statuses = []
        for place in portion.places:
            value = take.values.get(place)
            values.append(value)
            if value is not None:
                statuses.append(status.LATE if is_late else 0)
            elif place in take.values:
                statuses.append(status.ABSENT | status.OUT_OF_RANGE)
            elif place in self._refused:
                statuses.append(status.ABSENT | status.REFUSED)
            else:
                statuses.append(status.ABSENT)
        if portion.has_clock:
            value, flags = self._clock_cell(is_late)
            values.append(value)
            statuses.append(flags)
        return Row(0, self.known.index, portion.register_set, self.captured_at_s,
                   self.time_quality, tuple(values), tuple(statuses))

    def _clock_cell(self, is_late: bool) -> tuple[int | None, int]:
        """The clock in the next row: in one of a visit, as the registers are."""
        if self._clock_told or self.time is None:
            return cell(None, None)
        self._clock_told = True
        value, flags = cell(self.time, self.error_s)
        return value, flags | (status.LATE if is_late and value is not None else 0)
