"""One IEC 62056-21 meter, kept from sweep to sweep: its registers, clock, load profile, switch.

Left out: bytes and turns (readout.py, programming.py) and what an entry may say (entry.py).
"""

from wum_edge.errors import BadCheck, ForeignAnswer, MeterError, Refused
from wum_edge.meters.iec62056_21.dataset import DataSet, decimal, parse_block, unit_code
from wum_edge.meters.iec62056_21.entry import address_of
from wum_edge.meters.iec62056_21.profile import parse_log, parse_profile, status_words
from wum_edge.meters.iec62056_21.programming import ask, leave, open_programming, write
from wum_edge.meters.iec62056_21.readout import read_out
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.iec62056_21.signon import Opening
from wum_edge.meters.iec62056_21.stamp import digits_of, stamp_from_text, utc_of
from wum_edge.meters.reader import CannotDo, MeterEvent, MeterTime, ProfileRow, Reader, Take
from wum_edge.meters.scaling import rescaled
from wum_shared.obis import obis_to_text
from wum_shared.status import CLOCK_DOUBTFUL, CLOCK_LOCAL
from wum_shared.units import UNITS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from typing import TypeVar

    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model, Register
    from wum_edge.meters.iec62056_21.dataset import Value
    from wum_edge.meters.iec62056_21.entry import Access, Column, Manner, Source
    from wum_edge.meters.iec62056_21.profile import Part
    from wum_edge.meters.reader import Conversation

    Result = TypeVar("Result")

ROWS_MAX = 10000             # Of one load profile answer.
_NO_CODE = 0


class IecReader(Reader):
    """Reads a meter by one readout, or register by register where the model has it so."""

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock") -> None:
        manner: Manner = model.manner
        self._model = model
        self._manner = manner
        self._access: Access = meter.access
        self._address = str(meter.address)
        self._timeout_ms = max(meter.timeout_ms, manner.answer_ms)
        self._opening = Opening(self._address, manner.baud, manner.fixed, manner.characters,
                                manner.wake_up, manner.makers, manner.added)
        self._clock_unsaid = False   # The latest readout did not say the time.
        self._asked = "meter %s" % (self._address or "without address")

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
            found = self._time_in(readout.sets)
        else:
            found = self._time_in((yield from self._inside(self._ask_all(way.addresses()))))
        if found is None:
            raise BadCheck("%s: no date and time under %s" % (
                self._asked, " and ".join(way.addresses())))
        return found

    def set_clock(self, utc_s: int) -> "Conversation[None]":
        """See Reader.set_clock. What is written is normal time, in summer too."""
        way = self._manner.clock
        offset_min = self._access.utc_offset_min
        if way is None or not way.write:
            raise CannotDo("%s: no clock that can be set" % self._model.model)
        if offset_min is None:
            raise CannotDo("%s: how far its time is from UTC is not known: set access."
                           "utc_offset_min" % self._asked)
        if way.date:
            both = digits_of(utc_s, offset_min, 12)
            writes = [(way.date, both[:6]), (way.time, both[6:])]
        else:
            writes = [(way.time, digits_of(utc_s, offset_min, way.digits))]
        yield from self._inside(self._write_all(way.write, writes))

    def read_profile(self, first_s: int, last_s: int) -> "Conversation[list[ProfileRow]]":
        """See Reader.read_profile."""
        way = self._manner.profile
        offset_min = self._access.utc_offset_min
        if way is None:
            raise CannotDo("%s: no load profile" % self._model.model)
        if offset_min is None:
            raise CannotDo("%s: how far its time is from UTC is not known: set access."
                           "utc_offset_min" % self._asked)
        body = "%s(%s;%s)" % (way.address, digits_of(first_s, offset_min, way.digits),
                              digits_of(last_s, offset_min, way.digits))
        answer = yield from self._inside(ask(
            way.command.encode(), body.encode(), self._timeout_ms,
            "%s: %s" % (self._asked, body)))
        rows: dict[int, ProfileRow] = {}
        for part in parse_profile(answer, way.address):
            for row in self._rows(part, way.columns, offset_min):
                if first_s <= row.captured_at_s <= last_s:
                    rows[row.captured_at_s] = row
            if len(rows) > ROWS_MAX:
                raise BadCheck("%s: load profile: more than %d rows" % (self._asked, ROWS_MAX))
        return [rows[at_s] for at_s in sorted(rows)]

    def read_events(self, after_s: int) -> "Conversation[list[MeterEvent]]":
        """See Reader.read_events. The code is the status word."""
        way = self._manner.events
        offset_min = self._access.utc_offset_min
        if way is None:
            raise CannotDo("%s: no event log" % self._model.model)
        if offset_min is None:
            raise CannotDo("%s: how far its time is from UTC is not known: set access."
                           "utc_offset_min" % self._asked)
        body = "%s(%s;)" % (way.address, digits_of(after_s, offset_min, way.digits))
        answer = yield from self._inside(ask(
            way.command.encode(), body.encode(), self._timeout_ms,
            "%s: %s" % (self._asked, body)))
        found: list[tuple[int, int, MeterEvent]] = []
        for entry in parse_log(answer, way.address):
            at_s = utc_of(entry.at, offset_min)
            note = " ".join([status_words(entry.status)] + [t for t in entry.texts if t])
            if at_s is not None and at_s > after_s:
                found.append((at_s, len(found), MeterEvent(at_s, entry.status, note)))
        return [event for _, _, event in sorted(found)]

    def switch(self, closed: bool) -> "Conversation[None]":
        """See Reader.switch."""
        way = self._manner.switch
        if way is None:
            raise CannotDo("%s: no switch" % self._model.model)
        yield from self._inside(self._write_all(
            way.command, [(way.address, way.closed if closed else way.open)]))
        sets = yield from self._inside(self._ask(way.state))
        state = sets[0].values[0].text
        if state != (way.is_closed if closed else way.is_open):
            raise Refused("%s: switch: wanted state %s, it reads %s" % (
                self._asked, way.is_closed if closed else way.is_open, repr(state)), _NO_CODE)

    def _read_out(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        readout = yield from read_out(self._opening, self._timeout_ms, self._asked)
        self._check_identity(readout.sets)
        take.turns += 1
        take.meter_time = self._time_in(readout.sets)
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
            sets = yield from self._ask_all(self._manner.clock.addresses())
            take.turns += len(sets)
            take.meter_time = self._time_in(sets)
        except Refused as error:
            take.errors.append(error)
        self._clock_unsaid = take.meter_time is None

    def _inside(self, work: "Conversation[Result]") -> "Conversation[Result]":
        """Conversation: `work` in programming mode, which is left again whatever comes of it: a
        meter that stays in it answers nobody for a minute or two.
        """
        try:
            yield from open_programming(self._opening, self._access.password, self._timeout_ms,
                                        self._asked)
            result = yield from work
        except MeterError:
            yield from leave(self._manner.added)
            raise
        yield from leave(self._manner.added)
        return result

    def _ask_all(self, addresses: list[str]) -> "Conversation[list[DataSet]]":
        sets = []
        for address in addresses:
            sets += yield from self._ask(address)
        return sets

    def _ask(self, address: str) -> "Conversation[list[DataSet]]":
        """One register's data sets; its address may or may not be repeated in the answer."""
        asked = "%s: %s" % (self._asked, address)
        body = yield from ask(self._manner.read_command.encode(), (address + "()").encode(),
                              self._timeout_ms, asked, self._manner.added)
        sets = parse_block(body)
        foreign = [one.address for one in sets if one.address not in ("", address) and (
            obis_of(one.address) is None or obis_of(one.address) != obis_of(address))]
        if not sets or foreign:
            raise BadCheck("%s: wanted its data set, got %d: %s" % (
                asked, len(sets), foreign[0] if foreign else "none"))
        # Energomera says the address before each value, or before the first alone.
        return [DataSet(address, tuple([value for one in sets for value in one.values]))]

    def _write_all(
            self, command: str, writes: list[tuple[str, str]]) -> "Conversation[None]":
        for address, text in writes:
            body = "%s(%s)" % (address, text)
            yield from write(command.encode(), body.encode(), self._timeout_ms,
                             "%s: %s %s" % (self._asked, command, body), self._manner.added)

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
        time = "".join(_texts(sets, way.time, self._manner.channel))
        for mark in "-:. ,":
            date, time = date.replace(mark, ""), time.replace(mark, "")
        if way.date and len(time) == 7:
            time = time[1:]      # Its own season digit, which the date has too.
        found = stamp_from_text(date + time)
        if found is None or not time or (way.date and not date):
            return None
        utc_s = utc_of(found, self._access.utc_offset_min)
        if utc_s is None:
            return MeterTime(None, "how far its time is from UTC is not known", CLOCK_LOCAL)
        if found.season:
            return MeterTime(utc_s, "", 0)
        return MeterTime(utc_s, "it does not say its season: taken for normal time",
                         CLOCK_DOUBTFUL)

    def _rows(
            self, part: "Part", columns: "tuple[Column, ...]", offset_min: int,
    ) -> "list[ProfileRow]":
        begin_s = utc_of(part.begin, offset_min)
        assert begin_s is not None
        codes = [obis_of(address, self._manner.channel) for address, _ in part.columns]
        rows = []
        for at in range(len(part.rows)):
            values: list[int | None] = []
            for column in columns:
                if column.obis not in codes:
                    values.append(None)
                    continue
                place = codes.index(column.obis)
                values.append(_cell(column, part.rows[at][place], part.columns[place][1]))
            rows.append(ProfileRow(_end_s(begin_s, part.period_min, at), tuple(values),
                                   part.status))
        return rows


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
            register.name, source.address or obis_to_text(register.obis)), _NO_CODE)
    if any(values != found[0] for values in found):
        raise Refused("%s: the readout has %s twice, with different values" % (
            register.name, source.address or obis_to_text(register.obis)), _NO_CODE)
    return number_of(register, found[0])


def number_of(register: "Register", values: "tuple[Value, ...]") -> int | None:
    """The register's scaled integer in the values behind its address. Raises Refused."""
    source: Source = register.source
    if source.place >= len(values):
        raise Refused("%s: wanted value %d in brackets, there are %d" % (
            register.name, source.place + 1, len(values)), _NO_CODE)
    value = values[source.place]
    number = decimal(value.text)
    if number is None:
        return None
    unit = unit_code(value.unit) if value.unit else source.unit
    if unit is None or unit[0] != register.unit:
        raise Refused("%s: wanted %s, the meter gives %s" % (
            register.name, UNITS[register.unit] or "no unit", value.unit or "no unit"), _NO_CODE)
    return rescaled(number.mantissa, number.power + unit[1], register.scaler)


def _end_s(begin_s: int, period_min: int, place: int) -> int:
    """When a row of a part ends. The first one ends when its header says; where that is in the
    middle of a period (a power cut, a clock that was set), the next ones end with whole ones.
    """
    period_s = 60 * period_min
    late_s = begin_s % period_s if place and period_min <= 60 else 0
    return begin_s - late_s + period_s * place


def _cell(column: "Column", value: "Value", written: str) -> int | None:
    """One value of a load profile; None for what is no number. Raises Refused."""
    number = decimal(value.text)
    if number is None:
        return None
    unit = unit_code(value.unit or written)
    if unit is None or unit[0] != column.unit:
        raise Refused("load profile %s: wanted %s, the meter gives %s" % (
            obis_to_text(column.obis), UNITS[column.unit] or "no unit",
            value.unit or written or "no unit"), _NO_CODE)
    return rescaled(number.mantissa, number.power + unit[1], column.scaler)


def _texts(sets: list[DataSet], address: str, channel: int) -> list[str]:
    """Texts of the first data set at that address, or at one that means the same code."""
    code = obis_of(address, channel)
    for one in sets:
        if one.address == address or (code is not None and obis_of(one.address, channel) == code):
            return [value.text for value in one.values]
    return []
