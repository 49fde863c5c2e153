"""Objects that are set or switched: clock, disconnect control, limiter, activity calendar.

Left out: how they are asked for (session.py). Blue Book, classes 8, 20, 70 and 71.
"""

from collections import namedtuple

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.apdu import Attribute
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.errors import DlmsMalformed

DISCONNECT_OBIS = b"\x00\x00\x60\x03\x0a\xff"
LIMITER_OBIS = b"\x00\x00\x11\x00\x00\xff"
CALENDAR_OBIS = b"\x00\x00\x0d\x00\x00\xff"
OUTPUT_STATE = Attribute(70, DISCONNECT_OBIS, 2)
CONTROL_STATE = Attribute(70, DISCONNECT_OBIS, 3)
DISCONNECT = Attribute(70, DISCONNECT_OBIS, 1)       # Methods.
RECONNECT = Attribute(70, DISCONNECT_OBIS, 2)
SECONDARY_OBIS = b"\x00\x01\x60\x03\x0a\xff"          # Load management relay 1 (IDIS package 3).
DISCONNECTED, CONNECTED, READY = 0, 1, 2             # Control states; READY waits for the button.
_STATE_NAMES = {DISCONNECTED: "disconnected", CONNECTED: "connected",
                READY: "ready for reconnection"}
METHOD_ARGUMENT = Data(axdr.INT8, 0)
SEASONS_MAX, WEEKS_MAX, DAYS_MAX, SWITCHES_MAX = 16, 16, 32, 24


def state_name(state: int) -> str:
    """A control state in the words of the Blue Book."""
    return _STATE_NAMES.get(state, "state %d" % state)


class Limiter(namedtuple("Limiter", (
        "monitored", "threshold_active", "threshold_normal", "threshold_emergency",
        "min_over_s", "min_under_s"))):
    """Class 71: what is watched, the thresholds as the watched register counts, and for how long
    one must be crossed before the switch acts.
    """

    __slots__ = ()
    monitored: Attribute | None
    threshold_active: int
    threshold_normal: int
    threshold_emergency: int
    min_over_s: int
    min_under_s: int


LIMITER_ATTRIBUTES = tuple([Attribute(71, LIMITER_OBIS, number) for number in (2, 3, 4, 5, 6, 7)])
LIMITER_THRESHOLD = Attribute(71, LIMITER_OBIS, 4)


def limiter(parts: tuple[Data, ...]) -> Limiter:
    """From the data of LIMITER_ATTRIBUTES. Raises DlmsMalformed."""
    watched = parts[0].elements() if len(parts) == 6 else ()
    if len(watched) != 3:
        raise DlmsMalformed("limiter: wanted class, name and attribute of what is monitored")
    numbers = [part.number() for part in parts[1:]]
    class_id = watched[0].number()
    monitored = Attribute(class_id, watched[1].octets(), watched[2].number()) if class_id else None
    return Limiter(monitored, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])


class Season(namedtuple("Season", ("name", "start", "week"))):
    """`start` is a date-time of twelve bytes, its year mostly not specified; `week` a name."""

    __slots__ = ()
    name: bytes
    start: bytes
    week: bytes


class Week(namedtuple("Week", ("name", "days"))):
    """Day profiles of Monday to Sunday."""

    __slots__ = ()
    name: bytes
    days: tuple[int, ...]


class Switch(namedtuple("Switch", ("start", "script", "selector"))):
    """From `start` (four bytes, a time of day) on, the script's action `selector` holds: a tariff.
    """

    __slots__ = ()
    start: bytes
    script: bytes
    selector: int


class Day(namedtuple("Day", ("number", "switches"))):
    """One day profile."""

    __slots__ = ()
    number: int
    switches: tuple[Switch, ...]


class Calendar(namedtuple("Calendar", ("name", "seasons", "weeks", "days"))):
    """The active or the passive half of an activity calendar."""

    __slots__ = ()
    name: bytes
    seasons: tuple[Season, ...]
    weeks: tuple[Week, ...]
    days: tuple[Day, ...]


ACTIVE_CALENDAR = tuple([Attribute(20, CALENDAR_OBIS, number) for number in (2, 3, 4, 5)])
PASSIVE_CALENDAR = tuple([Attribute(20, CALENDAR_OBIS, number) for number in (6, 7, 8, 9)])
ACTIVATION_TIME = Attribute(20, CALENDAR_OBIS, 10)
ACTIVATE = Attribute(20, CALENDAR_OBIS, 1)           # Method: the passive half becomes active.


def calendar(parts: tuple[Data, ...]) -> Calendar:
    """From the data of the four attributes of one half. Raises DlmsMalformed."""
    name, seasons, weeks, days = parts
    return Calendar(
        name.octets(),
        tuple([_season(item) for item in _limited(seasons, SEASONS_MAX)]),
        tuple([_week(item) for item in _limited(weeks, WEEKS_MAX)]),
        tuple([_day(item) for item in _limited(days, DAYS_MAX)]))


def calendar_data(wanted: Calendar) -> tuple[Data, ...]:
    """The data of the four attributes of one half."""
    return (
        axdr.octets(wanted.name),
        axdr.array([axdr.structure(axdr.octets(one.name), axdr.octets(one.start),
                                   axdr.octets(one.week)) for one in wanted.seasons]),
        axdr.array([axdr.structure(axdr.octets(one.name), *[
            Data(axdr.UINT8, day) for day in one.days]) for one in wanted.weeks]),
        axdr.array([axdr.structure(Data(axdr.UINT8, one.number), axdr.array([
            axdr.structure(axdr.octets(switch.start), axdr.octets(switch.script),
                           Data(axdr.UINT16, switch.selector))
            for switch in one.switches])) for one in wanted.days]))


def faults(wanted: Calendar) -> list[str]:
    """What is wrong with a calendar before a meter is asked to take it, in words."""
    found = []
    days = [one.number for one in wanted.days]
    weeks = [one.name for one in wanted.weeks]
    for week in wanted.weeks:
        found += ["week %r: day profile %d is not there" % (week.name, day)
                  for day in week.days if day not in days]
        if len(week.days) != 7:
            found.append("week %r: wanted 7 days, got %d" % (week.name, len(week.days)))
    found += ["season %r: week %r is not there" % (one.name, one.week)
              for one in wanted.seasons if one.week not in weeks]
    found += ["day profile %d: it must start at 00:00" % one.number for one in wanted.days
              if not one.switches or one.switches[0].start[:2] != b"\0\0"]
    return found


def _limited(data: Data, most: int) -> tuple[Data, ...]:
    items = data.elements()
    if len(items) > most:
        raise DlmsMalformed("calendar: %d entries, at most %d" % (len(items), most))
    return items


def _fields(data: Data, count: int) -> tuple[Data, ...]:
    items = data.elements()
    if len(items) != count:
        raise DlmsMalformed("calendar: wanted a structure of %d, got %d" % (count, len(items)))
    return items


def _season(data: Data) -> Season:
    name, start, week = _fields(data, 3)
    return Season(name.octets(), start.octets(), week.octets())


def _week(data: Data) -> Week:
    parts = _fields(data, 8)
    return Week(parts[0].octets(), tuple([part.number() for part in parts[1:]]))


def _day(data: Data) -> Day:
    number, switches = _fields(data, 2)
    return Day(number.number(), tuple([_switch(item) for item in _limited(
        switches, SWITCHES_MAX)]))


def _switch(data: Data) -> Switch:
    start, script, selector = _fields(data, 3)
    return Switch(start.octets(), script.octets(), selector.number())
