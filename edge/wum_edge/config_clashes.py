"""What lines and meters of one configuration must not have in common, or need of one another.

Left out: what each of them is by itself (config.py). Mistakes are (path, wanted, got), as there.
"""

from wum_edge.document import shown
from wum_edge.meters.catalog import PROTOCOLS, entry_of

TYPE_CHECKING = False        # True for type checkers only: config.py needs this file.
if TYPE_CHECKING:
    from typing import Any

    from wum_edge.config import Config, Line, Meter


def check_lines(config: "Config", mistakes: list[tuple[str, str, str]]) -> None:
    """No two lines have one name or one port; what clashes is added to `mistakes`."""
    for field, place in (("name", 0), ("port", 1)):
        seen: dict[object, int] = {}
        for index, line in enumerate(config.lines):
            _once(seen, line[place], index, "line[%d]." % index + field, "line", mistakes)


def check_meters(
        config: "Config", models: dict[str, str], mistakes: list[tuple[str, str, str]],
) -> None:
    """Every meter is on a line that can read it, and has its serial and its address for itself."""
    wrong = [path for path, _, _ in mistakes]  # Their values are stand-ins: compare none of them.
    names = [line.name for line in config.lines]
    serials: dict[object, int] = {}
    addresses: dict[object, int] = {}
    for index, meter in enumerate(config.meters):
        path = "meter[%d]." % index
        _once(serials, meter.serial, index, path + "serial", "meter", mistakes)
        if meter.line and meter.line not in names:
            mistakes.append((path + "line", "one of the lines: " + ", ".join(names),
                             shown(meter.line)))
        elif meter.line and meter.model in models and (
                (models[meter.model] == "pulse") != _line_of(config, meter).has_inputs()):
            mistakes.append((path + "line", _wanted_line(models[meter.model]),
                             "line %s at %s" % (
                                 shown(meter.line), shown(_line_of(config, meter).port))))
        elif models.get(meter.model) == "modbus-rtu" and _data_bits(config, index) == 7:
            mistakes.append((path + "line", "a line with 8 data bits, as %s needs" % meter.model,
                             "line %s with 7" % shown(meter.line)))
        elif path + "address" in wrong or meter.address is None:
            continue
        else:
            for key, own in _places(meter, models.get(meter.model, "")):
                place = (meter.line, models.get(meter.model), own)
                if place in addresses:
                    first = addresses[place]
                    mistakes.append((path + key, "an address that line %s has once" % meter.line,
                                     "%s, which meter[%d] (%s) has: give one of them another, "
                                     "at the meter itself and here" % (
                                         shown(own), first, config.meters[first].serial)))
                addresses.setdefault(place, index)
        if models.get(meter.model) == "iec62056-21" and meter.address == "" and any(
                other is not meter and other.line == meter.line for other in config.meters):
            mistakes.append((path + "address", "the address of the meter, because line %s has "
                             "others: called by none, all of them answer at once" % meter.line,
                             "none"))


def _places(meter: "Meter", protocol: str) -> "list[tuple[str, Any]]":
    """What of its line a meter takes for itself, by key: its address; of inputs, more than one."""
    if protocol == "pulse":
        found: list[tuple[str, Any]] = entry_of(protocol).inputs_of(meter)
        return found
    own = getattr(entry_of(protocol), "same_address", None) if protocol in PROTOCOLS else None
    return [("address", own(meter.address) if own is not None else meter.address)]


def _line_of(config: "Config", meter: "Meter") -> "Line":
    return [line for line in config.lines if line.name == meter.line][0]


def _wanted_line(protocol: str) -> str:
    if protocol == "pulse":
        return "a line of pulse inputs, whose port is gpio:CHIP or edges:SOCKET"
    return "a wire: pulse inputs cannot say %s" % protocol


def _data_bits(config: "Config", meter: int) -> int:
    own = config.characters[meter]
    if own is not None:
        return own.data_bits
    for line in config.lines:
        if line.name == config.meters[meter].line:
            return line.data_bits
    return 0                     # No such line, which is a mistake of its own.


def _once(
        seen: dict[object, int], value: object, index: int, path: str, what: str,
        mistakes: list[tuple[str, str, str]],
) -> None:
    if value and value in seen:
        mistakes.append((path, "a value that no other %s has" % what,
                         "%s, which %s[%d] has" % (shown(value), what, seen[value])))
    seen.setdefault(value, index)
