"""Modbus RTU, master side: a request, and the one genuine answer among what is heard. No I/O.

Left out: what is asked (pdu.py), what registers mean (meters/scaling.py) and which to ask for
together (ranges.py). MODBUS over Serial Line V1.02.
"""

from binascii import hexlify
from collections import namedtuple
from struct import pack

from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, MeterError
from wum_edge.meters.modbus.pdu import (
    REFUSAL_BIT,
    REFUSAL_SIZE,
    SIZE_MAX,
    Request,
    answer_size,
    read_words,
    words_of,
)
from wum_edge.meters.modbus.station import Reply, Station, granted
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

HEARD_MAX = 1024             # Four longest frames: whoever talks on is not answering.
SETTLE_MS = 50               # Longest pause inside an answer that serial adapters make (latency
                             # timers of 16 ms), with room; then a damaged answer is given up.
UNMEASURED_MAX = 4           # Beginnings that do not tell their length yet; noise may look so.
_FRAMING = 3                 # Unit before the PDU, two of CRC behind.
_WRITE_SIZE = 8              # Answers to writes, which another master may have asked for.
_SHOWN_MAX = 16              # Bytes of a damaged answer that a note shows.


class Answer(namedtuple("Answer", ("words", "foreign"))):
    """Registers as 0..65535, and how many whole answers of others were heard before them."""

    __slots__ = ()
    words: tuple[int, ...]
    foreign: int


def read_registers(
        unit: int, function: int, first: int, count: int, timeout_ms: int = 500,
) -> "Conversation[Answer]":
    """Conversation: `count` registers from `first` as an Answer; see RtuStation.ask.

    unit 1..247, function 3 or 4, first 0..65535, count 1..125 (V1.1b3, 6.3 and 6.4).
    """
    reply = yield from RtuStation(unit, timeout_ms).ask(read_words(function, first, count))
    return Answer(words_of(reply.pdu), reply.foreign)


class RtuStation(Station):
    """Unit 1..247 on a serial line."""

    def __init__(self, unit: int, timeout_ms: int) -> None:
        assert 1 <= unit <= 247
        self._unit = unit
        self._timeout_ms = timeout_ms
        self.echoes = None

    def ask(self, request: Request) -> "Conversation[Reply]":
        """See Station.ask. Noise around the answer, an echo of the request and answers of others
        are passed over while the time runs: the right answer may still come.
        """
        asked = "unit %d, %s" % (self._unit, request.what)
        say = with_crc(bytes([self._unit]) + request.pdu)
        hearing = _Hearing(say, request, self.echoes)
        heard = yield Turn(say, hearing, self._timeout_ms)
        hearing(heard)
        if hearing.damaged and not hearing.answer:
            # Head and length of our answer, but not its check: a damaged answer, or noise that
            # looked like its head with the true answer behind. Listen on for as long as an answer
            # may pause.
            heard = heard + (yield Turn(b"", _Rest(hearing, heard), SETTLE_MS))
            hearing(heard)
        if not hearing.answer:
            raise _failure(hearing, heard, asked, self._timeout_ms)
        self.echoes = hearing.echo > 0
        before = heard[hearing.echo:hearing.answer_at]
        return granted(hearing.answer[1:-2], len(_whole_frames(before)), asked)


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
    and its length, but not its check; `echo` is how many bytes at the start are our own. `twin`
    says that the answer has the very bytes of the request (5, 6): on a line of which nobody knows
    whether it echoes, one copy is neither.
    """

    def __init__(self, say: bytes, request: Request, echoes: bool | None) -> None:
        self.answer = b""
        self.answer_at = 0
        self.damaged = False
        self.echo = 0
        self.twin = request.head == request.pdu and echoes is None
        self._say = say
        self._request = request
        self._may_echo = echoes is not False or request.head != request.pdu
        self._looked = 0                          # Heads were looked for before this byte.
        self._begun: list[tuple[int, int]] = []   # Start and end of what has our head; end 0 for
                                                  # one that does not tell its length yet.

    def __call__(self, heard: bytes | bytearray) -> bool:
        if not self._looked and self._may_echo and self._may_be_echo(heard):
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
        head = self._request.head
        at = self._looked
        while at + 2 < len(heard):
            if heard[at] == unit:
                if heard[at + 1] == function and heard[at + 2] == head[1]:
                    size = self._request.size
                    self._begun.append((at, at + _FRAMING + size if size else 0))
                elif heard[at + 1] == function | REFUSAL_BIT:
                    self._begun.append((at, at + _FRAMING + REFUSAL_SIZE))
            at += 1
        self._looked = at

    def _check_ends(self, heard: bytes | bytearray) -> None:
        waiting = []
        unmeasured = 0
        for start, known in reversed(self._begun):   # The latest may still be the true one.
            end = known or self._measured(heard, start)
            if end == 0:
                unmeasured += 1
            if end > len(heard) or (not end and unmeasured <= UNMEASURED_MAX):
                waiting.append((start, end))
            elif end > start:
                self._check(heard, start, end)
        waiting.reverse()
        self._begun = waiting

    def _measured(self, heard: bytes | bytearray, start: int) -> int:
        """Where the answer that begins at `start` ends; 0 while it does not tell."""
        size = answer_size(self._request, heard[start + 1:start + 1 + SIZE_MAX])
        if size > SIZE_MAX:
            return start         # Nothing that long is an answer.
        return start + _FRAMING + size if size else 0

    def _check(self, heard: bytes | bytearray, start: int, end: int) -> None:
        frame = bytes(heard[start:end])
        genuine = frame[1] & REFUSAL_BIT or frame[1:-2].startswith(self._request.head)
        if crc(frame) != 0:
            self.damaged = True
        elif genuine and (not self.answer or start < self.answer_at):
            self.answer = frame
            self.answer_at = start


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
    if not rest and hearing.twin and hearing.echo:
        return BadCheck("%s: heard its own words once: echo or answer, nobody can tell" % asked)
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
    while at + _FRAMING + REFUSAL_SIZE <= len(heard):
        end = at + _frame_size(heard[at + 1], heard[at + 2])
        if at < end <= len(heard) and crc(heard[at:end]) == 0:
            found.append(bytes(heard[at:end]))
            at = end
        else:
            at += 1
    return found


def _frame_size(function: int, size: int) -> int:
    """Bytes of an answer by its function code and the byte after it; 0 for none that we know."""
    if function & REFUSAL_BIT:
        return _FRAMING + REFUSAL_SIZE
    if function in (1, 2, 3, 4, 20, 23):      # The third byte counts those that follow it.
        return _FRAMING + 2 + size
    return _WRITE_SIZE if function in (5, 6, 15, 16) else 0
