"""All that was heard of a meter at one time, decoded at once: for recordings and for trying out.

Left out: talking to meters (readout.py, p1/reader.py). What was said to the meter may stand in it:
requests and acknowledgements are passed over.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck
from wum_edge.meters.iec62056_21.dataset import parse_block
from wum_edge.meters.iec62056_21.frame import ACK, MessageHearing, parse_message, without_parity
from wum_edge.meters.iec62056_21.signon import parse_identification

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.dataset import DataSet
    from wum_edge.meters.iec62056_21.signon import Identification

_ACK_SIZE = 6
_ADDING = "EKT"              # Energomera, whose check characters are sums.
_NAME_SIZE = 5               # Of its registers.


class Recording(namedtuple("Recording", ("identification", "sets"))):
    """Who answered, None where that was not recorded, and the data sets of the message."""

    __slots__ = ()
    identification: "Identification | None"
    sets: "list[DataSet]"


def decode_recording(data: bytes) -> Recording:
    """A readout, with or without sign-on, or one answer of programming mode, whole or in partial
    blocks; every BCC must hold.

    Pushed telegrams are p1.telegram.decode_telegram's. Raises BadCheck.
    """
    data = without_parity(data).lstrip(b"\x00")      # Which woke a sleeping meter (annex B).
    identification = None
    if data[:2] == b"/?":
        data = _after_line(data)
    if data[:1] == b"/":
        rest = _after_line(data)
        identification = parse_identification(data[:len(data) - len(rest)])
        data = rest
    if len(data) > _ACK_SIZE and data[0] == ACK and data[_ACK_SIZE - 2:_ACK_SIZE] == b"\r\n":
        data = data[_ACK_SIZE:]
    body = _bodies(data, identification.maker == _ADDING if identification else _adds(data))
    return Recording(identification, parse_block(body, body.rstrip(b"\r\n")[-1:] == b"!"))


def _adds(data: bytes) -> bool:
    """Whether a message without identification is one of Energomera's: `ET0PE(`, `VOLTA(` ..."""
    name = data[1:1 + _NAME_SIZE]
    return data[1 + _NAME_SIZE:2 + _NAME_SIZE] == b"(" and name.upper() == name and (
        b"." not in name and any(65 <= byte <= 90 for byte in name))


def _bodies(data: bytes, added: bool) -> bytes:
    """What stands in the message that `data` is, or in its partial blocks together; the ACK by
    which each next one was asked for may stand before it.
    """
    body, at, is_last = b"", 0, False
    while not is_last:
        if at and data[at:at + 1] == bytes((ACK,)):
            at += 1
        start, end = _message_in(data[at:])
        if start or not end:
            raise BadCheck("recording: wanted one message, got %d bytes, of which %d are one" % (
                len(data), at))
        message = parse_message(data[at:at + end], added)
        body, at, is_last = body + message.body, at + end, message.is_last
    if at != len(data):
        raise BadCheck("recording: wanted one message, got %d bytes, of which %d are one" % (
            len(data), at))
    return body


def _after_line(data: bytes) -> bytes:
    end = data.find(b"\r\n")
    if end < 0:
        raise BadCheck("recording: a line without end")
    return data[end + 2:]


def _message_in(data: bytes) -> tuple[int, int]:
    """Start and end of the first message; a hearing stops at pieces, so that it is asked on."""
    hearing = MessageHearing()
    hearing(data)
    return hearing.start, hearing.end
