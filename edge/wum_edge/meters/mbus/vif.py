"""What a record's VIF and VIFEs say: its quantity, unit and power of ten, and what modifies them.

Left out: the data itself (values.py) and OBIS codes (obis.py). EN 13757-3:2018, tables 10 to 16;
units of the 2013 edition that were given up later are known too, because old meters send them.
"""

from collections import namedtuple

from wum_edge.meters.mbus.errors import Broken
from wum_edge.meters.mbus.values import text_of
from wum_edge.meters.mbus.vif_tables import FB, FC, FD, FDFD, FIRST, ORTHOGONAL, RECORD_ERRORS
from wum_shared.units import NO_UNIT

VIFES_MAX = 10
MANUFACTURER = "manufacturer specific"
RESERVED = "reserved"
_EXTENSION = 0x80
_NON_METRIC = 0x3D
_TABLES = {0x7B: FB, 0x7D: FD}


class Meaning(namedtuple("Meaning", (
        "quantity", "unit", "unit_text", "factor", "power", "kind", "modifiers", "fault", "size"))):
    """What a number means: number x `factor` x 10^`power` in `unit` (a code, or NO_UNIT with its
    written form in `unit_text`). `kind` is how the data is read: number (signed), count (unsigned),
    bits, identity, date or moment.
    `modifiers` are the orthogonal VIFEs in words, in their order; `fault` is the record error or
    empty; `size` is the bytes of VIF, VIFEs and plain text.
    """

    __slots__ = ()
    quantity: str
    unit: int
    unit_text: str
    factor: int
    power: int
    kind: str
    modifiers: tuple[str, ...]
    fault: str
    size: int


class _Found:
    """What the VIFEs read so far made of the VIF."""

    def __init__(self, entry: tuple[str, int, str, int, int, str]) -> None:
        (self.quantity, self.unit, self.unit_text, self.factor, self.power, self.kind) = entry
        self.modifiers: list[str] = []
        self.fault = ""


def meaning_of(data: bytes, at: int) -> Meaning:
    """The meaning of the value information that begins at `at`. Raises Broken."""
    codes, text, end = _codes(data, at)
    first = codes[0]
    if first in (0x7B, 0x7D) and len(codes) > 1:
        table, entry_at = _TABLES[first], 1
        if first == 0x7D and codes[1] == 0x7D and len(codes) > 2:
            table, entry_at = FDFD, 2
        found = _Found(_entry(table, codes[entry_at]))
        rest = codes[entry_at + 1:]
    elif first == 0x7C:
        found = _Found(("plain text", NO_UNIT, text, 1, 0, "number"))
        rest = codes[1:]
    else:
        found = _Found(_entry(FIRST, first))
        rest = codes[1:]
    if first == 0x7F:
        found.modifiers += ["%02x" % code for code in rest]
    else:
        _modify(found, rest)
    return Meaning(found.quantity, found.unit, found.unit_text, found.factor, found.power,
                   found.kind, tuple(found.modifiers), found.fault, end - at)


def _codes(data: bytes, at: int) -> tuple[list[int], str, int]:
    """VIF and VIFEs without their extension bits, the plain text of a VIF 7C, where they end."""
    codes: list[int] = []
    text = ""
    while True:
        if at >= len(data):
            raise Broken("M-Bus: the data end within a VIF")
        if len(codes) > VIFES_MAX:
            raise Broken("M-Bus: more than %d VIFEs" % VIFES_MAX)
        code = data[at]
        at += 1
        codes.append(code & 0x7F)
        if code & 0x7F == 0x7C and len(codes) == 1:
            size = data[at] if at < len(data) else 0
            if at + 1 + size > len(data):
                raise Broken("M-Bus: the data end within the text of a VIF")
            text = text_of(data[at + 1:at + 1 + size])
            at += 1 + size
        if not code & _EXTENSION:
            return codes, text, at


def _entry(table: tuple[tuple[int, int, str, int, str, int, int, str], ...],
           code: int) -> tuple[str, int, str, int, int, str]:
    """Quantity, unit, unit text, factor, power and kind of a code; reserved ones keep their number.
    """
    for first, last, quantity, unit, unit_text, factor, power, kind in table:
        if first <= code <= last:
            rises = kind == "number" and last > first
            return quantity, unit, unit_text, factor, power + (code - first if rises else 0), kind
    return "%s %02x" % (RESERVED, code), NO_UNIT, "", 1, 0, "number"


def _modify(found: _Found, codes: list[int]) -> None:
    """Take the orthogonal VIFEs into account, in their order."""
    at = 0
    while at < len(codes):
        code = codes[at]
        at += 1
        if code in RECORD_ERRORS:
            found.fault = found.fault or RECORD_ERRORS[code]
        elif 0x70 <= code <= 0x77:
            found.power += code - 0x76
        elif code == 0x7D:
            found.power += 3
        elif 0x78 <= code <= 0x7B:
            found.modifiers.append("plus %s" % ("0.001", "0.01", "0.1", "1")[code - 0x78])
        elif code == 0x7C:
            if at < len(codes):
                found.modifiers.append(FC.get(codes[at], "reserved fc %02x" % codes[at]))
                at += 1
        elif code == 0x7F:
            found.modifiers += [MANUFACTURER] + ["%02x" % rest for rest in codes[at:]]
            return
        elif code:
            _orthogonal(found, code)


def _orthogonal(found: _Found, code: int) -> None:
    """What turns a value into a moment or a duration changes how its data is read."""
    if code in ORTHOGONAL:
        found.modifiers.append(ORTHOGONAL[code])
        if code == 0x39:
            found.kind = "moment"
        if code == _NON_METRIC:
            # A number of gallons or BTU must never pass for one of m3 or Wh.
            found.unit, found.unit_text = NO_UNIT, "non-metric"
        return
    if code & 0x70 == 0x40:
        limit = "upper" if code & 8 else "lower"
        found.modifiers.append(_limit(code, limit))
        if code & 2:
            found.kind = "moment"
        elif code & 1:
            found.kind, found.unit, found.unit_text = "count", NO_UNIT, ""
    elif code & 0x70 == 0x50:
        _duration(found, code, "duration of %s %s limit exceed" % (
            "last" if code & 4 else "first", "upper" if code & 8 else "lower"))
    elif code & 0x78 == 0x60:
        _duration(found, code, "duration of %s" % ("last" if code & 4 else "first"))
    elif code in (0x6A, 0x6B, 0x6E, 0x6F):
        found.modifiers.append("time of %s %s" % (
            "last" if code & 4 else "first", "end" if code & 1 else "begin"))
        found.kind = "moment"
    else:
        found.modifiers.append("%s %02x" % (RESERVED, code))


def _limit(code: int, limit: str) -> str:
    if code & 2:
        return "time of %s %s limit exceed %s" % (
            "last" if code & 4 else "first", limit, "end" if code & 1 else "begin")
    if code & 4:
        return "%s %02x" % (RESERVED, code)
    return "exceeds of %s limit" % limit if code & 1 else "%s limit value" % limit


def _duration(found: _Found, code: int, words: str) -> None:
    found.modifiers.append(words)
    found.kind, found.unit_text = "count", ""
    found.unit, found.factor, found.power = (7, 6, 5, 4)[code & 3], 1, 0
