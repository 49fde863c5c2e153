"""COSEM objects of a simulated meter: registers, clock, profile, disconnect control, any other.

Left out: services and associations (dlms_cosem.py). Blue Book.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.apdu import Selection
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.moment import decode_date_time, encode_date_time
from wum_edge.meters.dlms.objects import CLOCK_OBIS, Capture

READ_WRITE_DENIED, UNDEFINED, INCONSISTENT, TYPE_UNMATCHED, OTHER = 3, 4, 9, 12, 250


class Refused(Exception):
    """The object refuses with this data-access-result."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class CosemObject:
    """An object by its class and logical name; attribute 1 is the name."""

    class_id = 1
    version = 0

    def __init__(self, obis: bytes, attributes: dict[int, Data | Callable[[], Data]],
                 class_id: int = 0, writable: tuple[int, ...] = ()) -> None:
        self.obis = obis
        self.class_id = class_id or self.class_id
        self.attributes = attributes
        self.writable = writable
        self.refusals: dict[int, int] = {}   # Attribute: the code it is refused with, a fault.

    def numbers(self) -> list[int]:
        """Its attributes."""
        return sorted({1, *self.attributes})

    def get(self, number: int, selection: Selection | None) -> Data:
        """Raises Refused."""
        if number in self.refusals:
            raise Refused(self.refusals[number])
        if number == 1:
            return axdr.octets(self.obis)
        if number not in self.attributes:
            raise Refused(UNDEFINED)
        found = self.attributes[number]
        return found if isinstance(found, Data) else found()

    def set(self, number: int, data: Data) -> None:
        """Raises Refused."""
        if number not in self.writable:
            raise Refused(READ_WRITE_DENIED)
        self.attributes[number] = data

    def act(self, number: int, data: Data | None) -> Data | None:
        """Raises Refused."""
        raise Refused(UNDEFINED)


def register(obis: bytes, value: Callable[[], int], scaler: int, unit: int,
             tag: int = axdr.UINT32) -> CosemObject:
    """Class 3."""
    return CosemObject(obis, {
        2: lambda: Data(tag, value()),
        3: axdr.structure(Data(axdr.INT8, scaler), Data(axdr.ENUM, unit))}, 3)


class Clock(CosemObject):
    """Class 8. `said_min` is the deviation that it says, None for not specified."""

    class_id = 8

    def __init__(self, now_s: Callable[[], int], set_to: Callable[[int], None],
                 deviation_min: int = 0, said_min: int | None = 0, status: int = 0) -> None:
        super().__init__(CLOCK_OBIS, {2: lambda: axdr.octets(self.shown(now_s()))})
        self.deviation_min = deviation_min
        self.said_min = said_min
        self.status = status
        self._set_to = set_to

    def shown(self, at_s: int) -> bytes:
        """A moment as this meter says it."""
        return encode_date_time(at_s, self.deviation_min, self.said_min, self.status)

    def set(self, number: int, data: Data) -> None:
        """Attribute 2, in its own local time whatever the deviation says where it ignores it."""
        if number != 2:
            raise Refused(READ_WRITE_DENIED)
        moment = decode_date_time(data.octets())
        local = moment._replace(deviation_min=0).utc_s()
        if local is None:
            raise Refused(TYPE_UNMATCHED)
        said = moment.deviation_min
        use = said if said is not None and self.said_min is not None else self.deviation_min
        self._set_to(local + 60 * use)


class Disconnect(CosemObject):
    """Class 70."""

    class_id = 70

    def __init__(self, obis: bytes) -> None:
        super().__init__(obis, {2: self._output, 3: self._state, 4: Data(axdr.ENUM, 4)})
        self.connected = True
        self.stuck = False           # A fault: it says yes and does nothing.

    def _output(self) -> Data:
        return Data(axdr.BOOLEAN, self.connected)

    def _state(self) -> Data:
        return Data(axdr.ENUM, int(self.connected))

    def act(self, number: int, data: Data | None) -> Data | None:
        """Methods 1 and 2."""
        if number not in (1, 2):
            raise Refused(UNDEFINED)
        if not self.stuck:
            self.connected = number == 2
        return None


@dataclass(slots=True)
class Habits:
    """What a profile does otherwise than the books."""

    range_refused: bool = False
    columns_ignored: bool = False
    null_repeats: bool = False       # What is as in the row before is null-data.


@dataclass(slots=True)
class Stored:
    """One row: when, and its values without the clock."""

    at_s: int
    values: list[Data] = field(default_factory=list)


class Profile(CosemObject):
    """Class 7, its first column the clock. `rows` are given by whoever has them, oldest first."""

    class_id = 7
    version = 1

    def __init__(self, obis: bytes, clock: Clock, columns: list[Capture], period_s: int,
                 rows: Callable[[], list[Stored]], habits: Habits) -> None:
        self.columns = [Capture(8, CLOCK_OBIS, 2, 0), *columns]
        self.habits = habits
        self._clock = clock
        self._rows = rows
        super().__init__(obis, {
            2: lambda: self._buffer(self._rows(), self.columns),
            3: axdr.array([column.data() for column in self.columns]),
            4: Data(axdr.UINT32, period_s), 5: Data(axdr.ENUM, 1),
            6: axdr.structure(self.columns[0].data()),
            7: lambda: Data(axdr.UINT32, len(self._rows())), 8: Data(axdr.UINT32, 4000)})

    def get(self, number: int, selection: Selection | None) -> Data:
        """Attribute 2 with selective access."""
        if number != 2 or selection is None or 2 in self.refusals:
            return super().get(number, selection)
        if selection.selector == 1 and not self.habits.range_refused:
            return self._range(selection.data)
        if selection.selector == 2:
            return self._entries([part.number() for part in selection.data.elements()])
        raise Refused(OTHER)

    def _range(self, wanted: Data) -> Data:
        parts = wanted.elements()
        bounds = []
        for part in parts[1:3]:
            moment = decode_date_time(part.octets())
            deviation = moment.deviation_min
            local = moment._replace(deviation_min=0).utc_s()
            if local is None:
                raise Refused(TYPE_UNMATCHED)
            bounds.append(local + 60 * (self._clock.deviation_min if deviation is None
                                        else deviation))
        columns = self.columns
        if parts[3].elements() and not self.habits.columns_ignored:
            asked = [(item.elements()[1].octets(), item.elements()[2].number())
                     for item in parts[3].elements()]
            columns = [column for column in columns if (column.obis, column.number) in asked]
        rows = [row for row in self._rows() if bounds[0] <= row.at_s <= bounds[1]]
        return self._buffer(rows, columns)

    def _entries(self, numbers: list[int]) -> Data:
        first, last, first_column, last_column = numbers
        rows = self._rows()
        columns = self.columns[first_column - 1:last_column or None]
        return self._buffer(rows[max(0, first - 1):last or None], columns)

    def _buffer(self, rows: list[Stored], columns: list[Capture]) -> Data:
        items = []
        before: list[Data] = []
        for row in rows:
            whole = [axdr.octets(self._clock.shown(row.at_s)), *row.values]
            values = [whole[self.columns.index(column)] for column in columns]
            shown = [Data(axdr.NULL, None) if self.habits.null_repeats and before and value == last
                     else value for value, last in zip(values, before or values, strict=True)]
            before = values
            items.append(axdr.structure(*shown))
        return axdr.array(items)


def object_list(objects: list[CosemObject]) -> Data:
    """Attribute 2 of an association: every object, with access rights that nobody relies on."""
    return axdr.array([axdr.structure(
        Data(axdr.UINT16, one.class_id), Data(axdr.UINT8, one.version), axdr.octets(one.obis),
        axdr.structure(
            axdr.array([axdr.structure(
                Data(axdr.INT8, number), Data(axdr.ENUM, 3 if number in one.writable else 1),
                Data(axdr.NULL, None)) for number in one.numbers()]),
            axdr.array([]))) for one in objects])
