"""SML's binary encoding: octet strings, truth values, integers, lists.

Left out: what the lists mean (message.py). SML 1.04, chapter 6: a type-length byte has bit 7 for
"another one follows", three bits of type, four of length; the length counts the type-length bytes
themselves, except that of a list, which counts its members. 00 is the end of a message.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck

DEPTH_MAX = 8                # The deepest of the standard's messages has 6.
NODES_MAX = 4096
_OCTETS, _TRUTH, _INTEGER, _UNSIGNED, _LIST = 0, 4, 5, 6, 7
_HEAD_MAX = 3                # Type-length bytes: lengths to 4095.
_WIDE = 4


class Node(namedtuple("Node", ("value", "end"))):
    """One value (bytes, bool, int, list of values, END, or None for one that is left out) and
    where what follows it begins.
    """

    __slots__ = ()
    value: object
    end: int


class _End:
    """The end of a message, 00."""


END = _End()


def read_value(data: bytes, at: int, narrow_unsigned: bool = False) -> Node:
    """The value at `at`. Raises BadCheck; it costs time and memory in the size of `data`.

    `narrow_unsigned`: integers of one to three bytes have no sign, whatever their type says; see
    makers.py.
    """
    return _read(data, at, 0, [NODES_MAX], narrow_unsigned)


def _read(data: bytes, at: int, depth: int, left: list[int], narrow_unsigned: bool) -> Node:
    left[0] -= 1
    if depth > DEPTH_MAX or left[0] < 0:
        raise BadCheck("SML: more than %d lists in one another or %d values" % (
            DEPTH_MAX, NODES_MAX))
    kind, length, after = _head(data, at)
    if kind == _LIST:
        found = []
        for _ in range(length):
            node = _read(data, after, depth + 1, left, narrow_unsigned)
            found.append(node.value)
            after = node.end
        return Node(found, after)
    size = length - (after - at)
    if kind == _OCTETS and length == 0:
        return Node(END, after)
    if size < 0 or after + size > len(data):
        raise BadCheck("SML: a value of %d bytes at %d of %d" % (length, at, len(data)))
    content = data[after:after + size]
    if kind == _INTEGER and narrow_unsigned and size < _WIDE:
        kind = _UNSIGNED
    if kind == _OCTETS:
        return Node(content if size else None, after + size)
    return Node(_number(kind, content), after + size)


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """(type, length, where the content begins)."""
    kind, length = -1, 0
    for place in range(_HEAD_MAX):
        if at + place >= len(data):
            raise BadCheck("SML: it ends before its end, at %d" % (at + place))
        byte = data[at + place]
        if place == 0:
            kind = byte >> 4 & 7
        elif byte & 0x70:
            raise BadCheck("SML: type-length byte %02x at %d" % (byte, at + place))
        length = length << 4 | byte & 0x0F
        if not byte & 0x80:
            return kind, length, at + place + 1
    raise BadCheck("SML: more than %d type-length bytes at %d" % (_HEAD_MAX, at))


def _number(kind: int, content: bytes) -> object:
    """Integers of 1 to 8 bytes, also of sizes between those that the standard names."""
    if kind == _TRUTH and len(content) == 1:
        return content[0] != 0
    if kind not in (_INTEGER, _UNSIGNED) or not 1 <= len(content) <= 8:
        raise BadCheck("SML: type %d of %d bytes" % (kind, len(content)))
    number = int.from_bytes(content, "big")
    if kind == _INTEGER and content[0] & 0x80:
        number -= 1 << 8 * len(content)
    return number
