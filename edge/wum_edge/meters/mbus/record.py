"""Records of the variable data structure: DIF, DIFEs, VIF, VIFEs and data of each, none dropped.

Left out: header and frames (answer.py), OBIS codes (obis.py). EN 13757-3:2018, 6.
"""

from collections import namedtuple

from wum_edge.meters.mbus.errors import Broken
from wum_edge.meters.mbus.values import (
    Moment,
    bcd,
    date_g,
    digits,
    moment_f,
    moment_i,
    real,
    signed,
    text_of,
    time_j,
    unsigned,
)
from wum_edge.meters.mbus.vif import MANUFACTURER, Meaning, meaning_of
from wum_shared.units import NO_UNIT

INSTANT, MAXIMUM, MINIMUM, IN_ERROR = "instantaneous", "maximum", "minimum", "in error"
FUNCTIONS = (INSTANT, MAXIMUM, MINIMUM, IN_ERROR)
DIFES_MAX = 10
RECORDS_MAX = 255            # Of one telegram: it has at most 252 bytes of data.
_EXTENSION = 0x80
_FILLER, _MANUFACTURER, _MORE, _EVERYTHING = 0x2F, 0x0F, 0x1F, 0x7F
_SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, None, 6)   # By data field; None: LVAR.
_REAL, _SELECTION, _LVAR = 5, 8, 13
_BCD = (9, 10, 11, 12, 14)
_UNSIGNED = ("bits", "count", "identity", "saving", "window")
# Types of EN 13757-3:2018, annex A, of which no open source or recording says the bits: they are
# told by name. By kind, whether its length is variable, and bytes; M of a time by its length.
_TYPES = {("saving", False, 4): "type K (begin, end and deviation of summer time)",
          ("window", True, 11): "type L (listening window)"}
_TYPE_M = tuple(range(0xE2, 0xEB))


class Record(namedtuple("Record", (
        "function", "storage", "tariff", "subunit", "quantity", "modifiers", "unit", "unit_text",
        "value", "power", "text", "moment", "fault", "head", "data"))):
    """One record, whole: `value` x 10^`power` in `unit` (a code; NO_UNIT where DLMS has none, then
    `unit_text` says it).

    `value` is None for a text, a moment, and where the meter has none: then `fault` says why.
    `head` (DIF to VIFEs) and `data` are the bytes as they came.
    """

    __slots__ = ()
    function: str
    storage: int
    tariff: int
    subunit: int
    quantity: str
    modifiers: tuple[str, ...]
    unit: int
    unit_text: str
    value: int | None
    power: int
    text: str
    moment: Moment | None
    fault: str
    head: bytes
    data: bytes


class _Head(namedtuple("_Head", ("field", "function", "storage", "tariff", "subunit", "size"))):
    """What DIF and DIFEs say."""

    __slots__ = ()
    field: int
    function: str
    storage: int
    tariff: int
    subunit: int
    size: int


def decode_records(data: bytes, high_first: bool = False) -> tuple[tuple[Record, ...], bool]:
    """The records in `data`, and whether the meter has more in its next telegram.

    `high_first`: the multi-byte fields have their high byte first (CI 76). Raises Broken.
    """
    records: list[Record] = []
    at = 0
    while at < len(data):
        dif = data[at]
        if dif == _FILLER:
            at += 1
            continue
        if dif in (_MANUFACTURER, _MORE):
            rest = data[at + 1:]
            if rest or dif == _MANUFACTURER:
                records.append(_special(MANUFACTURER, data[at:at + 1], rest))
            return tuple(records), dif == _MORE
        if dif == _EVERYTHING:
            records.append(_special("readout request of everything", data[at:at + 1], b""))
            at += 1
            continue
        record, at = _record(data, at, high_first)
        records.append(record)
    return tuple(records), False


def _special(quantity: str, head: bytes, data: bytes) -> Record:
    return Record(INSTANT, 0, 0, 0, quantity, (), NO_UNIT, "", None, 0,
                  " ".join(["%02x" % byte for byte in data]), None, "", head, data)


def _record(data: bytes, at: int, high_first: bool) -> tuple[Record, int]:
    """The record at `at`, and where the next begins."""
    head = _head(data, at)
    meaning = meaning_of(data, at + head.size)
    start = at + head.size + meaning.size
    size = _SIZES[head.field]
    body = start
    lvar = 0
    if size is None:
        if start >= len(data):
            raise Broken("M-Bus: the data end before the length of a variable record")
        lvar = data[start]
        size, body = _lvar_size(lvar), start + 1
    if body + size > len(data):
        raise Broken("M-Bus: a record wants %d bytes of data, %d are left" % (
            size, len(data) - body))
    value = data[body:body + size]
    if high_first:
        value = bytes([value[size - 1 - place] for place in range(size)])
    number, power, text, moment, fault = _content(head, meaning, lvar, value)
    if number is not None:
        number, power = number * meaning.factor, power + meaning.power
    return Record(
        head.function, head.storage, head.tariff, head.subunit, meaning.quantity,
        meaning.modifiers, meaning.unit, meaning.unit_text, number, power, text, moment,
        meaning.fault or fault, data[at:start], data[start:body + size]), body + size


def _head(data: bytes, at: int) -> _Head:
    dif = data[at]
    field = dif & 15
    if field == 15:
        raise Broken("M-Bus: the reserved DIF %02x" % dif)
    storage, tariff, subunit = dif >> 6 & 1, 0, 0
    size = 1
    more = dif & _EXTENSION
    while more:
        if at + size >= len(data):
            raise Broken("M-Bus: the data end within the DIFEs")
        if size > DIFES_MAX:
            raise Broken("M-Bus: more than %d DIFEs" % DIFES_MAX)
        dife = data[at + size]
        place = size - 1
        storage |= (dife & 15) << (4 * place + 1)
        tariff |= (dife >> 4 & 3) << 2 * place
        subunit |= (dife >> 6 & 1) << place
        more = dife & _EXTENSION
        size += 1
    return _Head(field, FUNCTIONS[dif >> 4 & 3], storage, tariff, subunit, size)


def _lvar_size(lvar: int) -> int:
    """Bytes of data that follow a length of variable data (EN 13757-3, table 5)."""
    if lvar < 0xC0:
        return lvar
    if lvar < 0xE0 and lvar & 15 <= 9:
        return lvar & 15
    if 0xE0 <= lvar <= 0xEF:
        return lvar - 0xE0
    if 0xF0 <= lvar <= 0xF4:
        return 4 * (lvar - 0xEC)
    if lvar in (0xF5, 0xF6):
        return 48 if lvar == 0xF5 else 64
    raise Broken("M-Bus: the reserved length %02x of variable data" % lvar)


def _content(head: _Head, meaning: Meaning, lvar: int, data: bytes) -> (
        "tuple[int | None, int, str, Moment | None, str]"):
    """(number, power, text, moment, fault) of a record's data."""
    if head.field in (0, _SELECTION):
        return None, 0, "", None, "no data"
    if meaning.kind in ("date", "moment") and head.field not in _BCD + (_REAL,):
        return _dated(meaning.kind, lvar, data)
    named = _TYPES.get((meaning.kind, head.field == _LVAR, len(data)))
    if named is not None:
        return None, 0, digits(data), None, "%s: its digits, not what they mean" % named
    if head.field == _LVAR:
        return _variable(lvar, data)
    if head.field in _BCD:
        if meaning.kind == "identity":
            return bcd(data), 0, digits(data), None, ""
        number = bcd(data)
        if number is None:
            return None, 0, digits(data), None, "the digits %s are no number" % digits(data)
        return number, 0, "", None, ""
    if head.field == _REAL:
        parts = real(data)
        if parts is None:
            return None, 0, "", None, "a real that is no number"
        return parts[0], parts[1], "", None, ""
    if meaning.kind in _UNSIGNED or "as type C" in meaning.modifiers or (
            "as type D" in meaning.modifiers):
        return unsigned(data), 0, "", None, ""
    value = signed(data)
    if value is None:
        return None, 0, "", None, "the pattern 80..00, which says invalid"
    return value, 0, "", None, ""


def _dated(kind: str, lvar: int, data: bytes) -> (
        "tuple[int | None, int, str, Moment | None, str]"):
    """A date or time. One of a type that is not known here is its digits and the doubt: never a
    number that means something else.
    """
    if lvar in _TYPE_M:
        return None, 0, digits(data), None, (
            "a time of type M (UTC with its zone, or a duration): its digits, not what they mean")
    moment = None if lvar else _moment(kind, data)
    if moment is None:
        return None, 0, digits(data), None, "a time of %d bytes is of no known type" % len(data)
    fault = "" if moment.valid else "no certain date or time"
    return None, 0, moment.text(), moment, fault


def _moment(kind: str, data: bytes) -> Moment | None:
    """Types F, G, I and J by their length, as VIF 6C and 6D choose them; None for other lengths."""
    if len(data) == 2:
        return date_g(data)
    if kind == "date":
        return None
    if len(data) == 4:
        return moment_f(data)
    if len(data) == 6:
        return moment_i(data)
    return time_j(data) if len(data) == 3 else None


def _variable(lvar: int, data: bytes) -> "tuple[int | None, int, str, Moment | None, str]":
    """Variable length: text, BCD of either sign, or a binary number."""
    if lvar < 0xC0:
        return None, 0, text_of(data), None, ""
    if lvar < 0xE0:
        value = bcd(data) if not data or data[-1] >> 4 <= 9 else None
        if value is None or not data:
            return None, 0, digits(data), None, "the digits %s are no number" % digits(data)
        return -value if lvar >= 0xD0 else value, 0, "", None, ""
    if not data:
        return None, 0, "", None, "no data"
    if lvar > 0xEF:
        return unsigned(data), 0, "", None, ""
    number = signed(data)
    if number is None:
        return None, 0, "", None, "the pattern 80..00, which says invalid"
    return number, 0, "", None, ""
