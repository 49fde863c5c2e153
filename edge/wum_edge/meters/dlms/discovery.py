"""What is in a meter nobody knows yet: its object list, as a proposed catalogue entry.

Left out: judging it. A proposal is read by a person before it is an entry: names of registers are
from OBIS codes, and a meter lists objects that it does not grant. Blue Book 4.4.4 (class 15).
"""

from collections import namedtuple

from wum_edge.errors import MeterError
from wum_edge.meters.dlms.apdu import Attribute, Result
from wum_edge.meters.dlms.errors import DlmsMalformed
from wum_edge.meters.dlms.objects import (
    DEMAND,
    EXTENDED,
    PROFILE,
    REGISTER,
    SCALER_ATTRIBUTE,
    captures,
    scaler_unit,
)
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.dlms.axdr import Data
    from wum_edge.meters.dlms.session import Session
    from wum_edge.meters.reader import Conversation

OBJECT_LIST = Attribute(15, b"\x00\x00\x28\x00\x00\xff", 2)
OBJECTS_MAX = 2000
REGISTERS_MAX = 128          # Of one entry of the catalogue.
_QUANTITIES = {1: "active_import", 2: "active_export", 3: "reactive_import",
               4: "reactive_export", 9: "apparent_import", 10: "apparent_export",
               11: "current", 12: "voltage", 13: "power_factor", 14: "frequency",
               15: "active_absolute", 16: "active_net"}


class Listed(namedtuple("Listed", ("class_id", "version", "obis"))):
    """One object of the list."""

    __slots__ = ()
    class_id: int
    version: int
    obis: bytes


class Found(namedtuple("Found", ("objects", "registers", "profiles"))):
    """All objects; registers that gave a scaler and unit, as (object, scaler, unit); profiles, as
    (OBIS code, capture period in seconds, captured OBIS codes).
    """

    __slots__ = ()
    objects: tuple[Listed, ...]
    registers: tuple[tuple[Listed, int, int], ...]
    profiles: tuple[tuple[bytes, int, tuple[bytes, ...]], ...]


def object_list(data: "Data") -> tuple[Listed, ...]:
    """Attribute 2 of an association. Raises DlmsMalformed."""
    found: list[Listed] = []
    for item in data.elements():
        parts = item.elements()
        if len(parts) < 3 or len(parts[2].octets()) != 6 or len(found) >= OBJECTS_MAX:
            raise DlmsMalformed("object list: wanted class, version and name, 2000 at most")
        found.append(Listed(parts[0].number(), parts[1].number(), parts[2].octets()))
    return tuple(found)


def discover(session: "Session") -> "Conversation[Found]":
    """Conversation: the objects, and of registers and profiles what an entry needs."""
    data = yield from session.get(OBJECT_LIST)
    objects = object_list(data)
    listed = [one for one in objects if one.class_id in (REGISTER, EXTENDED, DEMAND)
              and one.obis[0] == 1][:REGISTERS_MAX]
    results: list[Result] = []
    yield from session.get_list(tuple([
        Attribute(one.class_id, one.obis, SCALER_ATTRIBUTE[one.class_id]) for one in listed]),
        results)
    registers = []
    for place, result in enumerate(results):
        if result.data is not None:
            scaler, unit = scaler_unit(result.data)
            registers.append((listed[place], scaler, unit))
    profiles = []
    for one in objects:
        if one.class_id == PROFILE:
            profile = yield from _profile(session, one.obis)
            if profile is not None:
                profiles.append(profile)
    return Found(objects, tuple(registers), tuple(profiles))


def _profile(session: "Session", obis: bytes,
             ) -> "Conversation[tuple[bytes, int, tuple[bytes, ...]] | None]":
    """None where the meter grants neither columns nor period, or says nonsense of them."""
    results: list[Result] = []
    yield from session.get_list((Attribute(PROFILE, obis, 3), Attribute(PROFILE, obis, 4)),
                                results)
    if results[0].data is None or results[1].data is None:
        return None
    try:
        columns = captures(results[0].data)
        period_s = results[1].data.number()
    except MeterError:
        return None
    return obis, period_s, tuple([column.obis for column in columns])


def proposal(found: Found, model: str, protocol: str) -> str:
    """JSON text of a catalogue entry; what nobody could tell stands in its comment."""
    lines = []
    names: list[str] = []
    codes: list[bytes] = []
    for one, scaler, unit in found.registers:
        if one.obis in codes or unit not in UNITS or not -9 <= scaler <= 9:
            continue
        name = _name(one.obis)
        codes.append(one.obis)
        names.append(name)
        own = ', "class": %d' % one.class_id if one.class_id != REGISTER else ""
        lines.append('    {"name": "%s", "obis": "%s", "unit": "%s", "scaler": %d%s}' % (
            name, obis_to_text(one.obis), UNITS[unit], scaler, own))
    head = [
        '  "model": "%s"' % model, '  "make": "unknown"', '  "label": "discovered"',
        '  "protocol": "%s"' % protocol,
        '  "source": "the object list of the meter itself: name make, type and firmware"',
        '  "licence": "facts"', '  "comment": "%d objects are listed."' % len(found.objects)]
    head += _profile_lines(found, codes, names)
    logs = [one for one in found.objects if one.class_id == PROFILE and one.obis[2:5] == b"\x63b\0"]
    if logs:
        head.append('  "events": "%s"' % obis_to_text(logs[0].obis))
    if any(one.class_id == 70 for one in found.objects):
        head.append('  "switch": true')
    return "{\n%s,\n  \"registers\": [\n%s\n  ]\n}\n" % (",\n".join(head), ",\n".join(lines))


def _profile_lines(found: Found, codes: list[bytes], names: list[str]) -> list[str]:
    """The load profile that captures most of the registers, if any does."""
    best: list[str] = []
    chosen = None
    for obis, period_s, columns in found.profiles:
        known = [names[codes.index(code)] for code in columns if code in codes][:32]
        if len(known) > len(best) and 0 <= period_s <= 86400:
            best, chosen = known, (obis, period_s)
    if chosen is None:
        return []
    return ['  "profile": {"obis": "%s", "period_s": %d, "columns": [%s]}' % (
        obis_to_text(chosen[0]), chosen[1],
        ", ".join(['{"register": "%s"}' % name for name in best]))]


def _name(obis: bytes) -> str:
    """A name of the code: quantity, phase, kind and tariff; always another for another code."""
    phase, quantity = divmod(obis[2] - 1, 20) if obis[2] > 20 else (0, obis[2] - 1)
    text = _QUANTITIES.get(quantity + 1, "c%d" % obis[2])
    text += {7: "", 8: "_energy"}.get(obis[3], "_d%d" % obis[3])
    text += "_l%d" % phase if 1 <= phase <= 3 else ""
    text += "_t%d" % obis[4] if obis[4] else ""
    text += "" if obis[1] == 0 else "_b%d" % obis[1]
    return text + ("" if obis[5] == 255 else "_f%d" % obis[5])
