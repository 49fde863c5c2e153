"""A-XDR: lengths and the Data type of COSEM, all of its choices, compact-array among them.

Left out: what the data means (objects.py, moment.py). A float stays the raw bits that it came in:
a board's floats would lose digits. IEC 61334-6; Green Book 9.5 (Data), Blue Book 4.1.5.
"""

from collections import namedtuple
from struct import pack

from wum_edge.meters.dlms.errors import DlmsMalformed

NULL, ARRAY, STRUCTURE, BOOLEAN, BITS, INT32, UINT32 = 0, 1, 2, 3, 4, 5, 6
OCTETS, VISIBLE, UTF8, BCD, INT8, INT16, UINT8, UINT16 = 9, 10, 12, 13, 15, 16, 17, 18
COMPACT, INT64, UINT64, ENUM, FLOAT32, FLOAT64 = 19, 20, 21, 22, 23, 24
DATE_TIME, DATE, TIME, DELTA8, DELTA16, DELTA32 = 25, 26, 27, 28, 29, 30
DELTA_U8, DELTA_U16, DELTA_U32, DONT_CARE = 31, 32, 33, 255

SIGNED = {INT8: 1, INT16: 2, INT32: 4, INT64: 8, BCD: 1, DELTA8: 1, DELTA16: 2, DELTA32: 4}
UNSIGNED = {UINT8: 1, UINT16: 2, UINT32: 4, UINT64: 8, ENUM: 1, BOOLEAN: 1, FLOAT32: 4,
            FLOAT64: 8, DELTA_U8: 1, DELTA_U16: 2, DELTA_U32: 4}
OCTET_KINDS = (OCTETS, VISIBLE, UTF8)
FIXED_OCTETS = {DATE_TIME: 12, DATE: 5, TIME: 4}
DEPTH_MAX = 12               # Nested deeper than any object of the Blue Book.
ELEMENTS_MAX = 20000         # Of one Data: a day of a wide profile has about 3,000.


class Data(namedtuple("Data", ("tag", "value"))):
    """One value. By `tag`: an int (floats: their raw bits), bool, None, bytes, (bit count, bytes)
    for a bit-string, a tuple of Data for array and structure, (description, tuple of Data) for a
    compact-array.
    """

    __slots__ = ()
    tag: int
    value: object

    def elements(self) -> "tuple[Data, ...]":
        """The elements of an array, structure or compact-array. Raises DlmsMalformed."""
        value = self.value
        if self.tag == COMPACT and type(value) is tuple:
            value = value[1]
        if self.tag not in (ARRAY, STRUCTURE, COMPACT) or type(value) is not tuple:
            raise DlmsMalformed("data: wanted an array or structure, got tag %d" % self.tag)
        return value

    def number(self) -> int:
        """The integer. Raises DlmsMalformed for what is none (a float's bits, too)."""
        if self.tag in (FLOAT32, FLOAT64, BOOLEAN) or type(self.value) is not int:
            raise DlmsMalformed("data: wanted an integer, got tag %d" % self.tag)
        return self.value

    def octets(self) -> bytes:
        """The bytes of a string or date-time. Raises DlmsMalformed."""
        if type(self.value) is not bytes:
            raise DlmsMalformed("data: wanted an octet-string, got tag %d" % self.tag)
        return self.value


def octets(value: bytes) -> Data:
    """An octet-string."""
    return Data(OCTETS, value)


def structure(*items: Data) -> Data:
    """A structure of `items`."""
    return Data(STRUCTURE, items)


def array(items: list[Data]) -> Data:
    """An array of `items`."""
    return Data(ARRAY, tuple(items))


class Cursor:
    """Reads bytes from the front. Everything that is too short raises DlmsMalformed."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.elements = 0
        self.descriptors = False     # Whether untagged attribute descriptors may stand in pairs.

    def left(self) -> int:
        """Bytes not read yet."""
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > len(self.data) - self.at:
            raise DlmsMalformed("data: wanted %d more bytes at %d, got %d" % (
                count, self.at, self.left()))
        self.at += count
        return self.data[self.at - count:self.at]

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def unsigned(self, count: int) -> int:
        """The next `count` bytes as a number, high byte first."""
        return int.from_bytes(self.take(count), "big")

    def length(self) -> int:
        """A length: one byte below 128, else a count of bytes and those (IEC 61334-6, 6.2)."""
        first = self.byte()
        if first < 0x80:
            return first
        if not 1 <= first & 0x7F <= 4:
            raise DlmsMalformed("length: wanted 1..4 bytes, got %d" % (first & 0x7F))
        return self.unsigned(first & 0x7F)

    def octet_string(self) -> bytes:
        """A length and so many bytes."""
        return self.take(self.length())

    def flag(self) -> bool:
        """Whether an OPTIONAL is there: 0 or 1 (some meters say 0xFF for true)."""
        return self.byte() != 0

    def done(self) -> None:
        """Raises DlmsMalformed when bytes are left."""
        if self.left():
            raise DlmsMalformed("data: %d bytes after the end" % self.left())

    def count(self) -> None:
        """One more element; too many raise DlmsMalformed."""
        self.elements += 1
        if self.elements > ELEMENTS_MAX:
            raise DlmsMalformed("data: more than %d elements" % ELEMENTS_MAX)


def length_bytes(length: int) -> bytes:
    """`length` (0..2**32-1) as A-XDR writes it."""
    if length < 0x80:
        return bytes([length])
    for count in (1, 2, 3, 4):
        if length < 1 << 8 * count:
            return bytes([0x80 | count]) + length.to_bytes(count, "big")
    raise AssertionError(length)


def octet_string(data: bytes) -> bytes:
    """`data` with its length in front."""
    return length_bytes(len(data)) + data


def decode_data(data: bytes) -> Data:
    """The one Data that `data` is. Raises DlmsMalformed."""
    cursor = Cursor(data)
    found = read_data(cursor)
    cursor.done()
    return found


def read_data(cursor: Cursor, depth: int = 0) -> Data:
    """The Data at the cursor. Raises DlmsMalformed."""
    tag = cursor.byte()
    if tag == COMPACT:
        return _read_compact(cursor)
    if tag not in (ARRAY, STRUCTURE):
        return _read_plain(cursor, tag)
    _check_depth(depth)
    cursor.count()
    count = _element_count(cursor)
    items: list[Data] = []
    if cursor.descriptors and tag == STRUCTURE and count == 2 and _at_descriptor(cursor):
        items.append(Data(OCTETS, cursor.take(9)))
    while len(items) < count:
        items.append(read_data(cursor, depth + 1))
    return Data(tag, tuple(items))


def _at_descriptor(cursor: Cursor) -> bool:
    """Whether class, OBIS code and attribute stand here without a tag (EGD's push: a descriptor
    and its value in each pair). Looked for only where the bytes are no Data otherwise.
    """
    head = cursor.data[cursor.at:cursor.at + 9]
    return len(head) == 9 and head[0] == 0 and head[7] == 0xFF and 1 <= head[8] <= 20


def _element_count(cursor: Cursor) -> int:
    """An element takes a byte at least: a larger count is seen before anything is made of it."""
    count = cursor.length()
    if count > cursor.left():
        raise DlmsMalformed("data: %d elements in %d bytes" % (count, cursor.left()))
    return count


def _check_depth(depth: int) -> None:
    if depth >= DEPTH_MAX:
        raise DlmsMalformed("data: nested more than %d deep" % DEPTH_MAX)


def _read_plain(cursor: Cursor, tag: int) -> Data:
    """A value that holds no others. What has a length takes it from the cursor."""
    cursor.count()
    if tag in (NULL, DONT_CARE):
        return Data(tag, None)
    if tag in UNSIGNED:
        number = cursor.unsigned(UNSIGNED[tag])
        return Data(tag, bool(number)) if tag == BOOLEAN else Data(tag, number)
    if tag in SIGNED:
        count = SIGNED[tag]
        number = cursor.unsigned(count)
        return Data(tag, number - (1 << 8 * count) if number >> 8 * count - 1 else number)
    if tag in OCTET_KINDS:
        return Data(tag, cursor.octet_string())
    if tag in FIXED_OCTETS:
        return Data(tag, cursor.take(FIXED_OCTETS[tag]))
    if tag == BITS:
        bits = cursor.length()
        return Data(tag, (bits, cursor.take((bits + 7) // 8)))
    raise DlmsMalformed("data: no type has tag %d" % tag)


def _read_compact(cursor: Cursor) -> Data:
    """A compact-array: one description, then the contents without tags (Green Book 9.5)."""
    start = cursor.at
    _skip_description(cursor, 0)
    description = cursor.data[start:cursor.at]
    contents = Cursor(cursor.octet_string())
    contents.elements = cursor.elements
    items: list[Data] = []
    while contents.left():
        before = contents.at
        items.append(_read_described(Cursor(description), contents, 0))
        if contents.at == before:
            raise DlmsMalformed("compact-array: an element of no bytes")
    cursor.elements = contents.elements
    return Data(COMPACT, (description, tuple(items)))


def _skip_description(cursor: Cursor, depth: int) -> None:
    _check_depth(depth)
    cursor.count()
    tag = cursor.byte()
    if tag == ARRAY:
        cursor.unsigned(2)
        _skip_description(cursor, depth + 1)
    elif tag == STRUCTURE:
        for _ in range(_element_count(cursor)):
            _skip_description(cursor, depth + 1)
    elif tag == COMPACT:
        raise DlmsMalformed("compact-array: in a compact-array")


def _read_described(description: Cursor, contents: Cursor, depth: int) -> Data:
    tag = description.byte()
    if tag == STRUCTURE:
        count = description.length()
        return Data(tag, tuple([_read_described(description, contents, depth + 1)
                                for _ in range(count)]))
    if tag == ARRAY:
        count = description.unsigned(2)
        start, began = description.at, contents.at
        items: list[Data] = []
        for _ in range(min(count, contents.left())):
            contents.count()
            description.at = start
            items.append(_read_described(description, contents, depth + 1))
        if contents.at - began < count:      # A few bytes could ask for thousands of nothing.
            raise DlmsMalformed("compact-array: %d elements in %d bytes" % (
                count, contents.at - began))
        if not count:
            _skip_description(description, depth + 1)
        return Data(tag, tuple(items))
    return _read_plain(contents, tag)


def encode_data(data: Data) -> bytes:
    """The bytes of `data`, whose values must suit their tags."""
    tag, value = data.tag, data.value
    if tag == COMPACT:
        assert type(value) is tuple
        description, items = value
        contents = b"".join([_contents(item) for item in items])
        return bytes([tag]) + bytes(description) + octet_string(contents)
    if tag in (ARRAY, STRUCTURE):
        items = data.elements()
        return bytes([tag]) + length_bytes(len(items)) + b"".join(
            [encode_data(item) for item in items])
    return bytes([tag]) + _contents(data)


def _contents(data: Data) -> bytes:
    """What stands behind the tag; in a compact-array arrays and structures have nothing else."""
    tag, value = data.tag, data.value
    if tag in (ARRAY, STRUCTURE):
        return b"".join([_contents(item) for item in data.elements()])
    if tag in (NULL, DONT_CARE):
        return b""
    if tag == BITS:
        assert type(value) is tuple
        return length_bytes(value[0]) + bytes(value[1])
    if tag in OCTET_KINDS:
        return octet_string(data.octets())
    if tag in FIXED_OCTETS:
        assert len(data.octets()) == FIXED_OCTETS[tag]
        return data.octets()
    count = SIGNED.get(tag) or UNSIGNED[tag]
    assert type(value) is int or type(value) is bool
    return (int(value) & (1 << 8 * count) - 1).to_bytes(count, "big")


def uint16(value: int) -> bytes:
    """Two bytes, high byte first."""
    return pack(">H", value)
