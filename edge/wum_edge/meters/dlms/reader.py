"""One DLMS meter, kept from sweep to sweep: its scalers, its clock, what it does not grant.

Left out: its association and what is set or switched (kept.py), bytes and services (session.py and
below), and profiles (history.py).
"""

from wum_edge.errors import MeterError
from wum_edge.meters.dlms.apdu import Attribute, Result
from wum_edge.meters.dlms.axdr import Data, octets
from wum_edge.meters.dlms.errors import AccessRefused, WrongUnit
from wum_edge.meters.dlms.history import History
from wum_edge.meters.dlms.kept import KeptReader
from wum_edge.meters.dlms.moment import DateTime, Zone, encode_date_time
from wum_edge.meters.dlms.objects import (
    CLOCK_TIME,
    SCALER_ATTRIBUTE,
    ScalerUnit,
    date_time,
    scaled_value,
    scaler_unit,
)
from wum_edge.meters.dlms.session import Session, named
from wum_edge.meters.reader import CannotDo, MeterEvent, MeterTime, ProfileRow, Take
from wum_shared.units import NO_UNIT, UNITS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model, Register
    from wum_edge.meters.dlms.supply import Supply
    from wum_edge.meters.reader import Conversation

_TEMPORARY = 2               # temporary-failure: the same may be granted later.


class DlmsReader(KeptReader):
    """Reads a meter in the fewest turns that it grants; see Reader.

    Scaler and unit of each register are asked for once, at the first contact.
    """

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock",
                 supply: "Supply | None" = None) -> None:
        super().__init__(model, meter, supply)
        self._clock = clock
        self._scalers: dict[int, ScalerUnit] = {}
        quirks = model.manner.quirks
        self._zone = Zone(quirks.deviation, meter.access.deviation_min)
        self._said: DateTime | None = None       # By its clock, when it was read last.
        self._history = History(model)
        self._begun = (0, 0)                     # Turns and foreign answers counted so far.

    def read(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        """See Reader.read."""
        left = [place for place in places
                if place not in take.values and place not in take.refused]
        try:
            yield from self._kept(lambda session: self._read(session, left, take))
        except MeterError as error:
            take.errors.append(error)
        self._count(take)

    def read_clock(self) -> "Conversation[MeterTime]":
        """See Reader.read_clock."""
        if not self._model.manner.clock:
            raise CannotDo("%s: no clock that can be read" % self._model.model)
        data = yield from self._kept(lambda session: session.get(CLOCK_TIME))
        self._said = date_time(data)
        return self._said.meter_time(self._zone)

    def set_clock(self, utc_s: int) -> "Conversation[None]":
        """See Reader.set_clock. It is set in the deviation that the meter itself says."""
        if not self._model.manner.clock:
            raise CannotDo("%s: no clock that can be set" % self._model.model)
        if self._said is None:
            yield from self.read_clock()
        moment = octets(self._encoded(utc_s))
        yield from self._kept(lambda session: session.set(CLOCK_TIME, moment))

    def read_profile(self, first_s: int, last_s: int) -> "Conversation[list[ProfileRow]]":
        """See Reader.read_profile."""
        profile = self._model.manner.profile
        if profile is None:
            raise CannotDo("%s: keeps no load profile" % self._model.model)
        if self._said is None:
            yield from self.read_clock()
        places = self._history.places()
        yield from self._kept(lambda session: self._learn_scalers(session, places))
        rows = yield from self._kept(lambda session: self._history.profile(
            session, first_s, last_s, self._encoded, self._zone, self._clock.now_s()))
        return [ProfileRow(row.at_s, tuple([
            None if data is None else self._value(places[at], data)
            for at, data in enumerate(row.values)]), row.status) for row in rows]

    def read_events(self, after_s: int) -> "Conversation[list[MeterEvent]]":
        """See Reader.read_events."""
        if self._model.manner.events is None:
            raise CannotDo("%s: keeps no event log" % self._model.model)
        if self._said is None:
            yield from self.read_clock()
        return (yield from self._kept(lambda session: self._history.events(
            session, after_s, self._encoded, self._zone, self._clock.now_s())))

    def _read(self, session: Session, places: list[int], take: Take) -> "Conversation[None]":
        yield from self._learn_scalers(session, tuple(places))
        todo = [place for place in places
                if place not in take.values and place not in take.refused]
        wanted = [self._attribute(place) for place in todo]
        if self._model.manner.clock and take.meter_time is None:
            wanted.append(CLOCK_TIME)    # 25 bytes; a turn of its own would cost 90.
        found: list[Result] = []
        try:
            yield from session.get_list(tuple(wanted), found)
        finally:
            for at, result in enumerate(found[:len(todo)]):
                self._put(todo[at], result, take)
            for result in found[len(todo):]:
                if result.data is not None:
                    self._said = date_time(result.data)
                    take.meter_time = self._said.meter_time(self._zone)

    def _put(self, place: int, result: Result, take: Take) -> None:
        """One register's answer into the take."""
        register = self._model.registers[place]
        if result.data is None:
            error: MeterError = AccessRefused(named(self._attribute(place)), result.code)
            take.refused[place] = error
            if result.code == _TEMPORARY:
                take.again.add(place)
            return
        wrong = self._wrong_unit(place, register)
        if wrong is not None:
            take.refused[place] = wrong
        else:
            take.values[place] = self._value(place, result.data)

    def _learn_scalers(self, session: Session, places: tuple[int, ...]) -> "Conversation[None]":
        """Scaler and unit of those registers whose meter has not said them yet."""
        todo = [place for place in places
                if place not in self._scalers and not self._fixed(place)
                and self._model.registers[place].source.class_id in SCALER_ATTRIBUTE]
        found: list[Result] = []
        wanted = []
        for place in todo:
            source = self._model.registers[place].source
            wanted.append(Attribute(source.class_id, source.obis,
                                    SCALER_ATTRIBUTE[source.class_id]))
        yield from session.get_list(tuple(wanted), found)
        for at, result in enumerate(found):
            if result.data is not None:
                self._scalers[todo[at]] = scaler_unit(result.data)

    def _fixed(self, place: int) -> bool:
        return self._model.registers[place].source.scaler is not None

    def _attribute(self, place: int) -> Attribute:
        source = self._model.registers[place].source
        return Attribute(source.class_id, source.obis, source.attribute)

    def _wrong_unit(self, place: int, register: "Register") -> MeterError | None:
        """Why no number of this register can be used; None where scaler and unit are right."""
        if self._fixed(place):
            return None
        said = self._scalers.get(place)
        what = named(self._attribute(place))
        if said is None:
            return WrongUnit("%s: the meter gives no scaler and unit" % what)
        if said.unit == register.unit or (register.unit == NO_UNIT and said.unit == 0):
            return None
        return WrongUnit("%s: counts in %s, wanted %s" % (
            what, UNITS.get(said.unit, "unit %d" % said.unit) or "no unit",
            UNITS.get(register.unit) or "no unit"))

    def _value(self, place: int, data: Data) -> int | None:
        register = self._model.registers[place]
        if self._wrong_unit(place, register) is not None:
            return None
        scaler = register.source.scaler
        if scaler is None:
            scaler = self._scalers[place].scaler
        return scaled_value(data, scaler, register.scaler)

    def _encoded(self, utc_s: int) -> bytes:
        """A moment as this meter takes it: in its own local time and deviation."""
        assert self._said is not None
        deviation = self._said.deviation(self._zone)
        if deviation is None:
            raise MeterError("the meter's clock says no deviation: set deviation_min in its access")
        return encode_date_time(utc_s, deviation, self._said.deviation_min,
                                (self._said.status or 0) & 0x80)

    def _count(self, take: Take) -> None:
        if self._session is None:
            return
        station = self._session.association.station
        take.turns += station.turns - self._begun[0]
        take.foreign += station.foreign - self._begun[1]
        self._begun = (station.turns, station.foreign)
