"""A meter that answers anything at all: conversations end with a result or the room's own error."""

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import acse, hdlc, setting
from wum_edge.meters.dlms.apdu import Attribute
from wum_edge.meters.dlms.association import Association, Credentials
from wum_edge.meters.dlms.discovery import discover, proposal
from wum_edge.meters.dlms.link import Link
from wum_edge.meters.dlms.resync import CounterObject
from wum_edge.meters.dlms.session import Session
from wum_edge.meters.dlms.station import Station
from wum_edge.meters.turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

TURNS_MAX = 6000             # More than BLOCKS_MAX and FRAMES_MAX: it goes in circles.
SERVER, CLIENT = hdlc.server_address(1, 17, 2), hdlc.client_address(16)


class _Answers(Station):
    """Gives the next piece of the input as an APDU; `invoke` is made to fit where one is due."""

    has_link = True

    def __init__(self, data: bytes) -> None:
        self._left = data
        self._open = False
        self.asked = 0

    def open(self) -> "Conversation[None]":
        self._open = True
        return
        yield

    def ask(self, apdu: bytes) -> "Conversation[bytes]":
        self.asked += 1
        assert self.asked < TURNS_MAX, "a conversation without end"
        size = 2 * self._left[0] if self._left else 0
        piece, self._left = self._left[1:1 + size], self._left[1 + size:]
        if len(piece) > 2 and piece[0] in (0xC4, 0xC5, 0xC7) and len(apdu) > 2:
            piece = piece[:2] + apdu[2:3] + piece[3:]
        return piece
        yield

    def close(self) -> "Conversation[None]":
        self._open = False
        return
        yield

    def is_open(self) -> bool:
        return self._open


def run(data: bytes) -> None:
    """As APDUs to an association and a session, then as frames to a link."""
    if not data:
        return
    for part in range(1, 7):
        try:
            _to_end(_talk(data, part), b"")
        except MeterError:
            continue
    try:
        _to_end(_link(), data)
    except MeterError:
        return


def _talk(data: bytes, part: int) -> "Conversation[object]":
    association = Association(_Answers(data), Credentials(acse.LOWEST, b"", False), None, None)
    if data[-1] & 1:
        yield from association.open()
    else:                    # Deeper at once: what an AARE may say is soon known.
        association.initiated = acse.Initiated(0xFFFFFF, 64)
    session = Session(association, 5)
    if part == 1:
        found = yield from discover(session)
        return proposal(found, "m", "dlms-hdlc")
    if part == 2:
        yield from setting.set_limit(session, 5, 0)
    elif part == 3:
        yield from setting.read_calendar(session)
    elif part == 4:
        yield from setting.activate_calendar(session)
    elif part == 5:
        return (yield from CounterObject(association, bytes(6)).read())
    else:
        yield from session.get_list(tuple(Attribute(3, bytes(6), n) for n in range(9)), [])
    return None


def _link() -> "Conversation[object]":
    link = Link(SERVER, CLIENT, hdlc.Parameters(128, 128, 7, 7), 100)
    yield from link.open()
    for size in (1, 300, 40):
        yield from link.ask(bytes(size))
    yield from link.close()
    return None


def _to_end(conversation: "Conversation[object]", data: bytes) -> None:
    """The pieces of `data` are what is heard: as they are, or as frames of the meter with checks
    that hold, where their first byte is even.
    """
    turns = 0
    try:
        next(conversation)
        while True:
            turns += 1
            assert turns < TURNS_MAX, "a conversation without end"
            size = data[0] & 0x3F if data else 0
            piece, data = data[1:1 + size], data[1 + size:]
            heard = piece[1:] if piece and piece[0] & 1 else _framed(piece[1:])
            step = conversation.send(heard)
            if type(step) is Turn:
                step.is_whole(heard)
    except StopIteration:
        return


def _framed(piece: bytes) -> bytes:
    """One frame: control byte, then information."""
    if not piece:
        return b""
    information = piece[2:]
    head = CLIENT + SERVER + piece[:1]
    length = 2 + len(head) + 2 + (len(information) + 2 if information else 0)
    head = bytes([0xA0 | (piece[1] & 8 if len(piece) > 1 else 0), length]) + head
    body = head + hdlc.fcs(head)
    if information:
        body += information
        body += hdlc.fcs(body)
    return b"\x7e" + body + b"\x7e"
