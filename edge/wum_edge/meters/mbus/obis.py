"""The OBIS code of a record: medium, quantity, tariff, and current or set-date value.

Left out: what a register of a model is called (its catalogue entry says). What has no code here is
listed as such, never guessed. EN 13757-1:2014, clause 11 and annex; OMS volume 2, annex.
"""

from collections import namedtuple

from wum_edge.meters.mbus.answer import Answer
from wum_edge.meters.mbus.record import INSTANT, MAXIMUM, Record
from wum_edge.meters.mbus.vif import MANUFACTURER, RESERVED

_HEAT_AND_COOLING = 0x0D
_DIRECTIONS = ((), ("positive only",), ("negative only",))
_ELECTRICITY, _ALLOCATOR, _COOLING, _HEAT, _GAS, _COLD, _HOT = 1, 4, 5, 6, 7, 8, 9
# Value group A by medium (identity.MEDIA).
_GROUPS = {
    0x02: _ELECTRICITY, 0x03: _GAS, 0x04: _HEAT, 0x05: _HEAT, 0x06: _HOT, 0x07: _COLD,
    0x08: _ALLOCATOR, 0x0A: _COOLING, 0x0B: _COOLING, 0x0C: _HEAT, 0x0D: _HEAT, 0x15: _HOT,
    0x16: _COLD,
}
# C of a thermal meter (EN 13757-1, table of heat and cooling).
_THERMAL = {
    "energy": 1, "volume": 2, "mass": 3, "power": 8, "volume flow": 9, "flow temperature": 10,
    "return temperature": 11, "temperature difference": 12, "pressure": 13,
}
_ENERGIES = {                # C of both directions: (import, export); reactive and apparent alike.
    "energy": (1, 2), "reactive energy": (3, 4), "apparent energy": (9, 10),
}
_POWERS = {"power": (1, 2), "reactive power": (3, 4), "apparent power": (9, 10)}
_PHASES = {"L1": 20, "L2": 40, "L3": 60}     # Added to C.
_ABSTRACT = {"date and time": (1, 0), "fabrication number": (96, 1), "error flags": (97, 97)}


class Coded(namedtuple("Coded", ("record", "obis", "reason"))):
    """A record and its OBIS code, or None and the reason why it has none."""

    __slots__ = ()
    record: Record
    obis: bytes | None
    reason: str


def coded(answer: Answer) -> tuple[Coded, ...]:
    """Every record of `answer` with its code, none left out; a code that came before is not given
    twice, for nobody could tell the two apart.
    """
    found: list[Coded] = []
    given: set[bytes] = set()
    medium = answer.identity.medium if answer.identity else 0x0F
    for record in answer.records:
        code, reason = obis_of(record, medium)
        if code is not None and code in given:
            code, reason = None, "an earlier record has the same code"
        if code is not None:
            given.add(code)
        found.append(Coded(record, code, reason))
    return tuple(found)


def obis_of(record: Record, medium: int) -> tuple[bytes | None, str]:
    """(code, "") of a record of a meter of that medium, or (None, why it has none)."""
    if record.quantity == MANUFACTURER or record.quantity[:len(RESERVED)] == RESERVED:
        return None, record.quantity
    if record.subunit:
        return None, "subunit %d: its maker says what it measures" % record.subunit
    if record.quantity in _ABSTRACT:
        return _abstract(record)
    group = _GROUPS.get(medium)
    if group is None:
        return None, "medium %02x has no value group" % medium
    if record.unit_text:
        return None, "the unit %s has no DLMS code" % record.unit_text
    if record.storage > 1:
        return None, "storage %d: its maker says of when it is" % record.storage
    if group == _ELECTRICITY:
        return _electricity(record)
    if record.function != INSTANT:
        return None, "function %s" % record.function
    if medium == _HEAT_AND_COOLING and record.modifiers == ("negative only",):
        group = _COOLING         # What such a meter counts backwards is cold.
    return _other(record, group)


def _abstract(record: Record) -> tuple[bytes | None, str]:
    """Codes of medium 0: the clock, the number on the plate, the error register."""
    if record.storage or record.tariff or record.modifiers or record.function != INSTANT:
        return None, "of another time, tariff or kind than the meter's own"
    c, d = _ABSTRACT[record.quantity]
    return bytes((0, 0, c, d, 0, 255)), ""


def _other(record: Record, group: int) -> tuple[bytes | None, str]:
    """Heat, cooling, gas, water, heat cost allocators. D is 2 for the value of the set date."""
    d, quantity, modifiers = 2 * record.storage, record.quantity, record.modifiers
    c: int | None = None
    if group in (_HEAT, _COOLING):
        c = _THERMAL.get(quantity)
        if record.storage and c not in (1, 2, 3):
            return None, "%s of a set date" % quantity
    elif group == _GAS:
        if quantity == "volume" and modifiers in ((), ("uncorrected",), ("at base conditions",)):
            if record.storage:
                return None, "a gas volume of a set date"
            return bytes((group, 0, 3, 2 if "at base conditions" in modifiers else 0,
                          record.tariff, 255)), ""
    elif group == _ALLOCATOR:
        c = 1 if quantity == "units for HCA" else None
    elif quantity == "volume":
        c = 1
    elif quantity == "volume flow" and not record.storage:
        c = 2
    if c is None:
        return None, "%s is no quantity of this medium" % quantity
    one_way = group == _COOLING or modifiers != ("negative only",)
    if modifiers and not (group in (_HEAT, _COOLING) and c in (1, 2, 3) and one_way
                          and modifiers in _DIRECTIONS):
        return None, "modified: %s" % ", ".join(modifiers)
    return _with_tariff(group, c, d, record)


def _electricity(record: Record) -> tuple[bytes | None, str]:
    """Medium 1. Energies have D 8, values of now 7, maxima 6."""
    if record.storage:
        return None, "a stored value: F would say of which billing period"
    quantity = record.quantity
    phase = export = 0
    for modifier in record.modifiers:
        if modifier in _PHASES and not phase:
            phase = _PHASES[modifier]
        elif modifier == "negative only" and not export:
            export = 1
        elif modifier != "positive only":
            return None, "modified: %s" % modifier
    if quantity in _ENERGIES and record.function == INSTANT:
        return _with_tariff(1, _ENERGIES[quantity][export] + phase, 8, record)
    if quantity in _POWERS and record.function in (INSTANT, MAXIMUM):
        return _with_tariff(1, _POWERS[quantity][export] + phase,
                            7 if record.function == INSTANT else 6, record)
    if record.function == INSTANT and not export and not record.tariff:
        if quantity == "voltage":
            return bytes((1, 0, 12 + phase, 7, 0, 255)), ""
        if quantity == "current":
            return bytes((1, 0, 11 + phase, 7, 0, 255)), ""
        if quantity == "frequency" and not phase:
            return bytes((1, 0, 14, 7, 0, 255)), ""
    return None, "%s, %s: no code" % (quantity, record.function)


def _with_tariff(group: int, c: int, d: int, record: Record) -> tuple[bytes | None, str]:
    if record.tariff > 63:
        return None, "tariff %d is past 63" % record.tariff
    return bytes((group, 0, c, d, record.tariff, 255)), ""
