"""One reading round over the meters of one line: rows, what was missed, and why.

Left out: when a sweep is due (schedule.py), the line (a port), one meter's turns (visit.py), and
where results go: the archive gives them their sequence numbers, here they are 0.

A sweep visits the living meters, then reads what failed once more, then probes the dead. A meter
is dead when a whole sweep heard nothing genuine of it. A probe waits as long as was learnt of that
meter, and is made in a sweep of which it takes at most a fiftieth, or else in every fourth: the
dead never spend the others' time, and none is given up. Nothing here makes up a value.
"""

from wum_edge.clock import Clock
from wum_edge.config import Config, different_schedules
from wum_edge.errors import LineGone, MeterError
from wum_edge.meters.catalog import Model
from wum_edge.meters.pace import setting_of
from wum_edge.meters.turn import Line, converse
from wum_edge.meters.twins import Twins, answers_twice, let_pass
from wum_edge.meters.upkeep import Marks, Upkeep
from wum_edge.meters.visit import KnownMeter, Visit
from wum_edge.portions import Portion
from wum_edge.schedule import last_due_s
from wum_edge.schema import Sets
from wum_shared import status
from wum_shared.batch import Event, Missed, Row
from wum_shared.messages import NOTE_MAX, Schedule

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Iterator

REREADS_MAX = 2              # Rounds of re-reading within one sweep.
BAD_SWEEPS = 3               # Sweeps of nothing but damaged or foreign answers until one is dead.
PROBE_SHARE = 50             # Probing takes at most 1/50 of what the living took ...
PROBE_EVERY = 4              # ... but no dead meter goes longer than this many sweeps without.

_ACCEPT = ". If its maker reset it: wum-edge meter accept-counter"


def sweeps_of_line(
        config: Config, models: dict[str, Model], line: str) -> "list[tuple[Schedule, Sweep]]":
    """A sweep of the meters of each schedule of one line, the shortest period first; one of no
    meter for a line that has none. A meter with several register sets is in the sweep of each.
    """
    meters = meters_of_line(config, models, line)
    schedules = different_schedules([portion.schedule for known in meters
                                     for portion in known.portions] or [config.schedule])
    return [(schedule, Sweep(line, [
        known for known in meters
        if any(portion.schedule == schedule for portion in known.portions)], schedule))
            for schedule in schedules]


def meters_of_line(config: Config, models: dict[str, Model], line: str) -> list[KnownMeter]:
    """The meters of one line of a configuration, for `Sweep`. `models` are by name."""
    own = [one for one in config.lines if one.name == line][0]
    sets = Sets(config, models)
    found = []
    for index, meter in enumerate(config.meters):
        if meter.line == line:
            model = models[meter.model]
            known = KnownMeter(index, 0, meter, model,
                               setting_of(model, own, config.characters[index]))
            known.portions = sets.of(index)
            known.upkeep = Upkeep(
                line, known, config.clock_policy,
                min([portion.schedule.period_s for portion in known.portions]),
                sets.profile(meter.model), Marks())
            found.append(known)
    return found


class Sweep:
    """The sweeps of one line, one after the other. Keeps what it learnt of each meter. Of meters
    with several register sets it reads what is due with `schedule`; without one, all.
    """

    def __init__(
            self, name: str, meters: list[KnownMeter], schedule: Schedule | None = None) -> None:
        self.meters = meters
        self._schedule = schedule
        self._due_s = 0
        self._name = name
        self._gone = ""              # Why the line cannot be used; empty when it can.
        self._end_ms = 0
        self._twins = Twins()
        self._noise_told = False

    def run(
            self, line: Line, clock: Clock, budget_ms: int,
    ) -> "Iterator[Row | Missed | Event | None]":
        """One sweep that starts no visit after `budget_ms` (real milliseconds).

        Gives each record as soon as it stands, and None as a breath after every visit, so that
        the caller may stop between two meters. Every register set that is due of a meter gives a
        Row or a Missed; what another sweep has read along for the same moment is not due.
        """
        began_ms = clock.monotonic_ms()
        self._end_ms = began_ms + budget_ms
        self._due_s = last_due_s(clock.now_s(), self._schedule) if self._schedule else 0
        due = [known for known in self.meters if known.due(self._schedule, self._due_s)]
        living = [known for known in due if not _dead(known)]
        dead = [known for known in due if _dead(known)]
        visits: list[Visit] = []         # Those that are not over.
        visited = []
        latest: list[Visit] = []
        self._twins.begin()
        try:
            for known in sorted(living, key=_longest_waiting):  # No ties: the index is unique.
                if clock.monotonic_ms() >= self._end_ms:
                    break
                latest = [self._visit(known)]
                visits += latest             # Before: the line may go while it is asked.
                yield from self._attempt(latest[0], line, clock)
                if latest[0].is_over():
                    visits.pop()
                    visited.append(known)
                    yield from self._finish(latest[0], clock)
            for visit in self._again(visits, clock):
                # What damaged the last answer may go on: a second meter at that address talks late.
                if latest and latest[0].is_damaged():
                    let_pass(line, latest[0].known.meter.timeout_ms)
                latest = [visit]
                # It had its whole timeout: now it is waited for as it usually takes.
                wait_ms = visit.known.turnaround.learnt_ms(visit.known.meter.timeout_ms)
                yield from self._attempt(visit, line, clock, 0 if visit.answered else wait_ms)
            for known in self._to_probe(dead, clock, clock.monotonic_ms() - began_ms):
                visits.append(self._visit(known))
                wait_ms = known.turnaround.probe_ms(known.meter.timeout_ms)
                yield from self._attempt(visits[-1], line, clock, wait_ms)
            yield from self._examine(line, clock)
        except LineGone as error:
            if not self._gone:
                self._gone = str(error)
                yield self._event(clock, status.EVENT_LINE_GONE, None, self._gone)
        yield from self._judge_noise(visits, clock)
        for visit in visits:
            if visit.answered or visit.error:
                visited.append(visit.known)
                yield from self._finish(visit, clock)
        for known in due:
            if known not in visited:
                yield from self._not_tried(known, clock)

    def _visit(self, known: KnownMeter) -> Visit:
        portions = known.due(self._schedule, self._due_s)
        known.note_read(portions, self._due_s)
        return Visit(known, portions)

    def _attempt(
            self, visit: Visit, line: Line, clock: Clock, wait_ms: int = 0,
    ) -> "Iterator[Row | Event | None]":
        rows = visit.attempt(line, clock, wait_ms)
        if self._gone:
            self._gone = ""
            yield self._event(clock, status.EVENT_LINE_BACK, None, "usable again")
        self._twins.note(visit)
        yield from rows
        if rows:
            told = visit.known.backward.note(visit.take.values, clock.now_s())
            if told:
                yield self._event(clock, status.EVENT_COUNTER_BACK, visit.known, "%s: %s" % (
                    visit.known.meter.serial, told))
        if visit.take.answered():
            yield from _rest_of_visit(visit, line, clock)
        visit.put_down()
        yield None

    def _examine(self, line: Line, clock: Clock) -> "Iterator[Event]":
        """Whether two meters answer at the address of one that was heard when others were asked."""
        known = self._twins.suspect()
        if known is not None and clock.monotonic_ms() < self._end_ms and (
                answers_twice(known, line)):
            known.clash_told = True
            yield self._event(clock, status.EVENT_ADDRESS_CLASH, known, _twice(known))

    def _judge_noise(self, visits: list[Visit], clock: Clock) -> "Iterator[Event]":
        """Noise on the line, once until a sweep is without it."""
        damaged = self._twins.end(visits, self.meters)
        if not self._twins.noisy_sweeps:
            self._noise_told = False
        elif self._twins.noisy_sweeps >= BAD_SWEEPS and not self._noise_told:
            self._noise_told = True
            yield self._event(clock, status.EVENT_LINE_NOISY, None, (
                "answers of %d of %d meters are damaged: check termination, A/B, shield and baud"
                % (damaged, len(self.meters))))

    def _again(self, visits: list[Visit], clock: Clock) -> "Iterator[Visit]":
        """Visits that left something and may still get it, each once a round."""
        for _ in range(REREADS_MAX):
            for visit in visits:
                if visit.left and not visit.hopeless() and visit.in_spread(clock) and (
                        clock.monotonic_ms() < self._end_ms):
                    yield visit

    def _to_probe(
            self, dead: list[KnownMeter], clock: Clock, living_ms: int,
    ) -> "Iterator[KnownMeter]":
        """Dead meters whose turn it is: a quarter of them in any case, more while it is cheap
        beside the `living_ms` that the others took.
        """
        started_ms = clock.monotonic_ms()
        owed = (len(dead) + PROBE_EVERY - 1) // PROBE_EVERY
        oldest_first = sorted(dead, key=_longest_waiting)  # No ties: the index is unique.
        for count, known in enumerate(oldest_first):
            spent_ms = clock.monotonic_ms() - started_ms + known.turnaround.learnt_ms(
                known.meter.timeout_ms)
            cheap = spent_ms * PROBE_SHARE <= living_ms and clock.monotonic_ms() < self._end_ms
            if count < owed or cheap:
                yield known

    def _finish(self, visit: Visit, clock: Clock) -> "Iterator[Missed | Event]":
        known = visit.known
        known.skipped_sweeps = 0
        if visit.answered:
            known.failed_sweeps = 0
            known.turnaround.lives()
            if known.silence_told:
                known.silence_told = False
                yield self._event(clock, status.EVENT_METER_BACK, known, known.meter.serial)
        yield from self._doubt(visit, clock)
        outcome, why = status.NOT_TRIED, self._gone
        if visit.error:
            outcome, why = visit.error.outcome, str(visit.error)
        elif visit.rows:
            outcome, why = status.OTHER_REASON, "it gave other registers, and none of these"
        for portion in visit.portions:
            if portion.register_set not in visit.given:
                yield _missed(known, portion, visit.captured_at_s, visit.time_quality, outcome, why)
        if visit.rows:
            known.damaged_sweeps = 0
            return
        # What is equal in the answers of two comes whole: some of it may be genuine all the same.
        is_damaged = outcome in (status.BAD_CHECK, status.FOREIGN)
        known.damaged_sweeps = known.damaged_sweeps + 1 if is_damaged else 0
        if not visit.answered:
            known.failed_sweeps += 1
            known.failed_outcome = outcome
            if outcome == status.SILENT and not known.silence_told:
                known.silence_told = True
                yield self._event(clock, status.EVENT_METER_SILENT, known, known.meter.serial)
        if known.damaged_sweeps >= BAD_SWEEPS and not known.clash_told and (
                not self._twins.noisy_sweeps):         # Noise is no second meter.
            known.clash_told = True
            if outcome == status.FOREIGN:
                yield self._event(clock, status.EVENT_METER_DOUBTED, known, _other(visit))
            else:
                yield self._event(clock, status.EVENT_ADDRESS_CLASH, known, _clash(known))

    def _doubt(self, visit: Visit, clock: Clock) -> "Iterator[Event]":
        """An alarm for what no honest meter says, once until it is read again without."""
        known, error = visit.known, visit.error
        if error is None or error.outcome not in (status.COUNTER_DECREASED, status.NOT_GENUINE):
            known.doubt_told = known.doubt_told and not visit.rows
        elif not known.doubt_told:
            known.doubt_told = True
            yield self._event(clock, status.EVENT_METER_DOUBTED, known, "%s: %s%s" % (
                known.meter.serial, error, _ACCEPT if (
                    error.outcome == status.COUNTER_DECREASED) else ""))

    def _not_tried(self, known: KnownMeter, clock: Clock) -> "Iterator[Missed]":
        """What would have been read along is left to the sweep of its own schedule."""
        known.skipped_sweeps += 1
        known.counters.count(status.NOT_TRIED)
        if self._gone:
            note = self._gone
        elif _dead(known):
            note = "%s in %d sweeps, probed again within %d" % (
                status.OUTCOMES[known.failed_outcome], known.failed_sweeps, PROBE_EVERY)
        else:
            note = "the sweep's time was spent"
        for portion in known.due(self._schedule, self._due_s):
            if self._schedule is None or portion.schedule == self._schedule:
                yield _missed(known, portion, clock.now_s(), clock.quality(), status.NOT_TRIED,
                              note)

    def _event(self, clock: Clock, kind: int, known: KnownMeter | None, note: str) -> Event:
        place = "line %s" % self._name       # Errors of the line name it themselves.
        told = (note if note.startswith(place) else "%s: %s" % (place, note))[:NOTE_MAX]
        return Event(0, clock.now_s(), clock.quality(), kind, known.index if known else None, told)


def _rest_of_visit(visit: Visit, line: Line, clock: Clock) -> "Iterator[Row | Event]":
    """What is due besides the registers, in the same association; then it is closed."""
    known = visit.known
    if known.upkeep is not None and not visit.is_kept:
        visit.is_kept = True
        yield from known.upkeep.after(visit, line, clock)
    assert known.reader is not None
    try:
        known.prepare(line)
        converse(known.reader.close(), line)
    except MeterError as error:      # It ends by itself; the counter tells.
        known.counters.count(error.outcome)


def _clash(known: KnownMeter) -> str:
    """What damaged answers in every sweep mean, and what to do."""
    return "%s: answers at address %s are damaged in every sweep: do two meters have it? %s" % (
        known.meter.serial, known.meter.address,
        "Unplug one, give it another; if not, check termination, A/B and parity.")


def _other(visit: Visit) -> str:
    """Whole answers that are never this meter's, and what to do."""
    return "%s: another answers in every sweep: was it replaced, or moved? %s (%s)" % (
        visit.known.meter.serial, "Put right what is configured. If not, is there a second master?",
        visit.error)


def _twice(known: KnownMeter) -> str:
    """Two whole answers to one question, and what to do."""
    return "%s: two meters answer at address %s, one after the other: %s" % (
        known.meter.serial, known.meter.address,
        "its readings may be of either. Unplug one, give it another address.")


def _dead(known: KnownMeter) -> bool:
    enough = 1 if known.failed_outcome == status.SILENT else BAD_SWEEPS
    return known.failed_sweeps >= enough


def _longest_waiting(known: KnownMeter) -> tuple[int, int]:
    return (-known.skipped_sweeps, known.index)


def _missed(
        known: KnownMeter, portion: Portion, captured_at_s: int, time_quality: int, outcome: int,
        note: str,
) -> Missed:
    return Missed(0, known.index, portion.register_set, captured_at_s, time_quality, outcome,
                  note[:NOTE_MAX])
