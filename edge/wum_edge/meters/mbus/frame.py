"""M-Bus frames: acknowledgement, short, control and long ones, and when an answer is whole.

Left out: what the data mean (answer.py) and who says what when (talk.py). EN 13757-2:2018, 5
(IEC 60870-5-1 format FT1.2).
"""

from collections import namedtuple

from wum_edge.errors import BadCheck
from wum_edge.meters.turn import Hearing

ACK = b"\xe5"
SND_NKE = 0x40               # Initialise the link: the meter forgets FCB and selection.
SND_UD = 0x53                # User data to the meter; FCB is 0x20, FCV 0x10 already in it.
REQ_UD2 = 0x5B               # Ask for class 2 data: readings.
REQ_UD1 = 0x5A               # Ask for class 1 data: alarms.
RSP_UD = 0x08                # A meter's answer; ACD 0x20 and DFC 0x10 may be set.
FCB = 0x20
SELECTED = 0xFD              # Address of whichever meters are selected by secondary address.
EVERYBODY = 0xFE             # All answer: for a single meter on a bench.
BROADCAST = 0xFF             # Nobody answers.
PRIMARY_MAX = 250            # 0 is a meter that was never given an address.
LENGTH_MAX = 255             # Of the L field: C, A, CI and 252 bytes of data.
_WIRELESS = (0x44, 0x46, 0x48, 0x08)     # Control fields of radio telegrams: SND_NR, SND_IR ...
_START_SHORT, _START_LONG, _STOP = 0x10, 0x68, 0x16


class Frame(namedtuple("Frame", ("control", "address", "ci", "data"))):
    """One frame. `ci` is None in a short one; a control frame is a long one without data."""

    __slots__ = ()
    control: int
    address: int
    ci: int | None
    data: bytes


def encode_frame(frame: Frame) -> bytes:
    """The bytes of `frame`; at most 252 of data."""
    if frame.ci is None:
        assert not frame.data
        return bytes((_START_SHORT, frame.control, frame.address,
                      (frame.control + frame.address) & 0xFF, _STOP))
    body = bytes((frame.control, frame.address, frame.ci)) + frame.data
    assert len(body) <= LENGTH_MAX
    return bytes((_START_LONG, len(body), len(body), _START_LONG)) + body + bytes(
        (sum(body) & 0xFF, _STOP))


def decode_frame(heard: bytes) -> Frame | None:
    """The frame that `heard` is, from its first byte to its last; None is an acknowledgement.

    Raises BadCheck.
    """
    if heard == ACK:
        return None
    if len(heard) == 5 and heard[0] == _START_SHORT:
        _check(heard, 1, heard[3])
        return Frame(heard[1], heard[2], None, b"")
    if len(heard) > 12 and heard[0] == len(heard) - 1 and heard[1] in _WIRELESS:
        raise BadCheck("M-Bus: %d bytes that begin %s are a telegram of wireless M-Bus (EN "
                       "13757-4), which is not read here" % (len(heard), heard[:4].hex()))
    if len(heard) < 4 or heard[0] != _START_LONG or heard[3] != _START_LONG:
        raise BadCheck("M-Bus: %d bytes that begin %s are no frame" % (
            len(heard), heard[:4].hex() or "nowhere"))
    length = heard[1]
    if heard[2] != length:
        raise BadCheck("M-Bus: the lengths %d and %d differ" % (length, heard[2]))
    if length < 3:
        raise BadCheck("M-Bus: a length of %d; wanted 3..255" % length)
    if len(heard) != length + 6:
        raise BadCheck("M-Bus: wanted a frame of %d bytes, got %d" % (length + 6, len(heard)))
    _check(heard, 4, heard[-2])
    return Frame(heard[4], heard[5], heard[6], bytes(heard[7:-2]))


def _check(heard: bytes, first: int, said: int) -> None:
    if heard[-1] != _STOP:
        raise BadCheck("M-Bus: wanted the stop 16, got %02x" % heard[-1])
    found = sum(heard[first:-2]) & 0xFF
    if found != said:
        raise BadCheck("M-Bus: the checksum is %02x, the bytes make %02x" % (said, found))


class WholeAnswer(Hearing):
    """Waits for an acknowledgement or a long frame.

    A level converter may echo `said` first; bytes before a start of a long frame are noise of the
    bus voltage. Both are passed over; `start` is where the answer begins.
    """

    def __init__(self, said: bytes) -> None:
        self.start = 0
        self._said = said
        self._echo = bool(said)

    def __call__(self, heard: bytes | bytearray) -> bool:
        if self._echo:
            said = self._said
            size = min(len(heard), len(said))
            if heard[:size] == said[:size]:
                if size < len(said):
                    return False
                self.start = size
            self._echo = False
        first = len(self._said) if self.start >= len(self._said) else 0
        while self.start < len(heard):
            if heard[self.start] == ACK[0] and self.start == first:
                return True
            size = _size_of_long(heard, self.start)
            if size:
                return len(heard) - self.start >= size
            self.start += 1
        return False


def _size_of_long(heard: bytes | bytearray, start: int) -> int:
    """Bytes of the long frame that begins at `start`, so far as is known; 0 for none."""
    left = len(heard) - start
    if heard[start] != _START_LONG:
        return 0
    if left > 2 and heard[start + 1] != heard[start + 2]:
        return 0
    if left > 3 and heard[start + 3] != _START_LONG:
        return 0
    return heard[start + 1] + 6 if left > 3 else 10


def answer_in(heard: bytes, hearing: WholeAnswer) -> Frame | None:
    """The answer among what one turn heard; None is an acknowledgement. Raises BadCheck.

    What no answer was found in is damaged as a whole.
    """
    start = hearing.start if hearing.start < len(heard) else 0
    return decode_frame(heard[start:])
