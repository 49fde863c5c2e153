"""What is said to a meter that does not talk by itself: a request file of SML, or a sign-on.

Left out: the answer (transport.py, message.py). SML 1.04, chapter 5: open, get list, close.
"""

from wum_edge.meters.sml.transport import BEGIN, ESCAPE, crc_x25

SIGN_ON = b"/?!\r\n"         # IEC 62056-21, 6.3.1: some meters answer it with their SML file.
_OPEN, _LIST, _CLOSE = 0x0100, 0x0700, 0x0200
_ABSENT = b"\x01"
_END = 0x1A


def request_file(number: bytes) -> bytes:
    """A file that asks whoever is there for the list it gives to everybody: open, list, close.

    `number` is 1 to 14 bytes by which we know the request again.
    """
    assert 1 <= len(number) <= 14
    opening = [_ABSENT, _ABSENT, _octets(number)] + [_ABSENT] * 4
    content = (_message(b"00", _OPEN, opening) + _message(b"01", _LIST, [_ABSENT] * 5)
               + _message(b"02", _CLOSE, [_ABSENT]))
    fill = -len(content) % 4
    # Nothing in it is an escape: the number is ours.
    said = BEGIN + content + bytes(fill) + ESCAPE + bytes((_END, fill))
    return said + _low_first(crc_x25(said))


def _message(transaction: bytes, tag: int, members: "list[bytes]") -> bytes:
    body = (b"\x76" + _octets(transaction) + b"\x62\x00\x62\x00\x72\x65" + tag.to_bytes(4, "big")
            + bytes((0x70 | len(members),)) + b"".join(members))
    return body + b"\x63" + _low_first(crc_x25(body)) + b"\x00"


def _octets(data: bytes) -> bytes:
    return bytes((len(data) + 1,)) + data


def _low_first(check: int) -> bytes:
    return bytes((check & 255, check >> 8))
