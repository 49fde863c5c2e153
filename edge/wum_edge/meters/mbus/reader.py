"""One M-Bus meter: its telegrams read, and its records turned into the model's registers.

Left out: turns (talk.py) and records (record.py). EN 13757-3.
"""

from wum_edge.errors import MeterError
from wum_edge.meters.mbus.answer import Answer
from wum_edge.meters.mbus.entry import Source
from wum_edge.meters.mbus.errors import NoSuchRecord
from wum_edge.meters.mbus.identity import identity_from_text, status_texts
from wum_edge.meters.mbus.moments import moment_to_utc, utc_to_moment_f
from wum_edge.meters.mbus.record import IN_ERROR, INSTANT, Record
from wum_edge.meters.mbus.talk import CI_SEND, Link
from wum_edge.meters.reader import CannotDo, MeterEvent, MeterTime, Reader, Take
from wum_edge.meters.scaling import rescaled
from wum_shared.status import CLOCK_LOCAL
from wum_shared.units import UNITS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model, Register
    from wum_edge.meters.mbus.entry import Access
    from wum_edge.meters.reader import Conversation

_ALARM = 0x100
_SAME_VOLUME = (13, 14)      # Volume as read and corrected: M-Bus names the unit, not which.


class MbusReader(Reader):
    """Reads a meter in as few telegrams as hold what is wanted; see Reader.

    `status` is the status byte of the last header, or None. It is the meter's only log: what it
    says is an event when it is first read and whenever it has changed, at the time of the reading.
    """

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock") -> None:
        self.status: int | None = None
        self._told_status = 0        # What the events so far have said.
        self._told_alarm: int | None = None
        self._clock = clock
        self._model = model
        address = meter.address
        identity = identity_from_text(address) if type(address) is str else None
        access: Access | None = meter.access
        self._link = Link(address if type(address) is int else 0, meter.timeout_ms, identity,
                          access.key if access is not None else b"")
        self._begun = False

    def read(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        """See Reader.read."""
        records: list[Record] = []
        before = self._link.foreign
        try:
            yield from self._begin()
            for _ in range(self._model.manner.telegrams):
                answer = yield from self._link.ask()
                take.turns += 1
                self._note(answer, take)
                repeated = answer.records and answer.records == tuple(
                    records[len(records) - len(answer.records):])
                if repeated:
                    break
                records += answer.records
                if not answer.more or self._has_all(places, records):
                    break
        except MeterError as error:
            self._begun = False
            take.errors.append(error)
            whole = False
        else:
            whole = True
        take.foreign += self._link.foreign - before
        for place in places:
            self._take(place, records, take, whole)

    def read_clock(self) -> "Conversation[MeterTime]":
        """See Reader.read_clock: the record that is a date and a time."""
        offset_min = self._model.manner.offset_min
        yield from self._begin()
        for _ in range(self._model.manner.telegrams):
            answer = yield from self._link.ask()
            for record in answer.records:
                if _is_clock(record):
                    assert record.moment is not None
                    if offset_min is None:
                        return MeterTime(None, "local time %s of an unknown zone" % record.text,
                                         CLOCK_LOCAL)
                    return moment_to_utc(record.moment, offset_min)
            if not answer.more:
                break
        raise CannotDo("%s sends no clock" % self._model.model)

    def set_clock(self, utc_s: int) -> "Conversation[None]":
        """See Reader.set_clock: to the minute, as type F has it, outside of summer time."""
        offset_min = self._model.manner.offset_min
        if offset_min is None:
            raise CannotDo("%s: nobody knows in which zone its clock is" % self._model.model)
        yield from self._begin()
        yield from self._link.send(CI_SEND, b"\x04\x6d" + utc_to_moment_f(utc_s, offset_min))

    def read_events(self, after_s: int) -> "Conversation[list[MeterEvent]]":
        """See Reader.read_events. The code is the status byte, or 256 and the alarm byte."""
        found: list[MeterEvent] = []
        if self._model.manner.alarms:
            yield from self._ask_alarm(found)
        if self.status is not None and self.status != self._told_status:
            self._told_status = self.status
            words = ", ".join(status_texts(self.status)) or "all is well again"
            found.append(self._event(self.status, "status %02x: %s" % (self.status, words)))
        return found

    def _ask_alarm(self, found: list[MeterEvent]) -> "Conversation[None]":
        """The readout before has opened the link; an alarm is told until it is another or ends."""
        if not self._begun:
            yield from self._begin()
        alarm = yield from self._link.ask_alarm()
        if alarm is not None and alarm != self._told_alarm:
            found.append(self._event(_ALARM | alarm, "alarm %02x" % alarm))
        self._told_alarm = alarm

    def _event(self, code: int, note: str) -> MeterEvent:
        return MeterEvent(self._clock.now_s(), code, note)

    def _begin(self) -> "Conversation[None]":
        """A reset makes the meter begin with its first telegram; a selection is one."""
        if self._model.manner.reset or not self._begun or self._link.identity is not None:
            yield from self._link.begin()
            self._begun = True

    def _note(self, answer: Answer, take: Take) -> None:
        if answer.status is not None:
            self.status = answer.status
        for record in answer.records:
            if take.meter_time is None and _is_clock(record):
                offset_min = self._model.manner.offset_min
                if offset_min is not None and record.moment is not None:
                    take.meter_time = moment_to_utc(record.moment, offset_min)

    def _has_all(self, places: tuple[int, ...], records: list[Record]) -> bool:
        registers = self._model.registers
        return all(record_of(registers[place].source, records) is not None for place in places)

    def _take(self, place: int, records: list[Record], take: Take, whole: bool) -> None:
        register = self._model.registers[place]
        source = register.source
        record = record_of(source, records)
        if record is None and source.function == INSTANT and record_of(Source(
                source.quantity, IN_ERROR, source.storage, source.tariff, source.subunit,
                source.modifiers, source.nth), records):
            take.values[place] = None    # What it shows while it is out of order is no reading.
        elif record is None:
            if whole:            # Else it may stand in a telegram that did not come.
                take.refused[place] = NoSuchRecord("M-Bus: %s: the meter sends no such record"
                                                   % register.name, 0)
        elif record.fault or record.value is None:
            take.values[place] = None
        elif not _same_unit(record, register):
            take.refused[place] = NoSuchRecord("M-Bus: %s: wanted %s, the meter sends %s" % (
                register.name, UNITS[register.unit] or "no unit",
                UNITS.get(record.unit) or record.unit_text or "no unit"), 0)
        else:
            take.values[place] = rescaled(record.value, record.power, register.scaler)


def record_of(source: "Source", records: list[Record]) -> Record | None:
    """The record that `source` names among `records`, or None."""
    left = source.nth
    for record in records:
        if (record.quantity == source.quantity and record.function == source.function
                and record.storage == source.storage and record.tariff == source.tariff
                and record.subunit == source.subunit and record.modifiers == source.modifiers):
            if not left:
                return record
            left -= 1
    return None


def _same_unit(record: Record, register: "Register") -> bool:
    """A unit that DLMS has no code for is never the register's."""
    if record.unit in _SAME_VOLUME and register.unit in _SAME_VOLUME:
        return True
    return record.unit == register.unit and not record.unit_text


def _is_clock(record: Record) -> bool:
    return (record.quantity == "date and time" and record.function == INSTANT
            and not (record.storage or record.tariff or record.subunit or record.modifiers)
            and record.moment is not None)
