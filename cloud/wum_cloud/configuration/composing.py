"""What a concentrator should be configured as, of what registry and settings say; and its faults.

Pure: left out are the database (store.py) and sending (twin.py). A fault is (path, wanted, got), in
the words of the concentrator's own file; whatever passes here the concentrator still checks itself,
against its catalogue and its file, and refuses whole.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from wum_shared.configuration import Configuration, encode_configuration
from wum_shared.errors import WireError

Parts = dict[str, Any]
Faults = list[tuple[str, str, str]]

# What each scope may say, least and most.
CLOCK = {"tolerance_s": (1, 3600), "max_step_s": (0, 3600)}
TIMEOUT = {"timeout_ms": (20, 10000)}
NUMBERS = {"group": CLOCK | TIMEOUT, "concentrator": CLOCK | TIMEOUT, "meter": TIMEOUT}
ROLES = ("gateway", "station", "standby")
BUSES_MAX, METERS_MAX, SCHEDULES_MAX = 16, 1024, 8
Schedule = tuple[int, int]      # Period and offset, seconds.
_DIGITS_MAX = 9


@dataclass(frozen=True, slots=True)
class Bus:
    """A line of the concentrator."""

    name: str
    port: str
    baud: int
    parity: str
    stop_bits: int
    data_bits: int


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter that is not archived. `period_s` None: no schedule was chosen for it."""

    serial: str
    delivery_point: str
    model: str
    bus: str | None
    address: str | None
    schedule: str | None
    period_s: int | None
    offset_s: int | None


@dataclass(frozen=True, slots=True)
class Set:
    """Registers that a schedule reads by a schedule of their own (wum_shared/patterns.py)."""

    name: str
    registers: str
    period_s: int
    offset_s: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What there is of one concentrator. `settings` by scope, those of meters by serial; `sets` by
    the schedule that has them.
    """

    buses: list[Bus]
    meters: list[Meter]
    mesh: str | None
    sets: dict[str, list[Set]] = field(default_factory=dict)
    group: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    of_meters: dict[str, dict[str, Any]] = field(default_factory=dict)


def compose(wanted: Wanted) -> tuple[Parts, Faults]:
    """The parts of a configuration, and what is wrong with them; with faults nothing is sent."""
    settings = {**wanted.group, **wanted.own}
    common, name = _common(wanted)
    parts: Parts = {
        "line": [_line(bus) for bus in wanted.buses],
        "meter": [_meter(m, settings, wanted.of_meters.get(m.serial, {}), common)
                  | _sets_of(wanted.sets.get(m.schedule or name, [])) for m in wanted.meters]}
    if common is not None:
        parts["schedule"] = {"period_s": common[0], "offset_s": common[1]}
    used = {m.schedule or name for m in wanted.meters}
    sets = {one.name: one for of in used for one in wanted.sets.get(of, [])}
    if sets:
        parts["register_set"] = [_set(sets[name]) for name in sorted(sets)]
    clock = {name: settings[name] for name in CLOCK if name in settings}
    if clock:
        parts["clock_policy"] = clock
    if "role" in settings:
        parts["role"] = settings["role"]
    return parts, _faults(wanted, parts)


def _common(wanted: Wanted) -> tuple[Schedule | None, str]:
    """The schedule that most of the meters have, which stands once for all of them, and its name;
    of several the shortest. Meters for which nobody chose one are read by it, too.
    """
    counted = Counter([(m.period_s, m.offset_s or 0) for m in wanted.meters
                       if m.period_s is not None])
    if not counted:
        return None, ""
    common = min(counted, key=lambda one: (-counted[one], one))
    named = Counter([m.schedule for m in wanted.meters
                     if m.schedule and (m.period_s, m.offset_s or 0) == common])
    return common, min(named, key=lambda one: (-named[one], one)) if named else ""


def _set(one: Set) -> dict[str, Any]:
    return {"name": one.name, "registers": one.registers, "period_s": one.period_s,
            "offset_s": one.offset_s}


def _sets_of(sets: list[Set]) -> dict[str, Any]:
    return {"register_sets": " ".join([one.name for one in sets])} if sets else {}


def _line(bus: Bus) -> dict[str, Any]:
    return {"name": bus.name, "port": bus.port, "baud": bus.baud, "parity": bus.parity,
            "stop_bits": bus.stop_bits, "data_bits": bus.data_bits}


def _meter(
        m: Meter, settings: dict[str, Any], own: dict[str, Any], common: Schedule | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {"serial": m.serial, "delivery_point": m.delivery_point,
                             "model": m.model, "line": m.bus or ""}
    if m.address is not None:
        found["address"] = address_of(m.address)
    timeout_ms = own.get("timeout_ms", settings.get("timeout_ms"))
    if timeout_ms is not None:
        found["timeout_ms"] = timeout_ms
    if m.period_s is not None and (m.period_s, m.offset_s or 0) != common:
        found |= {"period_s": m.period_s, "offset_s": m.offset_s or 0}
    return found


def address_of(text: str) -> int | str:
    """A number where the file would have one: digits that no zero leads, and not too many."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    return int(text) if is_number and str(int(text)) == text else text


def _faults(wanted: Wanted, parts: Parts) -> Faults:
    found: Faults = []
    if not wanted.buses:
        found.append(("line", "1..%d buses in the registry" % BUSES_MAX, "none"))
    if not wanted.meters:
        found.append(("meter", "1..%d meters in the registry" % METERS_MAX, "none"))
    for m in wanted.meters:
        if m.bus is None:
            found.append(("meter %s" % m.serial, "the bus that it is on", "nothing"))
    places = Counter([(m.bus, m.address) for m in wanted.meters])
    found += [("meter %s" % m.serial, "an address that bus %s has once" % m.bus, str(m.address))
              for m in wanted.meters
              if m.bus is not None and m.address is not None and places[m.bus, m.address] > 1]
    schedules = {(m.period_s, m.offset_s) for m in wanted.meters if m.period_s is not None}
    schedules |= {(one["period_s"], one["offset_s"]) for one in parts.get("register_set", [])}
    if len(schedules) > SCHEDULES_MAX:
        found.append(("schedule", "at most %d schedules at a concentrator" % SCHEDULES_MAX,
                      "%d" % len(schedules)))
    if "role" in parts and wanted.mesh is None:
        found.append(("role", "a mesh that the concentrator is in", "none"))
    if not found:
        try:
            encode_configuration(Configuration(1, parts))
        except WireError as error:
            found.append(("configuration", "one that fits into an order", str(error)))
    return found


def settings_faults(scope: str, settings: dict[str, Any]) -> list[str]:
    """What is wrong with settings of a scope, a sentence each."""
    numbers = NUMBERS[scope]
    said = []
    for name, value in settings.items():
        if name == "role" and scope != "meter":
            if value not in ROLES:
                said.append("role: wanted one of %s, got %s" % (", ".join(ROLES), value))
        elif name not in numbers:
            said.append("%s: a %s has no such setting, it has %s" % (
                name, scope, ", ".join(numbers)))
        elif type(value) is not int or not numbers[name][0] <= value <= numbers[name][1]:
            said.append("%s: wanted %d..%d, got %s" % (name, *numbers[name], value))
    return said
