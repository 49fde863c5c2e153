"""Modbus TCP, client side: a request in its MBAP header, and the answer with the same transaction.

Left out: the connection (a port supplies it as a Line) and what is asked (pdu.py). There is no
check sum: TCP has one. MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.
"""

from binascii import hexlify
from struct import pack, unpack

from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, MeterError
from wum_edge.meters.modbus.pdu import (
    REFUSAL_BIT,
    REFUSAL_SIZE,
    SIZE_MAX,
    Request,
    answer_size,
)
from wum_edge.meters.modbus.station import Reply, Station, granted
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

HEARD_MAX = 4096             # Sixteen longest frames: late answers of others may queue up.
_HEADER = 7                  # Transaction 2, protocol 2, length 2, unit 1.
_TRANSACTIONS = 65536
_SHOWN_MAX = 16


class TcpStation(Station):
    """Unit 0..255 behind a connection; a meter with one of its own often wants 1, 0 or 255."""

    echoes = False
    late_answers_pass = True     # The transaction tells to which request an answer belongs.

    def __init__(self, unit: int, timeout_ms: int, transaction: int = 0) -> None:
        assert 0 <= unit <= 255
        self._unit = unit
        self._timeout_ms = timeout_ms
        self._transaction = transaction

    def ask(self, request: Request) -> "Conversation[Reply]":
        """See Station.ask. Answers with another transaction or unit are passed over."""
        self._transaction = (self._transaction + 1) % _TRANSACTIONS
        asked = "unit %d, %s" % (self._unit, request.what)
        say = pack(">HHHB", self._transaction, 0, len(request.pdu) + 1, self._unit) + request.pdu
        hearing = _Hearing(say, request)
        heard = yield Turn(say, hearing, self._timeout_ms)
        hearing(heard)
        if not hearing.answer:
            raise _failure(hearing, heard, asked, self._timeout_ms)
        return granted(hearing.answer, hearing.foreign, asked)


class _Hearing(Hearing):
    """What was heard after one request. Frames follow each other without a gap, so what is no
    frame damages all that comes behind it.
    """

    def __init__(self, say: bytes, request: Request) -> None:
        self.answer = b""
        self.foreign = 0
        self.damaged = False
        self._say = say
        self._request = request
        self._at = 0             # Where the next frame begins.

    def __call__(self, heard: bytes | bytearray) -> bool:
        while not self.answer and not self.damaged and self._at + _HEADER <= len(heard):
            transaction, protocol, size = unpack(">HHH", heard[self._at:self._at + 6])
            if protocol != 0 or not REFUSAL_SIZE < size <= SIZE_MAX + 1:
                self.damaged = True
            elif self._at + 6 + size > len(heard):
                break
            else:
                self._frame(bytes(heard[self._at:self._at + 6 + size]))
                self._at += 6 + size
        return bool(self.answer) or self.damaged or len(heard) > HEARD_MAX

    def _frame(self, frame: bytes) -> None:
        pdu = frame[_HEADER:]
        if frame[:2] != self._say[:2] or frame[6] != self._say[6]:
            self.foreign += 1
        elif self._is_refusal(pdu) or self._is_answer(pdu):
            self.answer = pdu
        else:
            self.damaged = True      # Our transaction, and no answer to our question.

    def _is_refusal(self, pdu: bytes) -> bool:
        return pdu[0] == self._request.pdu[0] | REFUSAL_BIT and len(pdu) == REFUSAL_SIZE

    def _is_answer(self, pdu: bytes) -> bool:
        return pdu.startswith(self._request.head) and (
            answer_size(self._request, pdu) == len(pdu))


def _failure(hearing: _Hearing, heard: bytes, asked: str, timeout_ms: int) -> MeterError:
    if not heard:
        return LineSilent("%s: silent for %d ms" % (asked, timeout_ms))
    if hearing.foreign and not hearing.damaged:
        return ForeignAnswer("%s: heard %d answers to other requests" % (asked, hearing.foreign))
    return BadCheck("%s: %d bytes, but no whole answer: %s" % (
        asked, len(heard), hexlify(bytes(heard[:_SHOWN_MAX])).decode()))
