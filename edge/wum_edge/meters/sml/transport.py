"""SML files on a serial line: the escape sequences of transport protocol version 1, and its CRC.

Left out: what is in a file (tlv.py, message.py). SML 1.04 (BSI TR-03109-1, annex IV), chapter 8.

A file stands between 1b1b1b1b 01010101 and 1b1b1b1b 1a PP CC CC; PP counts the zeros that fill it
up to whole fours. Four 1b of the content are said twice. Some makers' CRC begins at 0 and is not
turned round (the Kermit variant) instead of X.25; both are known, and each sees every single
flipped bit.
"""

from wum_edge.errors import BadCheck
from wum_edge.meters.turn import Hearing

FILE_MAX = 8192              # A list of 60 values with signatures has about 2 kB.
ESCAPE = b"\x1b\x1b\x1b\x1b"
BEGIN = ESCAPE + b"\x01\x01\x01\x01"
_END = 0x1A
_PAIR = 2 * len(ESCAPE)
_FILL_MAX = 3


def unwrap(data: bytes) -> bytes:
    """The content of the file that `data` is, from its begin to its CRC. Raises BadCheck."""
    found = find_end(data)
    if data[:len(BEGIN)] != BEGIN or found != len(data):
        raise BadCheck("SML: wanted a file from its begin to its end, got %d bytes" % len(data))
    written = data[-2] | data[-1] << 8
    if not crc_holds(data[:-2], written):
        raise BadCheck("SML file of %d bytes: CRC wanted %04x, got %04x" % (
            len(data), crc_x25(data[:-2]), written))
    fill = data[-3]
    content = _scan(data)[0]
    if fill > _FILL_MAX or any(content[len(content) - fill:]):
        raise BadCheck("SML: wanted up to 3 zeros as filling, got %d" % fill)
    return content[:len(content) - fill]


def find_end(data: bytes | bytearray) -> int:
    """Where the file that begins at 0 has ended; 0 while it has not."""
    return _scan(bytes(data))[1]


def crc_holds(data: bytes, written: int) -> bool:
    """Whether `written` is the CRC of `data` in one of the two variants."""
    return written in (crc_x25(data), crc_kermit(data))


def crc_x25(data: bytes) -> int:
    """CRC-16/X-25 (DIN EN 62056-46): polynomial 0x8408 reflected, from 0xFFFF, turned round."""
    return _crc(data, 0xFFFF) ^ 0xFFFF


def crc_kermit(data: bytes) -> int:
    """The same polynomial from 0, not turned round."""
    return _crc(data, 0)


def _crc(data: bytes, value: int) -> int:
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0x8408 if byte & 1 else byte >> 1
    return byte


_TABLE = tuple([_crc_of_byte(byte) for byte in range(256)])


def _scan(data: bytes) -> tuple[bytes, int]:
    """The content of the file that begins at 0, without escapes, and where it ends; an end of 0
    while it has not ended.

    In a run of 1b each eight stand for four; of what is left the last four are the end's, when
    the end follows, and the others content.
    """
    found = b""
    at = len(BEGIN)
    while True:
        run_at = data.find(ESCAPE, at)
        if run_at < 0:
            return found, 0
        after = run_at
        while after < len(data) and data[after] == ESCAPE[0]:
            after += 1
        pairs, left = (after - run_at) // _PAIR, (after - run_at) % _PAIR
        found += data[at:run_at] + ESCAPE * pairs
        if left >= len(ESCAPE):
            if after >= len(data) or data[after] != _END:
                return found, 0      # An escape of nothing: no file. Or not yet one.
            end = after + len(ESCAPE)
            return found + ESCAPE[:left - len(ESCAPE)], end if end <= len(data) else 0
        found += ESCAPE[:left]
        at = after


class FileHearing(Hearing):
    """Hears until a whole file stands in what came."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return find_file(heard)[1] > 0


def find_file(heard: bytes | bytearray) -> tuple[int, int]:
    """Start and end of the first whole file; an end of 0 for none yet."""
    whole = bytes(heard)
    start = whole.find(BEGIN)
    while start >= 0:
        end = find_end(whole[start:])
        if end:
            return start, start + end
        start = whole.find(BEGIN, start + len(BEGIN))     # That one was cut off.
    return 0, 0
