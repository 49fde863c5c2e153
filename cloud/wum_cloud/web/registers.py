"""What a register is called on pages, and under which heading it stands: from its OBIS code.

Left out: units (writing.py) and what is plotted together (console/quantities.py). IEC 62056-61 for
electricity; EN 13757-1 for heat cost, cooling, heat, gas and water (value group A 4 to 9).
"""

from collections.abc import Sequence
from typing import NamedTuple

from wum_cloud.web.texts import gettext as _

OTHER = _("Other")
_ENERGY, _POWER, _VOLTAGE, _CURRENT = _("Energy"), _("Power"), _("Voltage"), _("Current")
_TEMPERATURE = _("Temperature")
_PHASES = {1: "L1", 2: "L2", 3: "L3"}   # Groups C 21..40, 41..60 and 61..80.
_WHOLE = {                              # Of all phases: C, and its words where it is counted ...
    1: _("Active energy import"), 2: _("Active energy export"),
    3: _("Reactive energy import"), 4: _("Reactive energy export"),
    5: _("Reactive energy QI"), 6: _("Reactive energy QII"),
    7: _("Reactive energy QIII"), 8: _("Reactive energy QIV"),
    9: _("Apparent energy import"), 10: _("Apparent energy export"),
    15: _("Active energy absolute"), 16: _("Active energy net"),
}
_NOW = {                                # ... and where it is of a moment.
    1: _("Active power import"), 2: _("Active power export"),
    3: _("Reactive power import"), 4: _("Reactive power export"),
    9: _("Apparent power"), 10: _("Apparent power export"), 11: _("Current"), 12: _("Voltage"),
    13: _("Power factor"), 14: _("Frequency"), 15: _("Active power absolute"),
    16: _("Active power"),
}
_OF_ALL = {                             # Words that a phase has otherwise.
    11: _("Current, total"), 12: _("Voltage, average"), 91: _("Current, neutral"),
    131: _("Reactive power"),
}
_HEADINGS = {                           # Of a moment, by C.
    11: _CURRENT, 12: _VOLTAGE, 91: _CURRENT, 13: OTHER, 14: OTHER,
}
_MEDIA = {
    4: _("Heat cost"), 5: _("Cooling"), 6: _("Heat"), 7: _("Gas"), 8: _("Cold water"),
    9: _("Hot water"),
}
_TEMPERATURE_NAMES = {
    10: _("Flow temperature"), 11: _("Return temperature"), 12: _("Temperature difference"),
    13: _("Pressure"),
}
_OTHERS = {                             # By A, what C means there.
    4: {1: _("Heat cost")},
    5: {1: _("Cooling"), 2: _("Cooling water"), 3: _("Cooling water, mass"),
        8: _("Cooling output"), 9: _("Flow of cooling water"), **_TEMPERATURE_NAMES},
    6: {1: _("Heat"), 2: _("Heating water"), 3: _("Heating water, mass"),
        8: _("Heat output"), 9: _("Flow of heating water"), **_TEMPERATURE_NAMES},
    7: {3: _("Gas")},
    8: {1: _("Cold water"), 2: _("Flow of cold water")},
    9: {1: _("Hot water"), 2: _("Flow of hot water")},
}
_TEMPERATURES = (10, 11, 12)
_SET_DATE, _BASE_CONDITIONS = 2, 2      # Of D: of heat and water, and of gas.
_CLOCK = "0-0:1.0.0"
_SUB_METER = (24, 2, 1)                 # Of a P1 telegram: gas, water or heat behind the meter.


class _Code(NamedTuple):
    """The value groups of an OBIS code as it is written, A-B:C.D.E."""

    a: int
    b: int
    c: int
    d: int
    e: int


def quantity(code: str) -> str:
    """The name of an OBIS code; the code itself where we have none."""
    if code == _CLOCK:
        return _("Clock deviation")
    parts = _parts(code)
    if parts is None:
        return code
    if parts.a == 0 and parts[2:] == _SUB_METER:
        return _("Meter on channel %(n)d") % {"n": parts.b}
    words = _electricity(parts) if parts.a == 1 else _other(parts)
    if words and parts.e:               # T for tariff, as L for a phase: so it is on the meters.
        words = _("%(name)s T%(n)d") % {"name": words, "n": parts.e}
    if words and parts.b:
        words = _("%(name)s, channel %(n)d") % {"name": words, "n": parts.b}
    return words or code


def heading(code: str) -> str:
    """Under what a register stands in a list."""
    parts = _parts(code)
    if parts is None or quantity(code) == code:
        return OTHER
    if parts.a == 1:
        phase = parts.c if parts.c in _OF_ALL else (parts.c - 1) % 20 + 1
        return _ENERGY if parts.d == 8 else _HEADINGS.get(phase, _POWER)
    if parts.a in (5, 6) and parts.c in _TEMPERATURES:
        return _TEMPERATURE
    return _MEDIA.get(parts.a, OTHER)


def headings() -> tuple[str, ...]:
    """All of them, in the order of a page."""
    return (_ENERGY, *_MEDIA.values(), _TEMPERATURE, _POWER, _VOLTAGE, _CURRENT, OTHER)


def phase_of(code: str) -> str:
    """`L1`, `L2`, `L3` where the code is of one phase, else the quantity's name."""
    words = quantity(code)
    return words[-2:] if words[-2:] in _PHASES.values() else words


def _parts(code: str) -> _Code | None:
    before, _colon, after = code.partition(":")
    numbers = [*before.split("-"), *after.split(".")]
    if len(numbers) != len(_Code._fields) or not all(n.isdecimal() for n in numbers):
        return None
    return _Code(*(int(n) for n in numbers))


def _electricity(parts: _Code) -> str:
    if parts.d == 7 and parts.c in _OF_ALL:
        return _OF_ALL[parts.c]
    phase, place = divmod(parts.c - 1, 20)
    words = {6: _NOW, 7: _NOW, 8: _WHOLE}.get(parts.d, {}).get(place + 1, "")
    if not words or (phase and phase not in _PHASES):
        return ""
    if phase:
        words = "%s %s" % (words, _PHASES[phase])
    return _("%(name)s, highest") % {"name": words} if parts.d == 6 else words


def _other(parts: _Code) -> str:
    words = _OTHERS.get(parts.a, {}).get(parts.c, "")
    if words and parts.a == 7:
        return {0: words, _BASE_CONDITIONS: _("%s at base conditions") % words}.get(parts.d, "")
    if words and parts.d == _SET_DATE:
        return _("%(name)s at the set date") % {"name": words}
    return words if parts.d == 0 else ""


def set_of(codes: Sequence[str]) -> str:
    """A register set in a few words: its first quantities, and how many more."""
    words = list(dict.fromkeys([quantity(code) for code in codes]))
    if len(words) <= 3:
        return ", ".join(words)
    return _("%(first)s and %(n)s more") % {"first": ", ".join(words[:2]), "n": len(words) - 2}
