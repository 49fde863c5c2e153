"""Readings off a display, as people write them: a decimal and a unit, and nothing of it lost.

Pure. An amount is value x 10^scaler in the unit of a register; kilo and mega are taken as scalers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS, scaled_to_text

# Units of what is counted up: energy, volume, mass. What has another unit has no final reading.
COUNTED = frozenset({13, 14, 19, 20, 25, 30, 31, 32, 45, 46, 47, 57})
DIGITS_MAX = 15
_KILO = (30, 31, 32)
_DECIMAL = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,6})?", re.ASCII)


class BadAmount(Exception):
    """What was written is no reading of this register: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Amount:
    """value x 10^scaler in unit, of one register."""

    obis: bytes
    value: int
    scaler: int
    unit: int

    def at(self, scaler: int) -> int:
        """The same in steps of a scaler that is not coarser."""
        assert scaler <= self.scaler
        return int(self.value * 10 ** (self.scaler - scaler))

    def text(self) -> str:
        """As people write it: 1234.5 kWh."""
        power, word = display(self.unit)
        return "%s %s" % (scaled_to_text(self.value, self.scaler - power), word)


def display(unit: int) -> tuple[int, str]:
    """How a register's display counts: (power of ten, unit): energy in thousands."""
    word = UNITS.get(unit, "unit %d" % unit)
    return (3, "k" + word) if unit in _KILO else (0, word)


def unit_of(word: str, own: int | None = None) -> int:
    """The unit that a display shows as `word`, the register's `own` where that is known.

    Raises BadAmount.
    """
    allowed = sorted(COUNTED) if own is None else [own]
    for unit in allowed:
        if display(unit)[1] == word:
            return unit
    raise BadAmount("unit: wanted %s, got \"%s\"." % (
        " or ".join(dict.fromkeys([display(unit)[1] for unit in allowed])),
        word if word.isprintable() else "?"))


def is_counted(code: bytes, unit: int) -> bool:
    """Whether a register counts up, so that there is a final and a first reading of it. Of
    electricity the present value of a counter has D = 8; what has another is of a span or a moment.
    """
    return unit in COUNTED and (code[0] != 1 or code[3] == 8)


def parse(obis: bytes, unit: int, text: str) -> Amount:
    """A reading in the unit of `display`. A comma is taken for a point. Raises BadAmount."""
    written = text.strip().replace("\N{NARROW NO-BREAK SPACE}", "").replace(" ", "")
    power, word = display(unit)
    if not _DECIMAL.fullmatch(written):
        raise BadAmount("%s: wanted a number such as 1234.5, in %s, got \"%s\"." % (
            obis_to_text(obis), word, text[:40] if text.isprintable() else "?"))
    whole, _, rest = written.replace(",", ".").partition(".")
    return Amount(obis, int(whole + rest), power - len(rest), unit)


def compare(one: Amount, other: Amount) -> int:
    """Below 0: `one` is less; exactly, whatever the scalers."""
    finest = min(one.scaler, other.scaler)
    return one.at(finest) - other.at(finest)


def shown(amounts: Sequence[Amount]) -> str:
    """Some of them, for a person: 1-0:1.8.0 1234.5 kWh, ..."""
    return ", ".join("%s %s" % (obis_to_text(a.obis), a.text()) for a in amounts)
