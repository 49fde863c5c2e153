"""What is asked of a Modbus station and what its answer must look like, whatever carries it.

Left out: checksums and transactions (rtu.py, tcp.py) and conversations (functions.py). Functions
1-6, 15, 16, 20, 23 and 43/14. MODBUS Application Protocol V1.1b3, 6 and 7.
"""

from collections import namedtuple
from struct import pack, unpack

from wum_edge.errors import BadCheck

READ_COILS, READ_INPUTS, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
READ_FILE, READ_WRITE, ENCAPSULATED = 20, 23, 43
REFUSAL_BIT = 0x80
REFUSAL_SIZE = 2             # Function and code.
SIZE_MAX = 253               # V1.1b3, 4.1.
BITS_MAX = 2000              # 6.1
WORDS_MAX = 125              # 6.3
BITS_WRITTEN_MAX = 1968      # 6.11
WORDS_WRITTEN_MAX = 123      # 6.12
WORDS_EXCHANGED_MAX = 121    # 6.17: written; read are up to WORDS_MAX.
FILE_WORDS_MAX = 124         # An answer of one group is at most 253 bytes (6.14).
RECORD_MAX = 9999            # 6.14
CODES = {                    # 7
    1: "illegal function", 2: "illegal data address", 3: "illegal data value",
    4: "server device failure", 5: "acknowledge", 6: "server device busy",
    8: "memory parity error", 10: "gateway path unavailable", 11: "gateway target silent",
}
_DEVICE_ID = 14              # The MEI type of a device's identification (6.21).
_COIL_ON = 0xFF00
_FILE_REFERENCE = 6
_ID_HEAD = 7                 # Bytes of 43/14 before its objects.


class Request(namedtuple("Request", ("pdu", "head", "size", "what"))):
    """One question. The PDU of a genuine answer begins with `head` and has `size` bytes; 0 means
    that answer_size() tells. `what` names it in words.
    """

    __slots__ = ()
    pdu: bytes
    head: bytes
    size: int
    what: str


def read_bits(function: int, first: int, count: int) -> Request:
    """Coils (1) or discrete inputs (2): 1..2000 from `first` 0..65535."""
    assert function in (READ_COILS, READ_INPUTS)
    assert 1 <= count <= BITS_MAX and 0 <= first <= 65536 - count
    size = (count + 7) // 8
    return Request(pack(">BHH", function, first, count), bytes([function, size]), 2 + size,
                   _span(function, "bits", first, count))


def read_words(function: int, first: int, count: int) -> Request:
    """Holding (3) or input registers (4): 1..125 from `first` 0..65535."""
    assert function in (READ_HOLDING, READ_INPUT)
    assert 1 <= count <= WORDS_MAX and 0 <= first <= 65536 - count
    return Request(pack(">BHH", function, first, count), bytes([function, 2 * count]),
                   2 + 2 * count, _span(function, "registers", first, count))


def write_coil(address: int, on: bool) -> Request:
    """One coil; the answer is the request itself."""
    pdu = pack(">BHH", WRITE_COIL, address, _COIL_ON if on else 0)
    return Request(pdu, pdu, len(pdu), _span(WRITE_COIL, "coil", address, 1))


def write_register(address: int, word: int) -> Request:
    """One holding register, 0..65535; the answer is the request itself."""
    assert 0 <= word <= 0xFFFF
    pdu = pack(">BHH", WRITE_REGISTER, address, word)
    return Request(pdu, pdu, len(pdu), _span(WRITE_REGISTER, "register", address, 1))


def write_coils(first: int, bits: tuple[bool, ...]) -> Request:
    """1..1968 coils from `first`; the answer names first and number."""
    count = len(bits)
    assert 1 <= count <= BITS_WRITTEN_MAX and 0 <= first <= 65536 - count
    packed = bytearray((count + 7) // 8)
    for place, bit in enumerate(bits):
        if bit:
            packed[place // 8] |= 1 << place % 8
    head = pack(">BHH", WRITE_COILS, first, count)
    return Request(head + bytes([len(packed)]) + bytes(packed), head, len(head),
                   _span(WRITE_COILS, "coils", first, count))


def write_registers(first: int, words: tuple[int, ...]) -> Request:
    """1..123 holding registers from `first`; the answer names first and number."""
    count = len(words)
    assert 1 <= count <= WORDS_WRITTEN_MAX and 0 <= first <= 65536 - count
    head = pack(">BHH", WRITE_REGISTERS, first, count)
    return Request(head + bytes([2 * count]) + _packed(words), head, len(head),
                   _span(WRITE_REGISTERS, "registers", first, count))


def exchange_words(
        first: int, count: int, write_first: int, words: tuple[int, ...]) -> Request:
    """Write 1..121 holding registers from `write_first`, then read 1..125 from `first`."""
    assert 1 <= count <= WORDS_MAX and 0 <= first <= 65536 - count
    assert 1 <= len(words) <= WORDS_EXCHANGED_MAX and 0 <= write_first <= 65536 - len(words)
    pdu = pack(">BHHHHB", READ_WRITE, first, count, write_first, len(words), 2 * len(words))
    return Request(pdu + _packed(words), bytes([READ_WRITE, 2 * count]), 2 + 2 * count,
                   _span(READ_WRITE, "registers", first, count))


def read_file_record(file: int, record: int, count: int) -> Request:
    """`count` words (1..124) of file 1..65535 from record 0..9999: one group."""
    assert 1 <= file <= 0xFFFF and 0 <= record <= RECORD_MAX and 1 <= count <= FILE_WORDS_MAX
    pdu = pack(">BBBHHH", READ_FILE, 7, _FILE_REFERENCE, file, record, count)
    head = bytes([READ_FILE, 2 + 2 * count, 1 + 2 * count, _FILE_REFERENCE])
    return Request(pdu, head, 4 + 2 * count, "function 20, file %d, records %d..%d" % (
        file, record, record + count - 1))


def read_device_id(category: int, first_object: int) -> Request:
    """Identification: `category` 1 basic, 2 regular, 3 extended, 4 the one `first_object`."""
    assert 1 <= category <= 4 and 0 <= first_object <= 255
    head = bytes([ENCAPSULATED, _DEVICE_ID, category])
    return Request(head + bytes([first_object]), head, 0,
                   "function 43/14, category %d from object %d" % (category, first_object))


def answer_size(request: Request, pdu: bytes | bytearray) -> int:
    """Bytes of the answer that begins with `pdu`; 0 while it does not tell yet.

    An answer longer than any can be is SIZE_MAX + 1.
    """
    if request.size:
        return request.size
    if len(pdu) < _ID_HEAD:
        return 0
    at = _ID_HEAD
    for _ in range(pdu[_ID_HEAD - 1]):
        if at > SIZE_MAX:
            return SIZE_MAX + 1
        if at + 2 > len(pdu):
            return 0
        at += 2 + pdu[at + 1]
    return min(at, SIZE_MAX + 1)


def words_of(pdu: bytes) -> tuple[int, ...]:
    """Registers of a genuine answer to functions 3, 4 and 23."""
    return tuple(unpack(">%dH" % ((len(pdu) - 2) // 2), pdu[2:]))


def bits_of(pdu: bytes, count: int) -> tuple[bool, ...]:
    """The first `count` bits of a genuine answer to functions 1 and 2; what fills the last byte
    is nobody's.
    """
    return tuple([bool(pdu[2 + place // 8] >> place % 8 & 1) for place in range(count)])


def file_words_of(pdu: bytes) -> tuple[int, ...]:
    """Words of a genuine answer to function 20."""
    return tuple(unpack(">%dH" % ((len(pdu) - 4) // 2), pdu[4:]))


def identity_of(pdu: bytes) -> tuple[dict[int, bytes], int | None]:
    """(objects by number, the next object to ask for or None) of an answer to 43/14.

    Raises BadCheck for one whose objects do not fill it or stand twice, or that goes on backwards.
    """
    more, following, count = pdu[4], pdu[5], pdu[6]
    found: dict[int, bytes] = {}
    at = _ID_HEAD
    for _ in range(count):
        number, size = pdu[at], pdu[at + 1]
        if number in found:
            raise BadCheck("function 43/14: object %d stands twice" % number)
        found[number] = bytes(pdu[at + 2:at + 2 + size])
        at += 2 + size
    if more not in (0x00, 0xFF):
        raise BadCheck("function 43/14: 'more follows' wanted 0 or 255, got %d" % more)
    if more == 0:
        return found, None
    if not found or following <= max(found):
        raise BadCheck("function 43/14: object %d follows what was given" % following)
    return found, following


def refusal(code: int) -> str:
    """An exception in words."""
    return "exception %d (%s)" % (code, CODES.get(code, "unknown"))


def _packed(words: tuple[int, ...]) -> bytes:
    assert not words or min(words) >= 0 and max(words) <= 0xFFFF
    return pack(">%dH" % len(words), *words)


def _span(function: int, what: str, first: int, count: int) -> str:
    if count == 1 and function in (WRITE_COIL, WRITE_REGISTER):
        return "function %d, %s %d" % (function, what, first)
    return "function %d, %s %d..%d" % (function, what, first, first + count - 1)
