"""All that one line does, in its order: commands, on-demand reads, the sweep, the back-fill.

Left out: when a sweep is due and whose thread it is (the port). A command or a read is done between
two visits of a sweep; the back-fill only when nothing else is, one turn at a time.
"""

from wum_edge.clock import Clock
from wum_edge.errors import LineGone, MeterError, Refused
from wum_edge.meters.orders import (
    READ_EVENTS,
    READ_NOW,
    SET_CLOCK,
    SET_LIMIT,
    SWITCH,
    SWITCH_SECONDARY,
    TRANSPARENT,
    Order,
    Orders,
    Outcome,
)
from wum_edge.meters.reader import CannotDo
from wum_edge.meters.readers import reader_for
from wum_edge.meters.sweep import Sweep
from wum_edge.meters.transparent import Transparent
from wum_edge.meters.turn import Line, converse
from wum_edge.meters.upkeep import Upkeep
from wum_edge.meters.visit import KnownMeter, Visit
from wum_shared.batch import Event, Missed, Row

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wum_edge.meters.reader import Conversation, Reader

ATTEMPTS = 2                 # What one order may cost on the line.


class LineWork:
    """The work of one line. `orders` may be put into by any thread. Its meters are those of all
    `sweeps`, each of a schedule.
    """

    lends_by_turns = False       # Whether a session waits for `lend`: for a port with one thread.

    def __init__(self, *sweeps: Sweep) -> None:
        self.orders = Orders()
        self._to_lend: Order | None = None
        self._sweeps = sweeps
        self._meters: list[KnownMeter] = []
        for sweep in sweeps:
            self._meters += [known for known in sweep.meters if known not in self._meters]
        self._resting: set[int] = set()      # Meters whose back-fill failed since the last sweep.

    def sweep(
            self, line: Line, clock: Clock, budget_ms: int, which: int = 0,
    ) -> "Iterator[Row | Missed | Event | None]":
        """One of the sweeps, see Sweep.run; orders are carried out between its visits. Where it
        breathes (None), another one may be made before it goes on.
        """
        self._resting = set()
        for record in self._sweeps[which].run(line, clock, budget_ms):
            yield record
            if record is None:
                yield from self._carry_out(line, clock)

    def idle(self, line: Line, clock: Clock) -> "list[Row | Event] | None":
        """One thing that waits, if anything does: its records; None when there is nothing to do."""
        if len(self.orders):
            return list(self._carry_out(line, clock))
        for known in self._meters:
            upkeep = known.upkeep
            if upkeep is not None and known.index not in self._resting and (
                    known.reader is not None and not known.failed_sweeps
                    and upkeep.owes(clock.now_s())):
                return self._back_fill(upkeep, line, clock)
        return None

    def _back_fill(self, upkeep: Upkeep, line: Line, clock: Clock) -> "list[Row | Event]":
        known = upkeep.known
        try:
            _begin(known, line, clock)
            records = upkeep.back_fill(line, clock)
            _close(known, line)
            return records
        except LineGone:
            self._resting.update([other.index for other in self._meters])
        except MeterError as error:
            known.counters.count(error.outcome)
            self._resting.add(known.index)
        return []

    def _carry_out(self, line: Line, clock: Clock) -> "Iterator[Row | Event]":
        """Every order that waits now, at most as many as a queue holds."""
        for _ in range(len(self.orders)):
            order = self.orders.take()
            if order is None:
                return
            if self.lends_by_turns and order.what == TRANSPARENT:
                self._to_lend = order                # There is one session at a time.
                continue
            outcome = self._done(order, line, clock)
            order.done(outcome)
            yield from outcome.records

    def lend(self, line: Line, clock: Clock) -> "Iterator[None]":
        """The session that waits, if one does, a turn of the line for each that is asked for."""
        order, self._to_lend = self._to_lend, None
        if order is None:
            return
        outcome = Outcome(False, "no meter of this line has index %d" % order.meter, (), False)
        for known in self._meters:
            if known.index == order.meter:
                try:
                    for _ in _lent(order, known, line, clock):
                        yield
                    assert isinstance(order.argument, Transparent)
                    outcome = order.argument.outcome()
                except (MeterError, CannotDo, LineGone) as error:
                    _count(known, error)
                    outcome = Outcome(False, str(error), (), False)
        order.done(outcome)

    def _done(self, order: Order, line: Line, clock: Clock) -> Outcome:
        for known in self._meters:
            if known.index == order.meter:
                try:
                    return _carried_out(order, known, line, clock)
                except (MeterError, CannotDo, LineGone) as error:
                    _count(known, error)
                    return Outcome(False, str(error), (), False)
        return Outcome(False, "no meter of this line has index %d" % order.meter, (), False)


def _carried_out(order: Order, known: KnownMeter, line: Line, clock: Clock) -> Outcome:
    """Raises MeterError, CannotDo, LineGone."""
    if order.what == READ_NOW:
        return _read(known, line, clock)
    if order.what == TRANSPARENT:
        assert isinstance(order.argument, Transparent)
        for _ in _lent(order, known, line, clock):
            pass
        return order.argument.outcome()
    reader = _begin(known, line, clock)
    if order.what == READ_EVENTS:
        records = known.upkeep.events(line, clock) if known.upkeep is not None else []
        _close(known, line)
        return Outcome(True, "", tuple(records), False)
    try:
        converse(_written(order, reader, clock), line)
    except Refused:
        raise
    except (MeterError, LineGone) as error:      # It was on its way, and nobody answered.
        return _looked_at(order, known, line, error)
    _close(known, line)
    return Outcome(True, "", (), False)


def _lent(order: Order, known: KnownMeter, line: Line, clock: Clock) -> "Iterator[None]":
    """The turns of a session. Raises MeterError, CannotDo, LineGone."""
    assert isinstance(order.argument, Transparent)
    _begin(known, line, clock)
    known.reader = None                  # Whatever it knew of an association is of before.
    yield from order.argument.turns(line, clock)


def _written(order: Order, reader: "Reader", clock: Clock) -> "Conversation[object]":
    """What an order writes."""
    argument = order.argument
    if order.what == SWITCH:
        return reader.switch(argument is True)
    if order.what == SWITCH_SECONDARY:
        return reader.switch_secondary(argument is True)
    if order.what == SET_LIMIT:
        assert isinstance(argument, tuple)
        return reader.set_limit(argument[0], argument[1])
    assert order.what == SET_CLOCK and (argument is None or isinstance(argument, int))
    return reader.set_clock(clock.now_s() if argument is None else int(argument))


def _looked_at(order: Order, known: KnownMeter, line: Line, error: Exception) -> Outcome:
    """After a write without an answer: the switch itself says whether it moved, or nobody does."""
    _count(known, error)
    if order.what == SWITCH and isinstance(error, MeterError):
        assert known.reader is not None
        try:
            known.prepare(line)
            found = converse(known.reader.read_switch(), line)
            _close(known, line)
            if found.is_closed == (order.argument is True):
                return Outcome(True, "", (), False)
            return Outcome(False, "%s; the switch is as it was" % error, (), False)
        except (MeterError, CannotDo, LineGone):
            return Outcome(False, str(error), (), True)
    return Outcome(False, str(error), (), True)


def _count(known: KnownMeter, error: Exception) -> None:
    """What a meter says and does not do (a switch that is stuck) is no outcome of a reading."""
    if isinstance(error, MeterError) and error.outcome:
        known.counters.count(error.outcome)


def _read(known: KnownMeter, line: Line, clock: Clock) -> Outcome:
    visit = Visit(known)
    rows: list[Row] = []
    for _ in range(ATTEMPTS):
        if visit.left and not visit.hopeless():
            rows += visit.attempt(line, clock)
    if visit.answered:
        _close(known, line)
    why = str(visit.error or "it gave none of its registers")
    return Outcome(bool(rows), "" if rows else why, tuple(rows), False)


def _begin(known: KnownMeter, line: Line, clock: Clock) -> "Reader":
    """The meter's reader, and the line as it wants it."""
    if known.reader is None:
        known.reader = reader_for(known.model, known.meter, clock)
    known.prepare(line)
    return known.reader


def _close(known: KnownMeter, line: Line) -> None:
    """End what is open with the meter. That this fails costs nothing: it ends by itself."""
    assert known.reader is not None
    try:
        known.prepare(line)
        converse(known.reader.close(), line)
    except MeterError as error:
        known.counters.count(error.outcome)
