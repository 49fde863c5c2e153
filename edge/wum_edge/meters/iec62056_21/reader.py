"""One IEC 62056-21 meter, kept from sweep to sweep: its registers, clock, load profile, switch.

Left out: bytes and turns (readout.py, programming.py) and what an entry may say (entry.py).
"""

from wum_edge.errors import BadCheck, ForeignAnswer, MeterError, Refused
from wum_edge.meters.iec62056_21.dataset import DataSet, Value, decimal, unit_code
from wum_edge.meters.iec62056_21.entry import address_of
from wum_edge.meters.iec62056_21.history import History
from wum_edge.meters.iec62056_21.readout import read_out
from wum_edge.meters.iec62056_21.session import NO_CODE
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.iec62056_21.timing import at_midnight, stamp_in, time_of, writes_of
from wum_edge.meters.reader import CannotDo, MeterTime, SwitchState, Take
from wum_edge.meters.scaling import rescaled
from wum_shared.obis import obis_to_text
from wum_shared.status import CLOCK_DOUBTFUL
from wum_shared.units import UNITS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model, Register
    from wum_edge.meters.iec62056_21.entry import Source
    from wum_edge.meters.iec62056_21.ways import ClockWay
    from wum_edge.meters.reader import Conversation


class IecReader(History):
    """Reads a meter by one readout, or register by register where the model has it so."""

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock") -> None:
        super().__init__(model, meter, clock)
        self._clock_unsaid = False   # The latest readout did not say the time.
        self._season: str | None = None      # In which it showed its time; None: never read.
        self._corrected_s = 0        # When its clock was corrected last.

    def read(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        """See Reader.read."""
        try:
            if self._manner.reads == "readout":
                yield from self._read_out(places, take)
            else:
                yield from self._read_registers(places, take)
        except MeterError as error:
            take.errors.append(error)

    def read_clock(self) -> "Conversation[MeterTime]":
        """See Reader.read_clock."""
        way = self._manner.clock
        if way is None or self._clock_unsaid:
            raise CannotDo("%s: no clock that can be read" % self._model.model)
        if self._manner.reads == "readout":
            readout = yield from read_out(self._opening, self._timeout_ms, self._asked)
            found = self._time_in_readout(readout.sets)
        else:
            found = self._time_in((yield from self._inside(self._ask_clock_sets(way))))
        if found is None:
            raise BadCheck("%s: no date and time under %s" % (
                self._asked, " and ".join(way.addresses())))
        return found

    def set_clock(self, utc_s: int) -> "Conversation[None]":
        """See Reader.set_clock. What is written is of the season in which it shows its time."""
        way = self._manner.clock
        if way is None or not way.write:
            raise CannotDo("%s: no clock that can be set" % self._model.model)
        offset_min = self._offset_min()
        began_s = self._clock.now_s()
        yield from self._inside(self._set(way, utc_s, offset_min, began_s), True)

    def clock_step_s(self, now_s: int) -> int | None:
        """See Reader.clock_step_s."""
        way = self._manner.clock
        if way is None or not way.correct:
            return None
        return 0 if 0 <= now_s - self._corrected_s < way.rest_s else int(way.most_s)

    def _set(
            self, way: "ClockWay", utc_s: int, offset_min: int, began_s: int,
    ) -> "Conversation[None]":
        if way.correct:
            found = yield from self._shown_time(way)
            yield from self._correct(way, found, utc_s + self._clock.now_s() - began_s)
            return
        if self._season is None:
            yield from self._ask_season(way)
        wanted_s = utc_s + self._clock.now_s() - began_s
        yield from self._write_all(
            way.write, writes_of(way, wanted_s, offset_min, self._season or ""))

    def _ask_season(self, way: "ClockWay") -> "Conversation[None]":
        try:
            yield from self._shown_time(way)
        except Refused:
            self._season = ""    # It shows it in its readout alone: normal time is written.

    def _ask_clock_sets(self, way: "ClockWay") -> "Conversation[list[DataSet]]":
        """Date and time, and where the time is just behind midnight the date once more: it may be
        of the day before, and a clock would be set back by a day.
        """
        sets = yield from self._ask_all(way.addresses())
        if way.date and at_midnight(sets[1].values[0].text):
            sets[0] = (yield from self._ask(way.date))[0]
        return sets

    def _shown_time(self, way: "ClockWay") -> "Conversation[MeterTime]":
        """What it shows now, and in which season: that of what is written to it."""
        found = self._time_in((yield from self._ask_clock_sets(way)))
        if found is None:
            raise BadCheck("%s: no date and time under %s" % (
                self._asked, " and ".join(way.addresses())))
        return found

    def _correct(
            self, way: "ClockWay", found: MeterTime, wanted_s: int) -> "Conversation[None]":
        """By how many seconds it is to go on or back, as far as the model lets us."""
        assert found.utc_s is not None, "its offset is known"
        step_s = max(-way.most_s, min(way.most_s, wanted_s - found.utc_s))
        self._corrected_s = self._clock.now_s()
        yield from self._write_all(way.write, [(way.correct, "%d" % step_s)])

    def switch(self, closed: bool) -> "Conversation[None]":
        """See Reader.switch."""
        way = self._manner.switch
        if way is None:
            raise CannotDo("%s: no switch" % self._model.model)
        yield from self._inside(self._write_all(
            way.command, [(way.address, way.closed if closed else way.open)]), True)
        sets = yield from self._inside(self._ask(way.state))
        state = sets[0].values[0].text
        if state != (way.is_closed if closed else way.is_open):
            raise Refused("%s: switch: wanted state %s, it reads %s" % (
                self._asked, way.is_closed if closed else way.is_open, repr(state)), NO_CODE)

    def read_switch(self) -> "Conversation[SwitchState]":
        """See Reader.read_switch."""
        way = self._manner.switch
        if way is None:
            raise CannotDo("%s: no switch" % self._model.model)
        sets = yield from self._inside(self._ask(way.state))
        state = sets[0].values[0].text
        if state not in (way.is_open, way.is_closed):
            raise Refused("%s: switch: wanted state %s or %s, it reads %s" % (
                self._asked, way.is_open, way.is_closed, repr(state)), NO_CODE)
        return SwitchState(state == way.is_closed, state)

    def _read_out(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        readout = yield from read_out(self._opening, self._timeout_ms, self._asked)
        self._check_identity(readout.sets)
        take.turns += 1
        take.meter_time = self._time_in_readout(readout.sets)
        # Another readout would not say it either, and takes as long as this one.
        self._clock_unsaid = take.meter_time is None
        codes = [obis_of(one.address, self._manner.channel) for one in readout.sets]
        for place in places:
            register = self._model.registers[place]
            try:
                take.values[place] = value_of(register, readout.sets, codes)
            except MeterError as error:
                take.refused[place] = error

    def _read_registers(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        yield from self._inside(self._ask_places(places, take))

    def _ask_places(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        take.turns += 1
        heard: dict[str, list[DataSet]] = {}     # One answer may hold the values of several.
        for place in places:
            register = self._model.registers[place]
            address = address_of(register)
            try:
                if address not in heard:
                    heard[address] = yield from self._ask(address)
                    take.turns += 1
                take.values[place] = number_of(register, heard[address][0].values)
            except Refused as error:
                take.refused[place] = error
        yield from self._ask_clock(take)

    def _ask_clock(self, take: Take) -> "Conversation[None]":
        """The clock in the same programming mode: one of its own would cost five turns more."""
        if self._manner.clock is None or self._clock_unsaid or take.meter_time is not None:
            return
        try:
            sets = yield from self._ask_clock_sets(self._manner.clock)
            take.turns += len(sets)
            take.meter_time = self._time_in(sets)
        except Refused as error:
            take.errors.append(error)
        self._clock_unsaid = take.meter_time is None

    def _check_identity(self, sets: list[DataSet]) -> None:
        """Two meters of a kind on one pair: the answer must be of the one that was called."""
        manner = self._manner
        if not manner.identity or not self._address:
            return
        for one in sets:
            if one.address == manner.identity:
                own = one.values[0].text.strip(" ")    # Landis+Gyr fills with blanks.
                if own.lstrip("0") != self._address.lstrip("0"):
                    raise ForeignAnswer("%s: heard instead meter %s" % (self._asked, own))
                return
        raise BadCheck("%s: its readout has no %s" % (self._asked, manner.identity))

    def _time_in(self, sets: list[DataSet]) -> MeterTime | None:
        """The meter's clock, where the readout has it."""
        way = self._manner.clock
        if way is None:
            return None
        date = "".join(_texts(sets, way.date, self._manner.channel)) if way.date else ""
        found = stamp_in(way, date, "".join(_texts(sets, way.time, self._manner.channel)))
        if found is None:
            return None
        self._season = found.season
        return time_of(found, self._access)

    def _time_in_readout(self, sets: list[DataSet]) -> MeterTime | None:
        """The same of a readout, which says date and time at two moments."""
        found = self._time_in(sets)
        way = self._manner.clock
        if found is None or way is None or not way.date:
            return found
        if at_midnight("".join(_texts(sets, way.time, self._manner.channel))):
            return MeterTime(found.utc_s, "read at its midnight: the date may be of the day before",
                             found.flags | CLOCK_DOUBTFUL)
        return found


def value_of(
        register: "Register", sets: list[DataSet], codes: "list[bytes | None]",
) -> int | None:
    """The register's scaled integer among the data sets of a readout, whose addresses mean
    `codes`; None: it is no number.

    Raises Refused where the readout has it not, twice and differently, or in another unit.
    """
    source: Source = register.source
    found = [sets[at].values for at in range(len(sets)) if (
        sets[at].address == source.address if source.address else codes[at] == source.code)]
    if not found:
        raise Refused("%s: the readout has no %s" % (
            register.name, source.address or obis_to_text(register.obis)), NO_CODE)
    if any(values != found[0] for values in found):
        raise Refused("%s: the readout has %s twice, with different values" % (
            register.name, source.address or obis_to_text(register.obis)), NO_CODE)
    return number_of(register, found[0])


def number_of(register: "Register", values: "tuple[Value, ...]") -> int | None:
    """The register's scaled integer in the values behind its address. Raises Refused."""
    source: Source = register.source
    if source.place >= len(values):
        raise Refused("%s: wanted value %d in brackets, there are %d" % (
            register.name, source.place + 1, len(values)), NO_CODE)
    value = values[source.place]
    if source.part >= 0:
        parts = value.text.split(",")
        value = Value(parts[source.part] if source.part < len(parts) else "", value.unit)
    number = decimal(value.text)
    if number is None:
        return None
    unit = unit_code(value.unit) if value.unit else source.unit
    if unit is None or unit[0] != register.unit:
        raise Refused("%s: wanted %s, the meter gives %s" % (
            register.name, UNITS[register.unit] or "no unit", value.unit or "no unit"), NO_CODE)
    return rescaled(number.mantissa, number.power + unit[1], register.scaler)


def _texts(sets: list[DataSet], address: str, channel: int) -> list[str]:
    """Texts of the first data set at that address, or at one that means the same code."""
    code = obis_of(address, channel)
    for one in sets:
        if one.address == address or (code is not None and obis_of(one.address, channel) == code):
            return [value.text for value in one.values]
    return []
