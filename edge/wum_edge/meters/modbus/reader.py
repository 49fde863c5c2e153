"""One Modbus meter, kept from sweep to sweep: which ranges it is asked for, and what it refuses.

Left out: bytes (rtu.py) and how registers are merged (ranges.py).
"""

from wum_edge.errors import LineSilent, MeterError, Refused
from wum_edge.meters.modbus import acts
from wum_edge.meters.modbus.pdu import read_words, words_of
from wum_edge.meters.modbus.ranges import Range, plan, split
from wum_edge.meters.modbus.rtu import RtuStation
from wum_edge.meters.reader import CannotDo, Reader, SwitchState, Take
from wum_edge.meters.scaling import raw_number, scaled
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from typing import TypeVar

    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model
    from wum_edge.meters.modbus.station import Reply, Station
    from wum_edge.meters.reader import Conversation

    Way = TypeVar("Way")

FAILURES_MAX = 2             # Failed turns after which a read leaves the rest for later.
_NOT_THERE = (2, 3)          # Exceptions that a request for fewer registers may avoid.


def station_of(meter: "config.Meter") -> "Station":
    """How this meter is reached. Without an access it is on a serial line."""
    if meter.access is not None and meter.access.framing == "tcp":
        from wum_edge.meters.modbus.tcp import TcpStation  # Late: few lines are in a network.
        return TcpStation(int(meter.address), meter.timeout_ms)
    return RtuStation(int(meter.address), meter.timeout_ms)


class ModbusReader(Reader):
    """Reads a meter in the fewest requests that it grants; see Reader."""

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock") -> None:
        self.ranges = plan(model.registers, model.manner.limits)
        self._model = model
        self._meter = meter
        self.station = station_of(meter)
        self._clock = clock
        self._may_split = True
        self._refused: set[int] = set()   # Places, since something was given last.
        self._rest_until_ms = 0           # Until then a late answer may still come.

    def read(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        """See Reader.read."""
        yield from self._rest()
        todo = self._covering(places)
        failures = 0
        while todo:
            one = todo.pop(0)
            started_ms = self._clock.monotonic_ms()
            try:
                reply = yield from self.station.ask(
                    read_words(one.function, one.first, one.count))
            except Refused as error:
                take.errors.append(error)
                todo = self._smaller(one, error, take) + todo
            except MeterError as error:
                take.errors.append(error)
                failures += 1
                now_ms = self._clock.monotonic_ms()
                waited = type(error) is LineSilent or (
                    now_ms - started_ms >= self._meter.timeout_ms)
                if failures >= FAILURES_MAX or waited:
                    # Its answer may still come, and an answer does not say to which range.
                    if not self.station.late_answers_pass:
                        self._rest_until_ms = now_ms + self._meter.timeout_ms
                    break
            else:
                self._take(one, reply, take)

    def switch(self, closed: bool) -> "Conversation[None]":
        """See Reader.switch."""
        way = self._way(self._model.manner.acts.switch, "switch")
        yield from self._rest()
        yield from acts.throw(self.station, way, closed, "%s: switch" % self._model.model)

    def read_switch(self) -> "Conversation[SwitchState]":
        """See Reader.read_switch."""
        way = self._way(self._model.manner.acts.switch, "switch")
        yield from self._rest()
        found = yield from acts.state(self.station, way)
        if found not in (way.open, way.closed):
            raise Refused("%s: switch: wanted %d or %d, it reads %d" % (
                self._model.model, way.open, way.closed, found), 0)
        return SwitchState(found == way.closed, "%d" % found)

    def switch_secondary(self, closed: bool) -> "Conversation[None]":
        """See Reader.switch_secondary."""
        way = self._way(self._model.manner.acts.secondary, "switch for a secondary load")
        yield from self._rest()
        yield from acts.throw(self.station, way, closed, "%s: secondary load" % self._model.model)

    def set_limit(self, value: int, exponent: int) -> "Conversation[None]":
        """See Reader.set_limit; the limiter is these registers, and nothing beside them."""
        way = self._way(self._model.manner.acts.limit, "limiter")
        yield from self._rest()
        yield from acts.set_limit(
            self.station, way, value, exponent, "%s: limit" % self._model.model)

    def set_clock(self, utc_s: int) -> "Conversation[None]":
        """See Reader.set_clock."""
        way = self._way(self._model.manner.acts.clock, "clock that can be set")
        began_s = self._clock.now_s()
        yield from self._rest()
        yield from acts.set_clock(self.station, way, utc_s + self._clock.now_s() - began_s,
                                  "%s: clock" % self._model.model)

    def _way(self, way: "Way | None", what: str) -> "Way":
        if way is None:
            raise CannotDo("%s: has no %s" % (self._model.model, what))
        return way

    def _rest(self) -> "Conversation[None]":
        """Let a late answer to this meter's failed turn pass before it is asked again."""
        wait_ms = self._rest_until_ms - self._clock.monotonic_ms()
        if wait_ms > 0:
            yield Turn(b"", _Nothing(), min(wait_ms, self._meter.timeout_ms))
        self._rest_until_ms = 0

    def _covering(self, places: tuple[int, ...]) -> list[Range]:
        """The ranges for these places; one of which only a part is wanted is made smaller."""
        found = []
        for one in self.ranges:
            wanted = tuple([place for place in one.places if place in places])
            if len(wanted) == len(one.places):
                found.append(one)
            elif wanted:
                own = tuple([self._model.registers[place] for place in wanted])
                for part in plan(own, self._model.manner.limits):
                    found.append(Range(part.function, part.first, part.count,
                                       tuple([wanted[place] for place in part.places])))
        return found

    def _smaller(self, one: Range, error: Refused, take: Take) -> list[Range]:
        """What to ask for instead of a range that the meter refused."""
        for place in one.places:
            take.refused[place] = error
        if error.code not in _NOT_THERE:
            take.again.update(one.places)    # Busy, say: the same may be granted later.
            return []
        parts = list(split(one, self._model.registers)) if self._may_split else [one]
        if len(parts) > 1:
            for place in one.places:
                del take.refused[place]
            self.ranges = tuple([part for old in self.ranges
                                 for part in (parts if old == one else [old])])
            return parts
        self._refused.update(one.places)
        if len(self._refused) == len(self._model.registers):
            # It refuses everything: another model, most likely. Do not ask one by one for ever.
            self._may_split = False
            self.ranges = plan(self._model.registers, self._model.manner.limits)
        return []

    def _take(self, one: Range, reply: "Reply", take: Take) -> None:
        take.turns += 1
        take.foreign += reply.foreign
        self._refused.clear()
        words = words_of(reply.pdu)
        for place in one.places:
            register = self._model.registers[place]
            source = register.source
            at = source.address - one.first
            raw = raw_number(words[at:at + source.count], source.word_order)
            take.values[place] = None if raw == source.absent else scaled(
                raw, source.type, source.scale, register.scaler)


class _Nothing(Hearing):
    """Waits for nothing: whatever is heard meanwhile is late."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return False
