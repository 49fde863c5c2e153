"""Conversations that read and set a limiter and an activity calendar, each confirmed.

Left out: the forms of their data (control.py) and the association (kept.py). What is written is
written only when all of it can be taken, and a meter that says yes is asked what it has then. Blue
Book, classes 20 and 71.
"""

from collections import namedtuple

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import axdr, control
from wum_edge.meters.dlms.apdu import Attribute, Result
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.errors import AccessRefused
from wum_edge.meters.dlms.objects import SCALER_ATTRIBUTE, ScalerUnit, scaler_unit
from wum_edge.meters.dlms.session import named

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.dlms.control import Calendar
    from wum_edge.meters.dlms.session import Session
    from wum_edge.meters.reader import Conversation

_PARTS = ("name", "seasons", "weeks", "days")


class Limit(namedtuple("Limit", ("limiter", "scale"))):
    """A limiter with scaler and unit of the register that it watches; `scale` is None where the
    meter does not say them.
    """

    __slots__ = ()
    limiter: control.Limiter
    scale: ScalerUnit | None


class Kept(namedtuple("Kept", ("active", "passive", "activation"))):
    """Both halves of an activity calendar. `passive` is None where the meter has none; `activation`
    is the date-time of twelve bytes at which it becomes active, empty where it has none.
    """

    __slots__ = ()
    active: control.Calendar
    passive: control.Calendar | None
    activation: bytes


def granted(found: list[Result], wanted: tuple[Attribute, ...]) -> tuple[Data, ...]:
    """The data of all. Raises AccessRefused for the first that was refused."""
    parts = []
    for at, result in enumerate(found):
        if result.data is None:
            raise AccessRefused(named(wanted[at]), result.code)
        parts.append(result.data)
    return tuple(parts)


def read_limit(session: "Session") -> "Conversation[Limit]":
    """Conversation: the limiter. Raises AccessRefused."""
    limiter = control.limiter((yield from _all(session, control.LIMITER_ATTRIBUTES)))
    watched = limiter.monitored
    if watched is None or watched.class_id not in SCALER_ATTRIBUTE:
        return Limit(limiter, None)
    found: list[Result] = []
    yield from session.get_list((Attribute(
        watched.class_id, watched.obis, SCALER_ATTRIBUTE[watched.class_id]),), found)
    data = found[0].data
    return Limit(limiter, None if data is None else scaler_unit(data))


def set_limit(session: "Session", value: int, exponent: int) -> "Conversation[Limit]":
    """Conversation: the normal threshold becomes `value` times 10^`exponent` in the unit of the
    watched register. It is written in the meter's own type and scaler: what does not fit exactly
    is refused before anything is written. Raises AccessRefused, MeterError.
    """
    before = yield from read_limit(session)
    if before.scale is None:
        raise MeterError("limiter: the meter does not say in which unit it counts")
    kind = (yield from session.get(control.LIMITER_THRESHOLD)).tag
    counted = _counted(value, exponent - before.scale.scaler)
    data = Data(kind, counted)
    if kind not in axdr.SIGNED and kind not in axdr.UNSIGNED:
        raise MeterError("limiter: its threshold is no integer, but has tag %d" % kind)
    if axdr.decode_data(axdr.encode_data(data)) != data:
        raise MeterError("limiter: %d does not fit into the meter's own type" % counted)
    yield from session.set(control.LIMITER_THRESHOLD, data)
    after = yield from read_limit(session)
    if after.limiter.threshold_normal != counted:
        raise MeterError("limiter: wanted a threshold of %d, the meter says %d" % (
            counted, after.limiter.threshold_normal))
    return after


def _counted(value: int, exponent: int) -> int:
    """`value` times 10^`exponent`, exactly. Raises MeterError where digits would be lost."""
    if exponent >= 0:
        more: int = 10 ** exponent
        return value * more
    step: int = 10 ** -exponent
    if value % step:
        raise MeterError("limiter: the meter counts in steps of 10^%d of that" % -exponent)
    return value // step


def read_calendar(session: "Session") -> "Conversation[Kept]":
    """Conversation: both halves. Raises AccessRefused where there is no active one."""
    active = control.calendar((yield from _all(session, control.ACTIVE_CALENDAR)))
    found: list[Result] = []
    yield from session.get_list(control.PASSIVE_CALENDAR + (control.ACTIVATION_TIME,), found)
    passive = None
    if all(result.data is not None for result in found[:4]):
        passive = control.calendar(granted(found[:4], control.PASSIVE_CALENDAR))
    moment = found[4].data
    return Kept(active, passive, b"" if moment is None else moment.octets())


def set_calendar(session: "Session", wanted: "Calendar") -> "Conversation[None]":
    """Conversation: the passive half becomes `wanted`; nothing is in force before it is activated.

    Raises MeterError for a calendar that no meter should take, before anything is written.
    """
    wrong = control.faults(wanted)
    if wrong:
        raise MeterError("calendar: " + "; ".join(wrong))
    data = control.calendar_data(wanted)
    for at, attribute in enumerate(control.PASSIVE_CALENDAR):
        yield from session.set(attribute, data[at])
    found = control.calendar((yield from _all(session, control.PASSIVE_CALENDAR)))
    for at, part in enumerate(_PARTS):
        if found[at] != wanted[at]:
            raise MeterError("calendar: the meter took the %s and has others now" % part)


def activate_calendar(session: "Session") -> "Conversation[None]":
    """Conversation: the passive half becomes the active one, now. Raises AccessRefused."""
    passive = control.calendar((yield from _all(session, control.PASSIVE_CALENDAR)))
    wrong = control.faults(passive)
    if wrong or not passive.days:
        raise MeterError("calendar: the passive half cannot be active: %s" % (
            "; ".join(wrong) or "it has no day profile"))
    yield from session.act(control.ACTIVATE, control.METHOD_ARGUMENT)
    active = control.calendar((yield from _all(session, control.ACTIVE_CALENDAR)))
    if active != passive:
        raise MeterError("calendar: the meter says yes, and %r is active still" % active.name)


def _all(session: "Session", wanted: tuple[Attribute, ...]) -> "Conversation[tuple[Data, ...]]":
    found: list[Result] = []
    yield from session.get_list(wanted, found)
    return granted(found, wanted)
