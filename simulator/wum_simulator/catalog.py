"""Facts about meter types, from the gateway's catalogue files: addresses, types, scales.

Only the data is shared with the gateway. Reading and judging it here is separate code, so that a
mistake in the gateway's has something to disagree with.
"""

import importlib.resources
import json
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.resources.abc import Traversable
from typing import Any

from wum_simulator.quantities import QUANTITIES

# Those with a server (meters/servers.py), and pulse meters (serve_pulses.py).
PLAYED = ("dlms-hdlc", "iec62056-21", "mbus", "modbus-rtu", "modbus-tcp", "p1", "pulse", "sml")
WORDS = {"uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "uint64": 4, "int64": 4,
         "float32": 2, "float64": 4}


class UnknownModel(Exception):
    """No such meter type in the catalogue, or one that the town cannot play."""


@dataclass(frozen=True, slots=True)
class Register:
    """One register of a meter type: raw number x `scale` is in `unit`.

    `scaler` is the power of ten of the scaled integer that a gateway keeps.
    """

    name: str
    obis: str
    function: int
    address: int
    type: str
    word_order: str
    scale: Fraction
    unit: str
    scaler: int
    # The register as its file has it, for protocols of other keys.
    own: dict[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """16-bit words; 0 in a protocol without such."""
        return WORDS.get(self.type, 0)


@dataclass(frozen=True, slots=True)
class Model:
    """One meter type. `gap` is how many undefined words between its registers it still answers."""

    name: str
    registers: tuple[Register, ...]
    registers_per_request: int
    gap: int
    protocol: str = "modbus-rtu"
    own: dict[str, Any] = field(default_factory=dict)    # The entry as its file has it.

    @property
    def phases(self) -> int:
        """3, or 1 when nothing of phase 2 or 3 can be read from it."""
        others = range(41, 81)
        three = any(int(r.obis.split(":")[1].split(".")[0]) in others for r in self.registers)
        return 3 if three else 1


def model_names() -> list[str]:
    """All meter types that the town can play, sorted."""
    return sorted(path.name.removesuffix(".json") for path in _folder().iterdir()
                  if path.name.endswith(".json") and _is_model(path))


def model(name: str) -> Model:
    """The meter type of that name. Raises UnknownModel with the names there are."""
    path = _folder() / (name + ".json")
    if not name or "/" in name or not path.is_file() or not _is_model(path):
        raise UnknownModel(
            f"model: wanted one of {', '.join(model_names())}; got {name!r}")
    return model_of(json.loads(path.read_text(encoding="utf-8")))


def model_of(entry: dict[str, Any]) -> Model:
    """The meter type that an entry of a catalogue describes; it was checked by the gateway's."""
    limits = entry.get("limits", {})
    return Model(
        entry["model"], tuple(_register(r) for r in entry["registers"]),
        limits.get("registers_per_request", 125), limits.get("gap", 17), entry["protocol"], entry)


def _register(entry: dict[str, Any]) -> Register:
    return Register(
        entry["name"], entry["obis"], entry.get("function", 0), entry.get("address", 0),
        entry.get("type", ""), entry.get("word_order", "big"), Fraction(entry.get("scale", "1")),
        entry["unit"], entry["scaler"], entry)


def _folder() -> Traversable:
    return importlib.resources.files("wum_edge") / "catalog"


def _is_model(path: Traversable) -> bool:
    entry = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(entry, dict) or entry.get("protocol") not in PLAYED:
        return False
    # The town keeps neither maxima nor set dates, which M-Bus meters have.
    return entry["protocol"] not in ("mbus", "pulse") or all(
        r["obis"] in QUANTITIES for r in entry["registers"])
