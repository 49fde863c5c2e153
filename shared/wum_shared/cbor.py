"""Deterministic CBOR (RFC 8949, 4.2.1): integers, bytes, texts, arrays, maps, truth values, null.

Left out, and refused by name: floats, indefinite lengths, undefined and other simple values,
tags that the caller does not expect, map keys other than integers, bytes and texts.
Whatever `decode` accepts, `encode` gives back byte for byte.
"""

from collections import namedtuple

from wum_shared.errors import Malformed

DEPTH_MAX = 8                  # A schema nests 5 deep, an envelope 2.
BYTES_MAX = 256 * 1024         # The longest message is a batch, opened.
_ARGUMENT_MAX = 2**64 - 1

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_FALSE, _TRUE, _NULL = b"\xf4", b"\xf5", b"\xf6"
_SIMPLE_NAMES = {23: "undefined", 24: "a simple value", 25: "a float of 16 bits",
                 26: "a float of 32 bits", 27: "a float of 64 bits", 31: "a break"}


class Tag(namedtuple("Tag", ("number", "value"))):
    """A tagged value (RFC 8949, 3.4); `number` is 0..2**64-1."""

    __slots__ = ()
    number: int
    value: object


def encode(value: object) -> bytes:
    """Bytes of `value`: int (-2**64..2**64-1), bytes, str, list, tuple, dict, bool, None or Tag.

    Raises TypeError for anything else and ValueError for an integer out of range: both are
    mistakes of the caller.
    """
    out = bytearray()
    _append(out, value)
    return bytes(out)


def _append(out: bytearray, value: object) -> None:
    if value is None:
        out.extend(_NULL)
    elif type(value) is bool:
        out.extend(_TRUE if value else _FALSE)
    elif type(value) is int:
        _append_int(out, value)
    elif type(value) is bytes or type(value) is bytearray:
        _append_octets(out, _BYTES, value)
    elif type(value) is str:
        _append_octets(out, _TEXT, value.encode())
    elif type(value) is Tag:
        _append_head(out, _TAG, value.number)
        _append(out, value.value)
    elif isinstance(value, (list, tuple)):
        _append_head(out, _ARRAY, len(value))
        for item in value:
            _append(out, item)
    elif type(value) is dict:
        _append_map(out, value)
    else:
        raise TypeError("cbor: cannot encode %s" % type(value))


def _append_int(out: bytearray, value: int) -> None:
    if value >= 0:
        _append_head(out, _UNSIGNED, value)
    else:
        _append_head(out, _NEGATIVE, -1 - value)


def _append_octets(out: bytearray, major: int, raw: bytes | bytearray) -> None:
    _append_head(out, major, len(raw))
    out.extend(raw)


def _append_map(out: bytearray, value: dict[object, object]) -> None:
    entries = []
    for key in value:
        if type(key) not in (int, bytes, str):
            raise TypeError("cbor: a map key is an integer, bytes or a text, not %s" % type(key))
        entries.append((encode(key), value[key]))
    entries.sort(key=_key_bytes)  # No ties: unequal keys have unequal bytes.
    _append_head(out, _MAP, len(entries))
    for key_bytes, item in entries:
        out.extend(key_bytes)
        _append(out, item)


def _key_bytes(entry: tuple[bytes, object]) -> bytes:
    return entry[0]


def _append_head(out: bytearray, major: int, argument: int) -> None:
    """Initial byte and argument, in the shortest form (RFC 8949, 3 and 4.2.1)."""
    if not 0 <= argument <= _ARGUMENT_MAX:
        raise ValueError("cbor: %d does not fit into 64 bits" % argument)
    if argument < 24:
        out.append(major << 5 | argument)
        return
    place = 0
    while argument >> (8 << place):
        place += 1
    out.append(major << 5 | 24 + place)
    out.extend(argument.to_bytes(1 << place, "big"))


def decode(
        data: bytes, *, depth: int = DEPTH_MAX, most_bytes: int = BYTES_MAX,
        tags: tuple[int, ...] = (),
) -> object:
    """The one value that `data` holds: arrays as list, maps as dict, tagged values as Tag.

    `depth` bounds nesting (a bare number has depth 0), `most_bytes` the size, and `tags` are
    the tag numbers that may appear. Raises Malformed for all that is not deterministic CBOR of
    this profile, bytes after the value included.
    """
    if len(data) > most_bytes:
        raise Malformed("cbor: %d bytes, at most %d are read" % (len(data), most_bytes))
    whole = data if type(data) is bytes else bytes(data)
    value, end = _read(whole, 0, depth, tags)
    if end != len(whole):
        raise Malformed("cbor: %d bytes after the end at byte %d" % (len(whole) - end, end))
    return value


def _read(data: bytes, at: int, depth: int, tags: tuple[int, ...]) -> tuple[object, int]:
    start = at
    major, argument, at = _read_head(data, at)
    if major == _UNSIGNED:
        return argument, at
    if major == _NEGATIVE:
        return -1 - argument, at
    if major in (_BYTES, _TEXT):
        raw, at = _read_octets(data, at, argument)
        return (raw if major == _BYTES else _text(raw, start)), at
    if major == _SIMPLE:
        return _simple(argument), at
    if not depth:
        raise Malformed("cbor: nested too deep at byte %d" % start)
    if major == _ARRAY:
        return _read_array(data, at, argument, depth - 1, tags)
    if major == _MAP:
        return _read_map(data, at, argument, depth - 1, tags)
    if argument not in tags:
        raise Malformed("cbor: tag %d at byte %d has no place here" % (argument, start))
    value, at = _read(data, at, depth - 1, tags)
    return Tag(argument, value), at


def _read_head(data: bytes, at: int) -> tuple[int, int, int]:
    """(major type, argument, where the content starts); a simple value is its own argument."""
    if at >= len(data):
        raise Malformed("cbor: ends at byte %d, in the middle of a value" % at)
    major = data[at] >> 5
    short = data[at] & 0x1F
    if major == _SIMPLE:
        if not 20 <= short <= 22:
            raise Malformed("cbor: %s at byte %d has no place here" % (
                _SIMPLE_NAMES.get(short, "simple value %d" % short), at))
        return major, short, at + 1
    if short < 24:
        return major, short, at + 1
    if short > 27:
        raise Malformed("cbor: %s at byte %d" % (
            "indefinite length" if short == 31 else "reserved length %d" % short, at))
    size = 1 << (short - 24)
    raw, end = _read_octets(data, at + 1, size)
    argument = int.from_bytes(raw, "big")
    least = 24 if size == 1 else 1 << (4 * size)
    if argument < least:
        raise Malformed("cbor: %d at byte %d is not in its shortest form" % (argument, at))
    return major, argument, end


def _read_octets(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if size > len(data) - at:
        raise Malformed("cbor: wanted %d bytes at byte %d, %d are left" % (
            size, at, len(data) - at))
    return data[at:at + size], at + size


def _simple(argument: int) -> bool | None:
    return None if argument == 22 else argument == 21


def _read_array(
        data: bytes, at: int, count: int, depth: int, tags: tuple[int, ...],
) -> tuple[list[object], int]:
    _check_count(data, at, count)
    values = []
    for _ in range(count):
        value, at = _read(data, at, depth, tags)
        values.append(value)
    return values, at


def _read_map(
        data: bytes, at: int, count: int, depth: int, tags: tuple[int, ...],
) -> tuple[dict[object, object], int]:
    _check_count(data, at, 2 * count)
    entries: dict[object, object] = {}
    before = b""
    for _ in range(count):
        start = at
        key, at = _read(data, at, depth, tags)
        if type(key) not in (int, bytes, str):
            # True and 1 are one key of a Python dict: an attacker's second reading of a message.
            raise Malformed("cbor: map key at byte %d is no integer, bytes or text" % start)
        key_bytes = data[start:at]
        if key_bytes <= before:
            raise Malformed("cbor: map key at byte %d is %s" % (
                start, "there twice" if key_bytes == before else "out of order"))
        before = key_bytes
        entries[key], at = _read(data, at, depth, tags)
    return entries, at


def _check_count(data: bytes, at: int, count: int) -> None:
    """Refuse a count that the bytes left cannot hold before anything is made for it."""
    if count > len(data) - at:
        raise Malformed("cbor: wanted %d items at byte %d, %d bytes are left" % (
            count, at, len(data) - at))


def _text(raw: bytes, start: int) -> str:
    if raw and max(raw) > 0x7F and not _is_utf8(raw):
        raise Malformed("cbor: text at byte %d is not UTF-8" % start)
    return raw.decode()


def _is_utf8(raw: bytes) -> bool:
    """RFC 3629 to the letter: MicroPython's own check lets overlong forms and surrogates pass."""
    at = 0
    while at < len(raw):
        lead = raw[at]
        more = 0 if lead < 0x80 else 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if 0x80 <= lead < 0xC2 or lead > 0xF4 or at + more >= len(raw):
            return False
        for byte in raw[at + 1:at + 1 + more]:
            if byte & 0xC0 != 0x80:
                return False
        if more > 1 and not _second_fits(lead, raw[at + 1]):
            return False
        at += 1 + more
    return True


def _second_fits(lead: int, second: int) -> bool:
    """No overlong form, no surrogate, nothing past U+10FFFF (RFC 3629, 4)."""
    if lead == 0xE0:
        return second >= 0xA0
    if lead == 0xED:
        return second < 0xA0
    if lead == 0xF0:
        return second >= 0x90
    return lead != 0xF4 or second < 0x90
