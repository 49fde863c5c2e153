"""Modbus RTU, master side: functions 3 and 4. No I/O.

Left out: what registers mean (meters/scaling.py) and which to ask for together (ranges.py).
MODBUS Application Protocol V1.1b3; MODBUS over Serial Line V1.02.
"""

from binascii import hexlify
from collections import namedtuple
from struct import pack, unpack

from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, MeterError, Refused
from wum_edge.meters.modbus.entry import COUNT_MAX
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Generator

READ_HOLDING = 3
READ_INPUT = 4
HEARD_MAX = 1024             # Four longest frames: whoever talks on is not answering.
SETTLE_MS = 50               # Longest pause inside an answer that serial adapters make (latency
                             # timers of 16 ms), with room; then a damaged answer is given up.
_REFUSAL_BIT = 0x80
_REFUSAL_SIZE = 5
_FRAMING = 5                 # Unit, function, byte count, and two of CRC around the values.
_WRITE_SIZE = 8              # Answers to writes, which another master may have asked for.
_SHOWN_MAX = 16              # Bytes of a damaged answer that a note shows.
_CODES = {                   # V1.1b3, 7.
    1: "illegal function", 2: "illegal data address", 3: "illegal data value",
    4: "server device failure", 5: "acknowledge", 6: "server device busy",
    8: "memory parity error", 10: "gateway path unavailable", 11: "gateway target silent",
}


class Answer(namedtuple("Answer", ("words", "foreign"))):
    """Registers as 0..65535, and how many whole answers of others were heard before them."""

    __slots__ = ()
    words: tuple[int, ...]
    foreign: int


def read_registers(
        unit: int, function: int, first: int, count: int, timeout_ms: int = 500,
) -> "Generator[Turn, bytes, Answer]":
    """Conversation: `count` registers from `first` as an Answer.

    unit 1..247, function 3 or 4, first 0..65535, count 1..125 (V1.1b3, 6.3 and 6.4). Raises
    LineSilent, BadCheck, Refused, ForeignAnswer. Noise around the answer, an echo of the request
    and answers of others are passed over while the time runs: the right answer may still come.
    """
    assert 1 <= unit <= 247
    assert function in (READ_HOLDING, READ_INPUT)
    assert 1 <= count <= COUNT_MAX and 0 <= first <= 65536 - count
    asked = "unit %d, function %d, registers %d..%d" % (unit, function, first, first + count - 1)
    say = with_crc(pack(">BBHH", unit, function, first, count))
    hearing = _Hearing(say, count)
    heard = yield Turn(say, hearing, timeout_ms)
    hearing(heard)
    if hearing.damaged and not hearing.answer:
        # Head and length of our answer, but not its check: a damaged answer, or noise that looked
        # like its head with the true answer behind. Listen on for as long as an answer may pause.
        heard = heard + (yield Turn(b"", _Rest(hearing, heard), SETTLE_MS))
        hearing(heard)
    answer = hearing.answer
    if not answer:
        raise _failure(hearing, heard, asked, timeout_ms)
    if answer[1] & _REFUSAL_BIT:
        code = answer[2]
        raise Refused("%s: exception %d (%s)" % (asked, code, _CODES.get(code, "unknown")), code)
    before = heard[hearing.echo:hearing.answer_at]
    return Answer(unpack(">%dH" % count, answer[3:-2]), len(_whole_frames(before)))


def with_crc(frame: bytes) -> bytes:
    """The frame and its CRC, low byte first (Serial Line V1.02, 2.5.1.2)."""
    return frame + pack("<H", crc(frame))


def crc(data: bytes | bytearray) -> int:
    """CRC-16 of Modbus: polynomial 0xA001, start 0xFFFF."""
    value = 0xFFFF
    for byte in data:
        value = (value >> 8) ^ _CRC_TABLE[(value ^ byte) & 0xFF]
    return value


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC_TABLE = tuple([_crc_of_byte(byte) for byte in range(256)])


class _Hearing(Hearing):
    """What was heard after one request. Remembers how far it looked: each byte costs once.

    `answer` is our answer as soon as its check holds; `damaged` says that something had its head
    and its length, but not its check; `echo` is how many bytes at the start are our own.
    """

    def __init__(self, say: bytes, count: int) -> None:
        self.answer = b""
        self.answer_at = 0
        self.damaged = False
        self.echo = 0
        self._say = say
        self._size = 2 * count
        self._looked = 0                          # Heads were looked for before this byte.
        self._begun: list[tuple[int, int]] = []   # Start and end of what has our head.

    def __call__(self, heard: bytes | bytearray) -> bool:
        if not self._looked and self._may_be_echo(heard):
            return False
        self._find_heads(heard)
        self._check_ends(heard)
        only_damaged = self.damaged and not self._begun
        return bool(self.answer) or only_damaged or len(heard) > HEARD_MAX

    def _may_be_echo(self, heard: bytes | bytearray) -> bool:
        """Adapters that hear themselves give our own bytes first: pass over exactly those."""
        size = len(self._say)
        if len(heard) < size:
            return self._say[:len(heard)] == heard
        if heard[:size] == self._say:
            self.echo = self._looked = size
        return False

    def _find_heads(self, heard: bytes | bytearray) -> None:
        unit, function = self._say[0], self._say[1]
        at = self._looked
        while at + 2 < len(heard):
            if heard[at] == unit:
                if heard[at + 1] == function and heard[at + 2] == self._size:
                    self._begun.append((at, at + _FRAMING + self._size))
                elif heard[at + 1] == function | _REFUSAL_BIT:
                    self._begun.append((at, at + _REFUSAL_SIZE))
            at += 1
        self._looked = at

    def _check_ends(self, heard: bytes | bytearray) -> None:
        waiting = []
        for start, end in self._begun:
            if end > len(heard):
                waiting.append((start, end))
            elif crc(heard[start:end]) != 0:
                self.damaged = True
            elif not self.answer:
                self.answer = bytes(heard[start:end])
                self.answer_at = start
        self._begun = waiting


class _Rest(Hearing):
    """The same hearing in a second turn, whose bytes follow `before`; damage does not end it."""

    def __init__(self, hearing: _Hearing, before: bytes) -> None:
        self._hearing = hearing
        self._before = bytes(before)

    def __call__(self, heard: bytes | bytearray) -> bool:
        self._hearing(self._before + bytes(heard))
        return bool(self._hearing.answer) or len(self._before) + len(heard) > HEARD_MAX


def _failure(hearing: _Hearing, heard: bytes, asked: str, timeout_ms: int) -> MeterError:
    """Which of the outcomes it was. Our own damaged answer says more than a stranger's."""
    rest = bytes(heard[hearing.echo:])
    if not rest:
        return LineSilent("%s: silent for %d ms" % (asked, timeout_ms))
    strangers = [] if hearing.damaged else _whole_frames(rest)
    if strangers:
        return ForeignAnswer("%s: heard instead unit %d, function %d, %d bytes" % (
            asked, strangers[0][0], strangers[0][1], len(strangers[0])))
    return BadCheck("%s: %d bytes, but no answer whose CRC holds: %s" % (
        asked, len(rest), hexlify(rest[:_SHOWN_MAX]).decode()))


def _whole_frames(heard: bytes) -> list[bytes]:
    """Every answer in `heard`, of whichever unit, whose check holds, in order."""
    found = []
    at = 0
    while at + _REFUSAL_SIZE <= len(heard):
        end = at + _frame_size(heard[at + 1], heard[at + 2])
        if at < end <= len(heard) and crc(heard[at:end]) == 0:
            found.append(bytes(heard[at:end]))
            at = end
        else:
            at += 1
    return found


def _frame_size(function: int, size: int) -> int:
    """Bytes of an answer by its function code and the byte after it; 0 for none that we know."""
    if function & _REFUSAL_BIT:
        return _REFUSAL_SIZE
    if function in (1, 2, 3, 4):      # The third byte counts those that follow it.
        return _FRAMING + size
    return _WRITE_SIZE if function in (5, 6, 15, 16) else 0
