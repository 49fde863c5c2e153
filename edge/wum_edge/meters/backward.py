"""Counters that went back: reset, rolled over, or another meter's. Told, never altered.

Left out: what to make of it (the head-end's). Compared is what one run of the gateway has read:
what went back while it was down is in the readings alone.
"""

from wum_edge.meters.catalog import Model, Register
from wum_shared.units import UNITS, scaled_to_text

TELL_AGAIN_S = 86400         # Two meters at one address go back in every other sweep.
_COUNTED_UNITS = (13, 14, 25, 30)        # m³, J, Wh: of heat, water and gas.
_ROLLED_SHARE = 100          # Rolled over: from the last hundredth of its digits to the first.


class Counters:
    """What the counters of one meter stood at when they were last read."""

    _told_s: int | None = None

    def __init__(self, model: Model) -> None:
        self._model = model
        self._last: dict[int, int] = {}

    def note(self, values: dict[int, int | None], now_s: int) -> str:
        """A sentence when one of them, by place, went back and that is news; else the empty text.
        """
        told = ""
        for place in range(len(self._model.registers)):
            value = values.get(place)
            if value is None or not only_grows(self._model, place):
                continue
            before = self._last.get(place, value)
            self._last[place] = value
            if value < before and not told:
                told = self._sentence(place, before, value)
        if not told or (self._told_s is not None and 0 <= now_s - self._told_s < TELL_AGAIN_S):
            return ""
        self._told_s = now_s
        return told

    def _sentence(self, place: int, before: int, value: int) -> str:
        register = self._model.registers[place]
        return "%s went from %s to %s %s: %s" % (
            register.name, scaled_to_text(before, register.scaler),
            scaled_to_text(value, register.scaler), UNITS[register.unit],
            "it rolled over" if has_rolled(before, value)
            else "it was reset, or is another meter's")


def only_grows(model: Model, place: int) -> bool:
    """Whether a register is a counter: of electricity D is 8, but the sum of import and export
    (C is 16) goes both ways; of heat, water and gas an amount that is no stored one.
    """
    register: Register = model.registers[place]
    medium, quantity, kind = register.obis[0], register.obis[2], register.obis[3]
    if register.obis[5] != 255:
        return False
    if medium == 1:
        return kind == 8 and 1 <= quantity % 20 <= 10
    return 5 <= medium <= 9 and quantity <= 3 and kind <= 2 and register.unit in _COUNTED_UNITS


def has_rolled(before: int, value: int) -> bool:
    """Whether all digits were nines, nearly, and are nought, nearly."""
    limit: int = 10 ** len(str(before))
    return (limit - before) * _ROLLED_SHARE <= limit and 0 <= value * _ROLLED_SHARE <= limit
