"""Load profiles without a header: rows that begin with their own time, and values of whole days.

Left out: P.01 with headers (profile.py) and how they are asked for (history.py).

MASS of Turkey (v11 of December 2020, Ek-E): `(yy-mm-dd,hh:mm)(a,b,c)`, a row a line, as some meters
write them with P.01 before each and others with a first line `LPCH:1.8.0*kWh`. Energomera: a day's
values one after the other, each with its name or not.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck
from wum_edge.meters.iec62056_21.dataset import Value, parse_values, text_of
from wum_edge.meters.iec62056_21.stamp import stamp_from_text
from wum_edge.meters.iec62056_21.timing import plain

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.dataset import DataSet
    from wum_edge.meters.iec62056_21.stamp import Stamp

ROWS_MAX = 20000             # 180 days of quarters of an hour are 17,280.
ROW_MAX = 512
_HEADS = ("LPCH:", "LPC:")   # Of a first line that names the columns.


class Dated(namedtuple("Dated", ("at", "values"))):
    """One row: when it was captured, and its values in their order."""

    __slots__ = ()
    at: "Stamp"
    values: tuple[Value, ...]


def parse_dated(body: bytes, address: str) -> list[Dated]:
    """The rows of an answer, in its order; none for an empty one. Raises BadCheck."""
    found: list[Dated] = []
    for line in text_of(body).split("\r\n"):
        line = line.strip(" ")
        if line[:len(address)] == address:
            line = line[len(address):]
        if not line or line == "()" or any(line[:len(head)] == head for head in _HEADS):
            continue
        found.append(_row(line, address))
        if len(found) > ROWS_MAX:
            raise BadCheck("load profile: more than %d rows" % ROWS_MAX)
    return found


def parse_span(text: str) -> "tuple[Stamp | None, Stamp | None]":
    """Begin and end of `begin;end`; None for what has not been, all noughts. A single time is an
    event without an end. Raises BadCheck.
    """
    begin, semicolon, end = text.partition(";")
    parts = text.split(",")
    if not semicolon and len(parts) == 4:    # MASS' own example of 96.77.10*99 has a comma there.
        begin, semicolon, end = ",".join(parts[:2]), ",", ",".join(parts[2:])
    return _stamp_or_none(begin), _stamp_or_none(end) if semicolon else _stamp_or_none(begin)


def values_of_day(sets: "list[DataSet]", address: str, day: str) -> list[Value]:
    """A day's values, from its first; none where they are of another day than `day` (dd.mm.yy), the
    latest before it. Raises BadCheck.

    CE308: `(dd.mm.yy,value,flags)`, then `(value,flags)`; CE301: `(value)`. A value whose flags say
    that nothing was kept (bit 0 not set), or that it is damaged (bit 7), is none.
    """
    found: list[Value] = []
    for one in sets:
        if one.address not in ("", address):
            raise BadCheck("load profile: wanted %s, got %s" % (address, one.address))
        for value in one.values:
            parts = value.text.split(",")
            if not found and len(parts) == 3 and parts.pop(0) != day:
                return []
            if parts[0]:
                found.append(Value(parts[0] if _was_kept(parts) else "-", value.unit))
    return found


def numbered(values: "tuple[Value, ...]", what: str) -> "list[tuple[Stamp, int, str]]":
    """Entries of a list of (number,dd.mm.yy,hh:mm:ss,code[,more]) as (time, code, more), in their
    order; number 0 says that there is none. Raises BadCheck.
    """
    found = []
    for value in values:
        parts = [part.strip(" ") for part in value.text.split(",")]
        if parts[0] == "0" or not value.text:
            continue
        date = parts[1].split(".") if len(parts) > 3 else []
        at = None
        if len(date) == 3:
            at = stamp_from_text(date[2] + date[1] + date[0] + plain(parts[2]))
        if at is None or not _is_hex(parts[3]):
            raise BadCheck("%s: wanted (number,dd.mm.yy,hh:mm:ss,code), got %s" % (
                what, repr(value.text[:40])))
        found.append((at, int(parts[3], 16), ",".join(parts[4:])))
    return found


def _was_kept(parts: list[str]) -> bool:
    if len(parts) < 2 or not _is_hex(parts[1]):
        return True
    flags = int(parts[1], 16)
    return bool(flags & 1) and not flags & 0x80


def _is_hex(text: str) -> bool:
    return 1 <= len(text) <= 8 and all(c in "0123456789abcdefABCDEF" for c in text)


def _row(line: str, address: str) -> Dated:
    inner = line[1:-1].split(")(")
    at = stamp_from_text(plain(inner[0])) if inner else None
    if line[:1] != "(" or line[-1:] != ")" or len(line) > ROW_MAX or len(inner) < 2 or at is None:
        raise BadCheck("load profile %s: wanted (yy-mm-dd,hh:mm) and values, got %s" % (
            address, repr(line[:40])))
    values: list[Value] = []
    for text in inner[1:]:
        for part in text.split(","):
            values += parse_values(part)
    return Dated(at, tuple(values))


def _stamp_or_none(text: str) -> "Stamp | None":
    digits = plain(text)
    if not digits.strip("0"):
        return None
    found = stamp_from_text(digits)
    if found is None:
        raise BadCheck("event log: %s is no time" % repr(text[:24]))
    return found
