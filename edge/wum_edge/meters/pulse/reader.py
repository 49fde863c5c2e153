"""One pulse meter read: pulses into its unit, exactly; its events.

Left out: counting (counter.py). A value is what is complete: 5 pulses of 1/3200 kWh are 1 Wh.
"""

from wum_edge.errors import BadCheck, LineSilent, MeterError, Refused
from wum_edge.meters.pulse.entry import weight_of
from wum_edge.meters.pulse.journal import Kept, decode_kept
from wum_edge.meters.pulse.line import (
    COUNTER,
    EVENTS,
    LOST,
    WholeEvents,
    WholeRecord,
    decode_events,
)
from wum_edge.meters.reader import MeterEvent, Reader, Take
from wum_edge.meters.turn import Turn
from wum_shared.columns import VALUE_MAX
from wum_shared.units import UNITS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model, Register
    from wum_edge.meters.pulse.entry import Weight
    from wum_edge.meters.reader import Conversation


class PulseReader(Reader):
    """Reads one input's counter; see Reader."""

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock") -> None:
        self._model = model
        self._number = int(meter.address)
        self._start = meter.access.start if meter.access is not None else 0
        self._weight = weight_of(model.manner, meter.access)
        self._timeout_ms = meter.timeout_ms

    def read(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        """See Reader.read."""
        try:
            kept = yield from self._counter()
        except MeterError as error:
            take.errors.append(error)
            return
        take.turns += 1
        for place in places:
            self._take(place, kept, take)

    def read_events(self, after_s: int) -> "Conversation[list[MeterEvent]]":
        """See Reader.read_events."""
        ask = EVENTS + bytes((self._number,)) + after_s.to_bytes(8, "little")
        heard = yield Turn(ask, WholeEvents(), self._timeout_ms)
        if not heard:
            raise LineSilent("there is no pulse input %d" % self._number)
        events = decode_events(heard)
        if events is None:
            raise BadCheck("pulse input %d: its events are damaged" % self._number)
        return events

    def _counter(self) -> "Conversation[Kept]":
        heard = yield Turn(COUNTER + bytes((self._number,)), WholeRecord(), self._timeout_ms)
        if not heard:
            raise LineSilent("there is no pulse input %d" % self._number)
        if heard == LOST:
            raise Refused("pulse input %d: all records of its counter are damaged. Read the "
                          "meter's index, move its file (pulses/ in the archive) away and put the "
                          "index into `start`"
                          % self._number, 0)
        kept = decode_kept(heard)
        if kept is None:
            raise BadCheck("pulse input %d: its record is damaged" % self._number)
        return kept

    def _take(self, place: int, kept: Kept, take: Take) -> None:
        register = self._model.registers[place]
        weight = self._weight
        if register.unit != weight.unit:
            take.refused[place] = Refused("%s: wanted %s, its pulses count %s" % (
                register.name, UNITS[register.unit] or "no unit", UNITS[weight.unit]), 0)
            return
        rate = register.source.rate
        value = worth(kept.rates[rate - 1] if rate else kept.total, weight, register)
        value += 0 if rate else self._start
        take.values[place] = value if value <= VALUE_MAX else None


def worth(pulses: int, weight: "Weight", register: "Register") -> int:
    """What so many pulses are worth as an integer of 10^scaler; what is not complete is left."""
    power = weight.amount.power - register.scaler
    above, below = pulses * weight.amount.factor, weight.pulses
    if power >= 0:
        above *= 10**power
    else:
        below *= 10**-power
    return above // below
