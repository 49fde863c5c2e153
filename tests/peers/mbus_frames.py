"""The recorded M-Bus frames and what libmbus reads in them, beside what we read in them."""

import json
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from wum_edge.meters.mbus.record import FUNCTIONS, Record
from wum_edge.meters.mbus.vif import MANUFACTURER

VECTORS = Path(__file__).parent.parent / "vectors" / "mbus" / "libmbus.jsonl"
_FUNCTIONS = dict(zip(("Instantaneous value", "Maximum value", "Minimum value",
                       "Value during error state"), FUNCTIONS, strict=True))
_UNITS = {"Wh": 30, "W": 27, "m^3": 13, "m^3/h": 15, "A": 33, "V": 35, "K": 52, "°C": 9,
          "kWh": 30, "l": 13}
_SECONDS = {4: 86400, 5: 3600, 6: 60, 7: 1}
_POWERS = {"kWh": 3, "l": -3}   # libmbus does not normalise the fixed structure.

# Where we and libmbus differ on purpose: (frame, record) and why.
DIFFERENCES = {
    ("test-frames/ELS_Elster-F96-Plus", 4): "BCD digits DDDDEBBD are no number: libmbus adds them",
    ("test-frames/ELS_Elster-F96-Plus", 5): "BCD digits DDEBBD are no number: libmbus adds them",
    ("test-frames/REL-Relay-Padpuls2", 1):
        "the meter marks its time as invalid: libmbus says 1900, we say what came, and the doubt",
    ("test-frames/SEN_Pollustat", 12):
        "VIFE 50: seconds for which the flow was below a limit; libmbus says a flow",
    ("test-frames/SEN_Pollustat", 13):
        "VIFE 58: seconds for which the flow was above a limit; libmbus says a flow",
}


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    """Every recorded frame."""
    return tuple(json.loads(line) for line in VECTORS.read_text("utf-8").splitlines())


def wanted(frame: dict[str, Any]) -> list[list[Any]]:
    """libmbus' records; an empty `more records follow` is no record for us."""
    return [one for one in frame["records"]
            if not (one[0] == "More records follow" and not one[6])]


def difference(one: list[Any], record: Record) -> str:
    """What is not equal between libmbus' record and ours; empty when all is."""
    function, storage, tariff, device, _, unit, value = one
    if function in ("Manufacturer specific", "More records follow"):
        same = record.quantity == MANUFACTURER and record.text == value.lower()
        return "" if same else f"bytes {value}, ours {record.text}"
    if not function:         # A VIF that libmbus does not know: it says nothing.
        return "" if record.quantity.startswith("reserved") else f"reserved, ours {record}"
    if _FUNCTIONS.get(function, record.function) != record.function:
        return f"function {function}, ours {record.function}"
    if (storage, tariff, device) != (record.storage, record.tariff, record.subunit):
        return f"storage, tariff, device {one[1:4]}, ours {record}"
    if unit in _UNITS and _UNITS[unit] != record.unit:
        return f"unit {unit}, ours {record.unit}"
    return "" if _same_value(value, unit, record) else f"value {value}, ours {record}"


def _same_value(value: str, unit: str, record: Record) -> bool:
    if record.moment is not None:
        # libmbus writes Z behind a local time, and zeros for what is not given.
        text = value.removesuffix("Z")
        text = text if record.moment.second is not None else text.removesuffix(":00")
        return text in (record.text, record.text.replace("-??-??", "-00-00"))
    if record.value is None:
        return value == record.text
    ours = record.value * Fraction(10) ** record.power
    if unit == "s":
        ours *= _SECONDS[record.unit]
    theirs = Fraction(value) * Fraction(10) ** _POWERS.get(unit, 0)
    return abs(theirs - ours) <= Fraction(5, 10**7) + abs(ours) / 10**7   # Six digits, doubles.
