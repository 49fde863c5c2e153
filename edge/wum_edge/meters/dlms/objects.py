"""COSEM objects as a reader needs them: registers with scaler and unit, profiles, selective access.

Left out: objects that are set or switched (control.py), date-times (moment.py). Blue Book, classes
1, 3, 4, 5, 7, 8.
"""

from collections import namedtuple

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.apdu import Attribute, Selection
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.errors import DlmsMalformed
from wum_edge.meters.dlms.moment import DateTime, decode_date_time
from wum_edge.meters.scaling import Scale, scaled

DATA, REGISTER, EXTENDED, DEMAND, PROFILE, CLOCK = 1, 3, 4, 5, 7, 8
SCALER_ATTRIBUTE = {REGISTER: 3, EXTENDED: 3, DEMAND: 4}
CLOCK_OBIS = b"\x00\x00\x01\x00\x00\xff"
CLOCK_TIME = Attribute(CLOCK, CLOCK_OBIS, 2)
EVENT_CODE_OBIS = b"\x00\x00\x60\x0b"    # 0-0:96.11.e: the code that an event log captures.
NUMBERS = {                  # Tag: type of scaling.py. Those of other sizes go by their value.
    axdr.FLOAT32: "float32", axdr.FLOAT64: "float64",
}


class ScalerUnit(namedtuple("ScalerUnit", ("scaler", "unit"))):
    """A value times 10^`scaler` is in `unit` (Blue Book, table 4)."""

    __slots__ = ()
    scaler: int
    unit: int


class Capture(namedtuple("Capture", ("class_id", "obis", "number", "index"))):
    """One column of a profile: an attribute of an object; `index` 0 is the whole attribute."""

    __slots__ = ()
    class_id: int
    obis: bytes
    number: int
    index: int

    def is_clock(self) -> bool:
        """Whether the column is the time of capture."""
        return self.class_id == CLOCK and self.number == 2

    def data(self) -> Data:
        """As capture_objects and selective access write it."""
        return axdr.structure(Data(axdr.UINT16, self.class_id), axdr.octets(self.obis),
                              Data(axdr.INT8, self.number), Data(axdr.UINT16, self.index))


def scaler_unit(data: Data) -> ScalerUnit:
    """Attribute 3 of a register. Raises DlmsMalformed."""
    parts = data.elements()
    if len(parts) != 2:
        raise DlmsMalformed("scaler_unit: wanted a structure of 2, got %d" % len(parts))
    scaler, unit = parts[0].number(), parts[1].number()
    if not -30 <= scaler <= 30:
        raise DlmsMalformed("scaler_unit: a scaler of %d" % scaler)
    return ScalerUnit(scaler, unit)


def scaled_value(data: Data, scaler: int, wanted: int) -> int | None:
    """The number in `data` times 10^`scaler`, as an integer of 10^`wanted`: exact, half to even
    where digits are lost. None for no number at all, NaN, and what a reading cannot hold.
    """
    if data.tag in NUMBERS:
        assert type(data.value) is int
        return scaled(data.value, NUMBERS[data.tag], Scale(1, scaler), wanted)
    if data.tag == axdr.NULL or type(data.value) is not int:
        return None
    value = data.value
    if not -(1 << 63) <= value < 1 << 63:
        return None
    return scaled(value & (1 << 64) - 1, "int64", Scale(1, scaler), wanted)


def date_time(data: Data) -> DateTime:
    """A date-time, as octet-string (most meters) or as its own type. Raises DlmsMalformed."""
    return decode_date_time(data.octets())


def captures(data: Data) -> tuple[Capture, ...]:
    """Attribute 3 of a profile. Raises DlmsMalformed."""
    found = []
    for item in data.elements():
        parts = item.elements()
        if len(parts) < 4 or len(parts[1].octets()) != 6:
            raise DlmsMalformed("capture_objects: wanted class, name, attribute and index")
        found.append(Capture(parts[0].number(), parts[1].octets(), parts[2].number(),
                             parts[3].number()))
    return tuple(found)


def by_range(first: bytes, last: bytes, columns: tuple[Capture, ...] = ()) -> Selection:
    """Rows captured from `first` to `last` (date-times of twelve bytes, both included); without
    `columns` all of them (Blue Book, range_descriptor).
    """
    clock = Capture(CLOCK, CLOCK_OBIS, 2, 0)
    return Selection(1, axdr.structure(
        clock.data(), axdr.octets(first), axdr.octets(last),
        axdr.array([column.data() for column in columns])))


def by_entry(first: int, last: int, first_column: int = 1, last_column: int = 0) -> Selection:
    """Rows `first` to `last`, counted from 1; 0 stands for the end (Blue Book, entry_descriptor).
    """
    return Selection(2, axdr.structure(
        Data(axdr.UINT32, first), Data(axdr.UINT32, last),
        Data(axdr.UINT16, first_column), Data(axdr.UINT16, last_column)))


def rows(buffer: Data, columns: tuple[Capture, ...]) -> list[tuple[Data, ...]]:
    """The rows of attribute 2 of a profile, each with as many values as there are columns.

    null-data says that a value is what it was in the row before (Blue Book 4.3.6); the time is left
    as it is: there it stands for a capture period later.
    """
    found: list[tuple[Data, ...]] = []
    for item in buffer.elements():
        values = item.elements()
        if len(values) != len(columns):
            raise DlmsMalformed("profile: wanted rows of %d columns, got %d" % (
                len(columns), len(values)))
        if found:
            values = tuple([
                found[-1][at] if value.tag == axdr.NULL and not columns[at].is_clock() else value
                for at, value in enumerate(values)])
        found.append(values)
    return found
