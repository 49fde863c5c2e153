"""SML messages: open, close, attention, lists of values, load profiles.

Left out: bytes (tlv.py, transport.py) and what a register wants (reader.py).
SML 1.04, chapter 5. Optional members that are left out are None.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck
from wum_edge.meters.sml.makers import powers_lack_sign
from wum_edge.meters.sml.tlv import END, read_value
from wum_edge.meters.sml.transport import crc_holds

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from typing import Any

MESSAGES_MAX = 64
OPEN, CLOSE, PROFILE_PACK, PROFILE_LIST, LIST, ATTENTION = (
    0x0101, 0x0201, 0x0301, 0x0401, 0x0701, 0xFF01)
SECONDS, TIMESTAMP, LOCAL = 1, 2, 3


class Time(namedtuple("Time", ("kind", "seconds", "local_offset_min", "season_offset_min"))):
    """SECONDS of the meter's own index, TIMESTAMP in UTC seconds, or LOCAL: UTC seconds and the
    offsets in minutes by which its local time is ahead of UTC.
    """

    __slots__ = ()
    kind: int
    seconds: int
    local_offset_min: int
    season_offset_min: int


class Entry(namedtuple("Entry", ("code", "status", "time", "unit", "scaler", "value"))):
    """One value of a list: OBIS code (six bytes), status word, time, unit code, power of ten, and
    an int, bool, bytes, or None for nothing.
    """

    __slots__ = ()
    code: bytes
    status: int | None
    time: Time | None
    unit: int | None
    scaler: int
    value: "int | bool | bytes | None"


class Message(namedtuple("Message", ("kind", "body"))):
    """`kind` is one of the tags above, or another; `body` is an Opened, ValueList, ProfileRows,
    Attention, or the plain members as they came.
    """

    __slots__ = ()
    kind: int
    body: "Any"


class Opened(namedtuple("Opened", ("client", "file", "server", "time", "version"))):
    """SML_PublicOpen.Res: `server` is the meter's own number as bytes."""

    __slots__ = ()
    client: bytes | None
    file: bytes | None
    server: bytes | None
    time: Time | None
    version: int | None


class ValueList(namedtuple("ValueList", ("server", "name", "time", "entries", "gateway_time"))):
    """SML_GetList.Res."""

    __slots__ = ()
    server: bytes | None
    name: bytes | None
    time: Time | None
    entries: tuple[Entry, ...]
    gateway_time: Time | None


class ProfileRows(namedtuple("ProfileRows", ("server", "time", "period_s", "header", "rows"))):
    """SML_GetProfilePack.Res and SML_GetProfileList.Res: `header` is (code, unit, scaler) for
    each column; each row is (time, status, values).
    """

    __slots__ = ()
    server: bytes | None
    time: Time | None
    period_s: int | None
    header: "tuple[tuple[bytes, int | None, int], ...]"
    rows: "tuple[tuple[Time | None, int | None, tuple[Any, ...]], ...]"


class Attention(namedtuple("Attention", ("server", "number", "text"))):
    """SML_Attention.Res: the meter refuses; `number` is its reason as an OBIS code."""

    __slots__ = ()
    server: bytes | None
    number: bytes | None
    text: str


def decode_messages(content: bytes, narrow_unsigned: bool = False) -> list[Message]:
    """The messages of a file, each with its own CRC. Raises BadCheck.

    `narrow_unsigned`: the meter's narrow integers have no sign, as those of some meters that are
    known by their number (makers.py) have none.
    """
    found = []
    at = 0
    while at < len(content):
        if content[at] == 0:         # Some meters fill between messages, not at the end alone.
            at += 1
            continue
        message, at = _message(content, at, narrow_unsigned)
        found.append(message)
        if len(found) > MESSAGES_MAX:
            raise BadCheck("SML: more than %d messages in a file" % MESSAGES_MAX)
    return found


def _message(content: bytes, at: int, narrow_unsigned: bool) -> tuple[Message, int]:
    """A list of six: transaction, group, what to do on errors, body, CRC, end (5.1)."""
    if content[at] != 0x76:
        raise BadCheck("SML: wanted a message (76) at %d, got %02x" % (at, content[at]))
    end = at + 1
    for _ in range(3):
        end = read_value(content, end).end
    body = read_value(content, end)
    checked = content[at:body.end]
    check = read_value(content, body.end)
    last = read_value(content, check.end)
    if type(check.value) is not int or last.value is not END:
        raise BadCheck("SML: a message without CRC and end at %d" % check.end)
    written = (check.value & 0xFF) << 8 | check.value >> 8 & 0xFF
    if not crc_holds(checked, written):
        raise BadCheck("SML message at %d of %d bytes: wrong CRC" % (at, body.end - at))
    found = _body(body.value)
    if found.kind == LIST and (narrow_unsigned or powers_lack_sign(found.body.server)):
        found = _body(read_value(content, end, True).value)
    return found, last.end


def _body(value: object) -> Message:
    """A choice: tag and members."""
    if type(value) is not list or len(value) != 2 or type(value[0]) is not int:
        raise BadCheck("SML: a body that is no choice of tag and members")
    kind, members = value
    if kind == OPEN:
        part = _members(members, 6, "open")
        return Message(kind, Opened(_octets(part[1]), _octets(part[2]), _octets(part[3]),
                                    _time(part[4]), _whole(part[5])))
    if kind == LIST:
        part = _members(members, 7, "list")
        entries = tuple([_entry(one) for one in _list(part[4])])
        return Message(kind, ValueList(_octets(part[1]), _octets(part[2]), _time(part[3]),
                                       entries, _time(part[6])))
    if kind == PROFILE_PACK:
        return Message(kind, _profile_pack(_members(members, 8, "profile")))
    if kind == PROFILE_LIST:
        return Message(kind, _profile_list(_members(members, 9, "profile")))
    if kind == ATTENTION:
        part = _members(members, 4, "attention")
        text = _octets(part[2]) or b""
        return Message(kind, Attention(_octets(part[0]), _octets(part[1]), "".join(
            [chr(c) if 32 <= c < 127 else "." for c in text])))
    return Message(kind, members)


def _entry(value: object) -> Entry:
    part = _members(value, 7, "value")
    code = _octets(part[0])
    if code is None or len(code) != 6:
        raise BadCheck("SML: a value whose name has not six bytes")
    content = part[5]
    if type(content) is list:        # A choice of other kinds of values (1.04: a time).
        content = content[1] if len(content) == 2 and type(content[1]) is int else None
    if content is END:
        raise BadCheck("SML: an end inside of a list")
    return Entry(code, _whole(part[1]), _time(part[2]), _whole(part[3]), _scaler(part[4]), content)


def _profile_pack(part: "list[Any]") -> ProfileRows:
    header = tuple([_column(_members(one, 3, "column")) for one in _list(part[4])])
    rows = []
    for one in _list(part[5]):
        row = _members(one, 4, "row")
        cells = tuple([_members(cell, 2, "cell")[0] for cell in _list(row[2])])
        if len(cells) != len(header):
            raise BadCheck("SML: a row of %d values for %d columns" % (len(cells), len(header)))
        rows.append((_time(row[0]), _whole(row[1]), cells))
    return ProfileRows(_octets(part[0]), _time(part[1]), _whole(part[2]), header, tuple(rows))


def _profile_list(part: "list[Any]") -> ProfileRows:
    cells = [_members(one, 5, "period value") for one in _list(part[6])]
    header = tuple([_column(cell[:3]) for cell in cells])
    row = (_time(part[4]), _whole(part[5]), tuple([cell[3] for cell in cells]))
    return ProfileRows(_octets(part[0]), _time(part[1]), _whole(part[2]), header, (row,))


def _column(part: "list[Any]") -> tuple[bytes, int | None, int]:
    code = _octets(part[0])
    if code is None or len(code) != 6:
        raise BadCheck("SML: a column whose name has not six bytes")
    return code, _whole(part[1]), _scaler(part[2])


def _time(value: object) -> Time | None:
    """A choice of index, timestamp or local timestamp; some meters write the bare number."""
    if value is None:
        return None
    if type(value) is int:
        return Time(SECONDS, value, 0, 0)
    if type(value) is list and len(value) == 2 and value[0] in (SECONDS, TIMESTAMP, LOCAL):
        kind, inner = value
        if type(inner) is int and kind != LOCAL:
            return Time(kind, inner, 0, 0)
        if kind == LOCAL and type(inner) is list and len(inner) == 3 and all(
                type(one) is int for one in inner):
            return Time(kind, inner[0], inner[1], inner[2])
    raise BadCheck("SML: a time that is none")


def _members(value: object, count: int, what: str) -> "list[Any]":
    if type(value) is not list or len(value) != count:
        raise BadCheck("SML: wanted a %s of %d members" % (what, count))
    return value


def _list(value: object) -> "list[Any]":
    if type(value) is not list:
        raise BadCheck("SML: wanted a list")
    return value


def _octets(value: object) -> bytes | None:
    if value is not None and type(value) is not bytes:
        raise BadCheck("SML: wanted octets")
    return value


def _whole(value: object) -> int | None:
    if value is not None and type(value) is not int:
        raise BadCheck("SML: wanted an integer")
    return value


def _scaler(value: object) -> int:
    found = _whole(value) or 0
    if 128 <= found <= 255:      # Of one byte, read without its sign.
        found -= 256
    if not -32 <= found <= 32:
        raise BadCheck("SML: a scaler of %d" % found)
    return found
