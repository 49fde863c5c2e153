"""COSEM objects of a simulated meter that are set: limiter and activity calendar.

Left out: services (dlms_cosem.py) and switching by the limiter. Blue Book, classes 20
and 71.
"""

from wum_edge.meters.dlms import axdr, control
from wum_edge.meters.dlms.apdu import Attribute
from wum_edge.meters.dlms.axdr import Data
from wum_simulator.meters.dlms_objects import TYPE_UNMATCHED, UNDEFINED, CosemObject, Refused

_ACTIVE = tuple(one.number for one in control.ACTIVE_CALENDAR)
_PASSIVE = tuple(one.number for one in control.PASSIVE_CALENDAR)
_SCRIPT = b"\0\0\x0a\0\x64\xff"


class Limiter(CosemObject):
    """Class 71. It watches `monitored`, and its thresholds count as that does."""

    class_id = 71

    def __init__(self, monitored: Attribute, threshold: int) -> None:
        super().__init__(control.LIMITER_OBIS, {
            2: axdr.structure(Data(axdr.UINT16, monitored.class_id), axdr.octets(monitored.obis),
                              Data(axdr.INT8, monitored.number)),
            3: Data(axdr.UINT32, threshold), 4: Data(axdr.UINT32, threshold),
            5: Data(axdr.UINT32, threshold // 2), 6: Data(axdr.UINT32, 60),
            7: Data(axdr.UINT32, 60)}, writable=(4, 5, 6, 7))

    def set(self, number: int, data: Data) -> None:
        """The normal threshold is the active one at once: there is no emergency."""
        found = self.attributes.get(number)
        if isinstance(found, Data) and found.tag != data.tag and number in self.writable:
            raise Refused(TYPE_UNMATCHED)
        super().set(number, data)
        if number == 4:
            self.attributes[3] = data


class ActivityCalendar(CosemObject):
    """Class 20. Method 1 makes the passive half the active one."""

    class_id = 20

    def __init__(self, active: control.Calendar) -> None:
        parts = control.calendar_data(active)
        nothing = control.calendar_data(control.Calendar(b"", (), (), ()))
        super().__init__(control.CALENDAR_OBIS, {
            **dict(zip(_ACTIVE, parts, strict=True)), **dict(zip(_PASSIVE, nothing, strict=True)),
            10: axdr.octets(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\x00\xff")},
            writable=(*_PASSIVE, 10))

    def act(self, number: int, data: Data | None) -> Data | None:
        """Method 1."""
        if number != 1:
            raise Refused(UNDEFINED)
        for active, passive in zip(_ACTIVE, _PASSIVE, strict=True):
            self.attributes[active] = self.attributes[passive]
        return None


def one_rate(name: bytes = b"ONE") -> control.Calendar:
    """A calendar with a single rate, day and night."""
    day = control.Day(1, (control.Switch(bytes(4), _SCRIPT, 1),))
    start = b"\xff\xff\x01\x01\xff\0\0\0\0\x80\0\0"
    return control.Calendar(name, (control.Season(b"S1", start, b"W1"),),
                            (control.Week(b"W1", (1,) * 7),), (day,))
