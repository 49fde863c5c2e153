"""A DLMS activity calendar as a JSON file that a person reads and writes.

Left out: what a meter makes of it (meters/dlms/control.py). Names and moments that have no plain
text stand as hexadecimal digits behind 0x, so that what is printed can be written back unchanged.
Blue Book, class 20.
"""

import json
import re
from pathlib import Path

from wum_edge.document import Table, shown
from wum_edge.meters.dlms.control import (
    DAYS_MAX,
    SEASONS_MAX,
    SWITCHES_MAX,
    WEEKS_MAX,
    Calendar,
    Day,
    Season,
    Switch,
    Week,
    faults,
)
from wum_edge.ports.linux.bad_question import BadQuestion
from wum_edge.ports.linux.config_file import line_of
from wum_edge.ports.linux.json_lines import lines_of
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text, obis_to_text

FILE_BYTES_MAX = 256 * 1024
_DATE = re.compile(r"^(?:(\d{4})-)?(\d\d)-(\d\d)(?: (\d\d):(\d\d))?$")
_TIME = re.compile(r"^(\d\d):(\d\d)$")
_DATE_TAIL = b"\0\0\x80\0\0"     # No seconds, no hundredths, deviation not specified, status 0.
_START = "MM-DD, MM-DD hh:mm, either behind YYYY-, or 0x and 24 hexadecimal digits"


def calendar_text(calendar: Calendar) -> str:
    """The JSON document of a calendar."""
    document = {
        "name": _name_text(calendar.name),
        "season": [{"name": _name_text(one.name), "start": _start_text(one.start),
                    "week": _name_text(one.week)} for one in calendar.seasons],
        "week": [{"name": _name_text(one.name), "days": list(one.days)}
                 for one in calendar.weeks],
        "day": [{"number": one.number, "switch": [
            {"start": _time_text(switch.start), "script": obis_to_text(switch.script)
             if len(switch.script) == 6 else _hex(switch.script), "selector": switch.selector}
            for switch in one.switches]} for one in calendar.days],
    }
    return json.dumps(document, indent=2)


def read_calendar(path: Path) -> Calendar:
    """The calendar in a file. Raises BadQuestion with every mistake and its line."""
    try:
        text = path.read_bytes()[:FILE_BYTES_MAX + 1].decode()
        document = json.loads(text)
    except OSError as error:
        raise BadQuestion(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise BadQuestion(f"{path}: wanted JSON, got: {error}") from error
    mistakes: list[tuple[str, str, str]] = []
    calendar = _calendar(Table(document, "", mistakes))
    lines = lines_of(text)[0]
    sentences = [f"{path} line {line_of(where, lines) or 1}: {where}: wanted {wanted}, got {got}"
                 for where, wanted, got in mistakes]
    sentences += [f"{path}: {fault}" for fault in faults(calendar)] if not mistakes else []
    if sentences:
        raise BadQuestion("\n".join(sentences))
    return calendar


def _calendar(table: Table) -> Calendar:
    seasons = []
    for one in table.tables("season", 1, SEASONS_MAX):
        seasons.append(Season(_name(one, "name"), _start(one), _name(one, "week")))
        one.done()
    weeks = []
    for one in table.tables("week", 1, WEEKS_MAX):
        weeks.append(Week(_name(one, "name"), _days(one)))
        one.done()
    days = []
    for one in table.tables("day", 1, DAYS_MAX):
        days.append(Day(one.number("number", 0, 255), tuple(
            _switch(switch) for switch in one.tables("switch", 1, SWITCHES_MAX))))
        one.done()
    found = Calendar(_name(table, "name"), tuple(seasons), tuple(weeks), tuple(days))
    table.done()
    return found


def _switch(table: Table) -> Switch:
    text = table.text("script")
    try:
        script = bytes.fromhex(text[2:]) if text.startswith("0x") else obis_from_text(text)
    except (ValueError, Malformed):
        table.complain("script", "an OBIS code of a script table", shown(text))
        script = bytes(6)
    found = Switch(_time(table), script, table.number("selector", 0, 65535))
    table.done()
    return found


def _days(table: Table) -> tuple[int, ...]:
    days = table.given("days")
    if not isinstance(days, list) or len(days) != 7 or any(
            type(day) is not int or not 0 <= day <= 255 for day in days):
        table.complain("days", "seven numbers of day profiles, Monday first", shown(days))
        return (0,) * 7
    return tuple(days)


def _name(table: Table, key: str) -> bytes:
    text = table.text(key, most=64)
    if not text.startswith("0x"):
        return text.encode()
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        table.complain(key, "hexadecimal digits behind 0x", shown(text))
        return b""


def _start(table: Table) -> bytes:
    text = table.text("start")
    found = _start_bytes(text)
    if not found:
        table.complain("start", _START, shown(text))
    return found


def _start_bytes(text: str) -> bytes:
    """Twelve bytes; none for a text that is no start."""
    if text.startswith("0x"):
        return _bytes_of(text, 12)
    matched = _DATE.match(text)
    if matched is None:
        return b""
    year, month, day, hour, minute = (int(part) if part else 0 for part in matched.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59):
        return b""
    date = (year or 0xFFFF).to_bytes(2, "big") + bytes((month, day, 0xFF))
    return date + bytes((hour, minute)) + _DATE_TAIL


def _time(table: Table) -> bytes:
    text = table.text("start")
    matched = _TIME.match(text)
    if text.startswith("0x") and _bytes_of(text, 4):
        return _bytes_of(text, 4)
    if matched is None or int(matched[1]) > 23 or int(matched[2]) > 59:
        table.complain("start", "hh:mm", shown(text))
        return bytes(4)
    return bytes((int(matched[1]), int(matched[2]), 0, 0))


def _bytes_of(text: str, size: int) -> bytes:
    try:
        found = bytes.fromhex(text[2:])
    except ValueError:
        return b""
    return found if len(found) == size else b""


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _name_text(name: bytes) -> str:
    plain = name and all(32 <= byte < 127 for byte in name) and not name.startswith(b"0x")
    return name.decode() if plain else _hex(name)


def _start_text(start: bytes) -> str:
    if len(start) == 12:
        year, month, day, hour, minute = start[:2], start[2], start[3], start[5], start[6]
        text = "" if year == b"\xff\xff" else f"{int.from_bytes(year, 'big'):04d}-"
        text += f"{month:02d}-{day:02d}" + (f" {hour:02d}:{minute:02d}" if hour or minute else "")
        if _start_bytes(text) == start:
            return text
    return _hex(start)


def _time_text(start: bytes) -> str:
    plain = len(start) == 4 and start[0] < 24 and start[1] < 60 and start[2:] == b"\0\0"
    return f"{start[0]:02d}:{start[1]:02d}" if plain else _hex(start)
