"""Messages of IEC 62056-21: blocks between STX and ETX or EOT, commands, and their check character.

Left out: what stands in a block (dataset.py) and who speaks when (signon.py, readout.py,
programming.py). IEC 62056-21:2002, 6.3 (messages) and ISO 1155 (block check character, BCC).

The BCC is the exclusive or of all characters after the first SOH or STX up to ETX or EOT; meters
of Energomera, made to GOST R IEC 61107, add them up instead (`added`). Which of the two a model
says stands in its catalogue entry: whoever took both would miss one damaged message in 128. It
notices every single flipped bit and every odd number of them in one column; two flips of the same
bit in two characters cancel out, and no receiver can see them in the BCC. Parity (7E1), where the
line checks it, sees those; what is left of them may show as no number or no address.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck
from wum_edge.meters.turn import Hearing

SOH, STX, ETX, EOT, ACK, NAK = 1, 2, 3, 4, 6, 21
BLOCK_MAX = 65536            # Longest readout with a year of billing values is about 20 kB.
PIECE = 64                   # Bytes after which a turn ends, so that its deadline is for a start or
                             # a pause, and never for a whole readout: at 300 baud 2.1 s.
_ACK = b"\x06"
SHOWN_MAX = 24               # Bytes of a damaged answer that a text shows.


class Message(namedtuple("Message", ("command", "body", "is_last"))):
    """One whole message whose check holds. `command` is b"" for a data message, else P0, B0 ... or
    the single b"\\x06" or b"\\x15"; `is_last` is false where EOT says that more blocks follow.
    """

    __slots__ = ()
    command: bytes
    body: bytes
    is_last: bool


def bcc(data: bytes | bytearray, added: bool = False) -> int:
    """Block check character of `data`: what follows SOH or STX, ETX or EOT included."""
    if added:
        return sum(data) & 0x7F
    value = 0
    for byte in data:
        value ^= byte
    return value & 0x7F


def command_message(command: bytes, body: bytes | None = None, added: bool = False) -> bytes:
    """SOH, `command` (two characters), STX and `body` where there is one, ETX, BCC (6.3.4)."""
    assert len(command) == 2
    checked = command + (bytes([STX]) + body if body is not None else b"") + bytes([ETX])
    return bytes([SOH]) + checked + bytes([bcc(checked, added)])


def data_message(body: bytes, is_last: bool = True) -> bytes:
    """STX, `body`, ETX (or EOT), BCC (6.3.3, 6.3.5)."""
    checked = body + bytes([ETX if is_last else EOT])
    return bytes([STX]) + checked + bytes([bcc(checked)])


def parse_message(data: bytes, added: bool = False) -> Message:
    """The message that `data` is, from its first byte to its last. Raises BadCheck."""
    if len(data) == 1 and data[0] in (ACK, NAK):
        return Message(bytes(data), b"", True)
    if len(data) < 3 or data[0] not in (SOH, STX) or data[-2] not in (ETX, EOT):
        raise BadCheck("wanted a message from SOH or STX to ETX or EOT and BCC, got %d bytes: %s"
                       % (len(data), printable(data)))
    wanted = bcc(data[1:-1], added)
    if data[-1] != wanted:
        raise BadCheck("message of %d bytes: BCC wanted %02x, got %02x" % (
            len(data), wanted, data[-1]))
    inner = bytes(data[1:-2])
    command, body = b"", inner
    if data[0] == SOH:
        command, body = inner[:2], inner[2:]
        if len(command) < 2 or body[:1] not in (b"", bytes([STX])):
            raise BadCheck("command message: wanted two characters and STX, got %s"
                           % printable(inner))
        body = body[1:]
    if not _is_text(command) or not _is_text(body):
        raise BadCheck("message of %d bytes: control characters inside: %s" % (
            len(data), printable(inner)))
    return Message(command, body, data[-2] == ETX)


def without_parity(data: bytes) -> bytes:
    """`data` without the parity bits of 7E1, where every byte has even parity and some have the
    bit; else as it is. A line of 8N1 hears characters of 7E1 so.
    """
    if not any(byte & 0x80 for byte in data):
        return data
    for byte in data:
        byte ^= byte >> 4
        byte ^= byte >> 2
        if (byte ^ byte >> 1) & 1:
            return data
    return bytes([byte & 0x7F for byte in data])


def printable(data: bytes | bytearray) -> str:
    """The first bytes of `data` for a text; what is not printable becomes a dot."""
    shown = "".join([chr(c) if 32 <= c < 127 else "." for c in bytes(data[:SHOWN_MAX])])
    return '"%s"%s' % (shown, "..." if len(data) > SHOWN_MAX else "")


def _is_text(data: bytes) -> bool:
    """Printable ASCII and line ends only (ISO/IEC 646)."""
    return all(32 <= byte < 127 or byte in (13, 10) for byte in data)


class MessageHearing(Hearing):
    """Hears one message: a block or command with its BCC, or a single ACK or NAK.

    Our own bytes, where an adapter hears itself, and noise before the message are passed over.
    `start` and `end` are its place in all that was heard, as soon as it is whole; `begun` says
    that it has begun. A turn ends after PIECE more bytes; listen_on() makes ready for the next.
    """

    def __init__(self, say: bytes = b"") -> None:
        self.start = 0
        self.end = 0
        self.begun = False
        self._say = say
        self._before = 0             # Bytes of the turns before this one.
        self._looked = 0             # Of this turn.
        self._first = 0              # Where an answer may begin: behind the echo.
        self._ended = False          # ETX or EOT was heard: one more byte.

    def __call__(self, heard: bytes | bytearray) -> bool:
        if not self._passed_echo(heard):
            return self.may_be_ack(heard)
        while self._looked < len(heard) and not self.end:
            self._look(heard[self._looked], self._before + self._looked)
            self._looked += 1
        return bool(self.end) or len(heard) >= PIECE

    def may_be_ack(self, heard: bytes | bytearray) -> bool:
        """Whether all that was heard is an ACK: the meter's, or the first of our echo."""
        return bytes(heard) == _ACK and self._say[:1] == _ACK and len(self._say) > 1

    def listen_on(self, passed: int = 0) -> None:
        """Another turn follows: what it hears comes after all that was heard, and after `passed`
        bytes that were not looked at.
        """
        self._before += self._looked + passed
        rest = self._say[passed:] if passed else b""
        self._looked = 0
        self._say = rest

    def _passed_echo(self, heard: bytes | bytearray) -> bool:
        size = len(self._say)
        if self._looked or not size:
            return True
        if len(heard) < size and self._say[:len(heard)] == heard:
            return False             # An echo so far: it has no end before its last byte.
        if heard[:size] == self._say:
            self._looked = size
            self._first = self._before + size
        return True

    def _look(self, byte: int, at: int) -> None:
        if self._ended:
            self.end = at + 1
        elif self.begun:
            self._ended = byte in (ETX, EOT)
        elif byte in (SOH, STX):
            self.begun = True
            self.start = at
        elif byte in (ACK, NAK) and at == self._first:
            self.start, self.end = at, at + 1
