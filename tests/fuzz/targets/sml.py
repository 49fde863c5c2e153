"""SML: whatever bytes come as a file, as its content, and as a message whose CRC holds."""

from wum_edge.errors import MeterError
from wum_edge.meters.sml.message import decode_messages
from wum_edge.meters.sml.transport import FileHearing, crc_x25, find_file, unwrap


def run(data: bytes) -> None:
    """As heard, as content, and with its CRC put right, so that what is inside is reached too."""
    FileHearing()(data)
    start, end = find_file(data)
    for file in (data, data[start:end], _with_crc(data[start:end])):
        try:
            decode_messages(unwrap(file))
        except MeterError:
            continue             # The one way in which it may refuse.
    for content in (data, _message(data)):
        try:
            decode_messages(content)
        except MeterError:
            continue


def _with_crc(file: bytes) -> bytes:
    check = crc_x25(file[:-2])
    return file[:-2] + bytes((check & 255, check >> 8))


def _message(body: bytes) -> bytes:
    """`body` as that of a message."""
    checked = b"\x76\x02\x01\x62\x00\x62\x00" + body
    check = crc_x25(checked)
    return checked + bytes((0x63, check & 255, check >> 8, 0))
