"""What one meter is asked for besides its registers and time: event log, load profile, a step of
its clock.

Left out: when (sweep.py, right after its registers, with the association still open; work.py for
what can wait) and how (the protocols' readers). What a model cannot do it is asked for once only.

Marks say what of the meter's own logs has been archived, so that each entry is archived once: the
port keeps them over a restart (ports/marks.py). Nothing here makes up a value: what the
meter has not is a gap.
"""

from wum_edge.clock import Clock
from wum_edge.config import ClockPolicy
from wum_edge.errors import MeterError
from wum_edge.meters.reader import CannotDo, MeterEvent, MeterTime, ProfileRow, Reader
from wum_edge.meters.turn import Line, converse
from wum_edge.meters.visit import KnownMeter, Visit
from wum_shared import status
from wum_shared.batch import Event, Row
from wum_shared.messages import NOTE_MAX, TIME_MAX_S

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from typing import TypeVar

    from wum_edge.meters.reader import Conversation

    Result = TypeVar("Result")
    Record = Row | Event

DAY_S = 86400                # Most of the load profile that one turn of the back-fill asks for.
BACK_MAX_S = 45 * DAY_S      # What is older the archive would not keep.
ROWS_MAX = 1500              # Of one turn: a day of minutes; what is more comes with the next.
EVENTS_MAX = 200             # Of one visit; the rest with the next.
SEEN_MAX = 64                # Entries of one second that are told apart.
TELL_AGAIN_S = DAY_S         # A clock that stays wrong is told of so often.
CAPTURE_S = 900              # Load profiles capture at multiples of this; no step goes across one.


class Marks:
    """How far a meter's own logs are archived. `seen` are the entries of the second `events_s`."""

    # Here and not in each of 64, twice: most meters on a board have neither events nor profile.
    events_s = 0
    seen: tuple[tuple[int, str], ...] = ()
    timeless: tuple[tuple[int, str], ...] = ()       # Entries to which the meter gives no time.
    profile_s: int | None = None             # None: never read; history begins with now.

    def copy(self) -> "Marks":
        """The same ones, for somebody else to change."""
        made = Marks()
        for name in ("events_s", "seen", "timeless", "profile_s"):
            if getattr(self, name) != getattr(made, name):
                setattr(made, name, getattr(self, name))
        return made

    def note_event(self, at_s: int, code: int, note: str) -> None:
        """This entry is archived."""
        if at_s > self.events_s:
            self.events_s = at_s
            self.seen = ()
        if at_s == self.events_s and len(self.seen) < SEEN_MAX:
            self.seen += ((code, note),)

    def note_timeless(self, code: int, note: str) -> None:
        """This entry, which has no time, is archived."""
        self.timeless = (self.timeless + ((code, note),))[-SEEN_MAX:]

    def is_new(self, at_s: int | None, code: int, note: str) -> bool:
        """Whether this entry was not archived yet."""
        if at_s is None:
            return (code, note) not in self.timeless
        return at_s > self.events_s or (
            at_s == self.events_s and (code, note) not in self.seen)


class Upkeep:
    """The upkeep of one meter, from sweep to sweep."""

    # Here and not in each of 64 until one has something of its own to say.
    error_s: int | None = None               # Of its clock, when it was last read.
    _told_s = 0                              # When its clock was told of, and with which error.
    _told_error_s = 0
    _cannot: tuple[str, ...] = ()

    def __init__(
            self, line: str, known: KnownMeter, policy: ClockPolicy, period_s: int,
            profile_set: int | None, marks: Marks,
    ) -> None:
        self.known = known
        self.marks = marks
        self._line = line
        self._policy = policy
        self._usual_s = 2 * period_s         # What a sweep reads of the profile; more is back-fill.
        self._profile_set = profile_set

    def after(self, visit: Visit, line: Line, clock: Clock) -> "list[Record]":
        """Right after its registers and its clock were read: what follows of the clock, events,
        and what the profile has new.
        """
        records: list[Record] = []
        for what in ("clock", "events", "profile"):
            try:
                if what == "clock":
                    records += self._judge_clock(visit, line, clock)
                elif what == "events":
                    records += self.events(line, clock)
                else:
                    records += self._newest(line, clock)
            except MeterError as error:
                self.known.counters.count(error.outcome)
                if error.outcome == status.SILENT:   # It would be for what follows, too.
                    break
        return records

    def owes(self, now_s: int) -> bool:
        """Whether the profile lacks more than a sweep reads."""
        mark_s = self.marks.profile_s
        return (self._profile_set is not None and "profile" not in self._cannot
                and mark_s is not None and now_s - mark_s > self._usual_s)

    def back_fill(self, line: Line, clock: Clock) -> "list[Record]":
        """One turn of the back-fill: at most a day of the profile, the oldest that is missing.

        Raises MeterError, LineGone; the day is then asked for again.
        """
        now_s = clock.now_s()
        first_s = max(self.marks.profile_s or 0, now_s - BACK_MAX_S) + 1
        last_s = min(first_s + DAY_S - 1, now_s)
        records = self._profile(line, clock, first_s, last_s)
        if len(records) < ROWS_MAX:
            # Whatever of this day has not come, the meter has not: it is not asked for again.
            done_s = min(last_s, now_s - self._usual_s)
            self.marks.profile_s = max(self.marks.profile_s or 0, done_s)
        return records

    def _ask(self, what: str, conversation: "Conversation[Result]", line: Line) -> "Result | None":
        """None where the model has no such thing, which is asked once."""
        try:
            self.known.prepare(line)
            return converse(conversation, line)
        except CannotDo:
            self._cannot += (what,)
            return None

    def _reader(self) -> Reader:
        assert self.known.reader is not None, "it was just read"
        return self.known.reader

    def _judge_clock(self, visit: Visit, line: Line, clock: Clock) -> "list[Record]":
        time = visit.time
        if time is None:
            return []
        self.error_s = visit.error_s
        records: list[Record] = self._told(time, clock)
        if self._may_step(time, clock):
            records += self._step(line, clock)
        return records

    def _told(self, time: MeterTime, clock: Clock) -> "list[Record]":
        """An event where the clock is off by more than the policy allows, and that is news."""
        now_s = clock.now_s()
        if self.error_s is None or abs(self.error_s) <= self._policy.tolerance_s:
            self._told_s = 0
            return []
        grown = abs(self.error_s - self._told_error_s) > self._policy.tolerance_s
        if self._told_s and not grown and now_s - self._told_s < TELL_AGAIN_S:
            return []
        self._told_s, self._told_error_s = now_s, self.error_s
        assert time.utc_s is not None
        return [self._event(clock, status.EVENT_METER_CLOCK_OFF, now_s, "%s is %+d s off%s" % (
            _shown(time.utc_s), self.error_s, " (%s)" % time.doubt if time.doubt else ""))]

    def _may_step(self, time: MeterTime, clock: Clock) -> bool:
        """Whether the policy wants it set, our clock is the better one, and no capture is lost."""
        error_s, most_s = self.error_s, self._policy.max_step_s
        if error_s is None or abs(error_s) <= self._policy.tolerance_s or not most_s or (
                time.doubt or clock.quality() != status.SYNCHRONISED or "set" in self._cannot):
            return False
        now_s = clock.now_s()
        shown_s = now_s + error_s
        step_s = self._next_step_s(now_s)
        return step_s != 0 and shown_s // CAPTURE_S == (shown_s + step_s) // CAPTURE_S

    def _next_step_s(self, now_s: int) -> int:
        most_s = self._policy.max_step_s
        allowed_s = self._reader().clock_step_s(now_s)
        if allowed_s is not None:
            most_s = min(most_s, allowed_s)
        return max(-most_s, min(most_s, -(self.error_s or 0)))

    def _step(self, line: Line, clock: Clock) -> "list[Record]":
        """Set the clock one step nearer to ours."""
        before_s = self.error_s or 0
        step_s = self._next_step_s(clock.now_s())
        set_s = clock.now_s() + before_s + step_s
        done: list[bool] = []

        def setting() -> "Conversation[None]":
            yield from self._reader().set_clock(set_s)
            done.append(True)

        self._ask("set", setting(), line)
        if not done:
            return []
        self.error_s = self._told_error_s = before_s + step_s
        return [self._event(clock, status.EVENT_METER_CLOCK_SET, clock.now_s(),
                            "set by %+d s, was %+d s off" % (step_s, before_s))]

    def events(self, line: Line, clock: Clock) -> "list[Record]":
        """What the meter's log has new; each entry once. Raises MeterError, LineGone."""
        if "events" in self._cannot:
            return []
        marks = self.marks
        # From the second of the mark on: entries of one second may come in two visits.
        found = self._ask("events", self._reader().read_events(max(marks.events_s - 1, 0)), line)
        records: list[Record] = []
        for entry in (found or [])[:EVENTS_MAX]:
            event = _event_of(entry, self.known.index, clock)
            if marks.is_new(_time_in(event), entry.code, event.note):
                marks_event(marks, event)
                records.append(event)
        return records

    def _newest(self, line: Line, clock: Clock) -> "list[Record]":
        """What the profile has new; where that is more than usual it waits for the back-fill."""
        now_s = clock.now_s()
        if self.marks.profile_s is None:
            self.marks.profile_s = now_s - self._usual_s
        if now_s - self.marks.profile_s > self._usual_s:
            return []
        return self._profile(line, clock, self.marks.profile_s + 1, now_s)

    def _profile(self, line: Line, clock: Clock, first_s: int, last_s: int) -> "list[Record]":
        """Rows of the load profile that are not archived yet."""
        if self._profile_set is None or "profile" in self._cannot:
            return []
        found = self._ask("profile", self._reader().read_profile(first_s, last_s), line)
        records: list[Record] = []
        mark_s = first_s - 1
        for row in found or []:
            if mark_s < row.captured_at_s <= last_s and len(records) < ROWS_MAX:
                mark_s = row.captured_at_s
                records.append(self._row(row, clock))
        if records:
            self.marks.profile_s = mark_s
        return records

    def _row(self, row: ProfileRow, clock: Clock) -> Row:
        off = self.error_s is None or abs(self.error_s) > self._policy.tolerance_s
        statuses = tuple([status.FROM_PROFILE | (status.ABSENT if value is None else 0)
                          for value in row.values])
        assert self._profile_set is not None
        return Row(0, self.known.index, self._profile_set, row.captured_at_s,
                   status.FREE_RUNNING if off else clock.quality(), row.values, statuses)

    def _event(self, clock: Clock, kind: int, at_s: int, note: str) -> Event:
        told = ("line %s: %s: clock %s" % (self._line, self.known.meter.serial, note))[:NOTE_MAX]
        return Event(0, at_s, clock.quality(), kind, self.known.index, told)


def marks_event(marks: Marks, event: Event) -> None:
    """Note in `marks` that this event of a meter is archived."""
    code = code_of(event.note)
    at_s = _time_in(event)
    if at_s is None:
        marks.note_timeless(code, event.note)
    else:
        marks.note_event(at_s, code, event.note)


def code_of(note: str) -> int:
    """The meter's own code in the note of one of its events."""
    first = note.split(" ")[0]
    return int(first) if first.isdigit() else 0


def _event_of(entry: MeterEvent, meter: int, clock: Clock) -> Event:
    """An entry of a meter's log as it stands in the archive. One to which the meter gives no time,
    or one that cannot be, has the time of its reading, which is then only an order.
    """
    note = ("%d %s" % (entry.code, entry.note)).strip()[:NOTE_MAX]
    now_s = clock.now_s()
    if entry.at_s is None or not 0 < entry.at_s <= min(now_s + DAY_S, TIME_MAX_S):
        return Event(0, now_s, status.NEVER_SET, status.EVENT_OF_METER, meter, note)
    return Event(0, entry.at_s, status.FREE_RUNNING, status.EVENT_OF_METER, meter, note)


def _time_in(event: Event) -> int | None:
    return None if event.time_quality == status.NEVER_SET else event.at_s


def _shown(utc_s: int) -> str:
    """A second of the day as people write it, with its date left to the event's own time."""
    return "%02d:%02d:%02dZ" % (utc_s // 3600 % 24, utc_s // 60 % 60, utc_s % 60)
