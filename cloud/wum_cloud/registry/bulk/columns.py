"""The registry file: kinds of rows, their columns, and what each cell must be by itself.

Left out: the file around them (file.py), and what rows need of one another (checks/store.py).
A row of a spreadsheet is one thing: a site, a concentrator, a schedule, a bus, a meter.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import available_timezones

from wum_shared.configuration import TEXT_MAX
from wum_shared.errors import Malformed
from wum_shared.patterns import patterns_from_text

KINDS = ("site", "schedule", "concentrator", "bus", "meter")    # In the order of an export.
COLUMNS = (
    "kind", "name", "site", "street", "time_zone", "period_s", "offset_s", "concentrator", "mesh",
    "carries", "port", "baud", "parity", "stop_bits", "data_bits", "model", "delivery_point", "bus",
    "address", "schedule", "state", "registers", "parts")
NAME_MAX = 64
PARTS_MAX = 7               # A concentrator has 8 schedules at most (wum_edge/config.py).
BAUDS = ("300", "600", "1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200")
_SHOWN_MAX = 60
_ID_TEXT = re.compile(r"[!-~]{1,64}", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_DEVICE = re.compile(r"[0-9a-f]{16}", re.ASCII)

Check = Callable[[str], str]        # What is wanted instead; empty where the cell is right.


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. Rows count from 1, which is the header, as spreadsheets show them."""

    row: int
    column: str
    wanted: str
    got: str

    def sentence(self) -> str:
        """For a person."""
        return "row %d, %s: wanted %s, got %s" % (self.row, self.column, self.wanted, self.got)


def shown(cell: str) -> str:
    """A cell as a fault shows it."""
    if not cell:
        return "nothing"
    text = "".join([c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cell])
    return '"%s"' % (text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX - 3] + "...")


def _text(most: int) -> Check:
    wanted = "1..%d printable characters" % most
    return lambda cell: "" if 0 < len(cell) <= most and cell.isprintable() else wanted


def _optional(check: Check) -> Check:
    return lambda cell: check(cell) if cell else ""


def _one_of(*allowed: str) -> Check:
    wanted = "one of " + ", ".join(allowed)
    return lambda cell: "" if cell in allowed else wanted


def _number(least: int, most: int) -> Check:
    wanted = "%d..%d" % (least, most)
    return lambda cell: "" if _NUMBER.fullmatch(cell) and least <= int(cell) <= most else wanted


def _id_text(cell: str) -> str:
    good = _ID_TEXT.fullmatch(cell) and not set("/+#") & set(cell)
    return "" if good else "1..64 characters of ASCII without space and / + #"


def _device(cell: str) -> str:
    return "" if _DEVICE.fullmatch(cell) else "a concentrator's id: 16 hexadecimal digits"


def _registers(cell: str) -> str:
    try:
        patterns_from_text(cell)
    except Malformed as error:
        return str(error).partition(", got ")[0].replace("registers: wanted ", "")
    return "" if len(cell) <= TEXT_MAX else "at most %d characters" % TEXT_MAX


def _names(cell: str) -> str:
    names = cell.split(" ")
    if len(names) > PARTS_MAX or any(_id_text(name) for name in names) or (
            len({*names}) < len(names)):
        return "names of 1..%d schedules, each once, separated by a space" % PARTS_MAX
    return ""


def _zone(cell: str) -> str:
    return "" if cell in _zones() else "an IANA time zone such as Europe/Chisinau"


def _zones() -> set[str]:
    if not _ZONES:
        _ZONES.update(available_timezones())    # It reads a folder: once.
    return _ZONES


_ZONES: set[str] = set()
_NAME = _text(NAME_MAX)

# What each kind has; what is not named here stays empty.
CELLS: dict[str, dict[str, Check]] = {
    "site": {"name": _text(200), "site": _optional(_text(200)), "street": _optional(_text(200)),
             "time_zone": _zone},
    "schedule": {"name": _id_text, "period_s": _number(1, 86400), "offset_s": _number(0, 86399),
                 "registers": _optional(_registers), "parts": _optional(_names)},
    "concentrator": {"name": _NAME, "site": _optional(_text(200)), "concentrator": _device,
                     "mesh": _optional(_NAME), "carries": _one_of("yes", "no")},
    "bus": {"name": _id_text, "concentrator": _device, "port": _text(255),
            "baud": _one_of(*BAUDS), "parity": _one_of("N", "E", "O"),
            "stop_bits": _one_of("1", "2"), "data_bits": _one_of("7", "8")},
    "meter": {"name": _id_text, "concentrator": _device, "model": _id_text,
              "delivery_point": _id_text, "bus": _optional(_id_text),
              "address": _optional(_text(64)), "schedule": _optional(_id_text),
              "state": _one_of("active", "archived")},
}
DEFAULTS = {
    "site": {"time_zone": "UTC"}, "schedule": {"offset_s": "0"}, "concentrator": {"carries": "no"},
    "bus": {"baud": "9600", "parity": "N", "stop_bits": "1", "data_bits": "8"},
    "meter": {"state": "active"}}


_PLACES = {kind: [(at, column, checks.get(column), DEFAULTS[kind].get(column, ""))
                  for at, column in enumerate(COLUMNS) if column != "kind"]
           for kind, checks in CELLS.items()}
_BUS, _ADDRESS = COLUMNS.index("bus"), COLUMNS.index("address")
_REGISTERS, _PARTS = COLUMNS.index("registers"), COLUMNS.index("parts")
_PERIOD, _OFFSET = COLUMNS.index("period_s"), COLUMNS.index("offset_s")


def checked(number: int, cells: list[str], faults: list[Fault]) -> bool:
    """Check the cells of a row, by COLUMNS, and put defaults where they are empty; faults are
    added. False for a row of no kind.

    A cell with a fault is emptied, so that no second fault follows from it.
    """
    kind = cells[0]
    if kind not in CELLS:
        faults.append(Fault(number, "kind", "one of " + ", ".join(KINDS), shown(kind)))
        return False
    if kind == "meter" and cells[_ADDRESS] and not cells[_BUS]:
        faults.append(Fault(number, "bus", "the bus on which the address is", "nothing"))
    for at, column, check, default in _PLACES[kind]:
        cell = cells[at]
        if not cell and default:
            cells[at] = default
        elif check is not None:
            wanted = check(cell)
            if wanted:
                faults.append(Fault(number, column, wanted, shown(cell)))
                cells[at] = ""
        elif cell:
            faults.append(Fault(number, column, "nothing: a %s has none" % kind, shown(cell)))
            cells[at] = ""
    if kind == "schedule" and cells[_PERIOD] and cells[_OFFSET] and (
            int(cells[_OFFSET]) >= int(cells[_PERIOD])):
        faults.append(Fault(number, "offset_s", "less than the period (%s)" % cells[_PERIOD],
                            shown(cells[_OFFSET])))
    if kind == "schedule" and cells[_REGISTERS] and cells[_PARTS]:
        faults.append(Fault(number, "parts", "nothing: it is of some registers itself",
                            shown(cells[_PARTS])))
    return True
