"""Opening a conversation with a meter: request, identification, acknowledgement, baud changeover.

Left out: what follows (readout.py, programming.py, hdlc_door.py).
IEC 62056-21:2002, 6.3.1 (request), 6.3.2 (identification), 6.3.3 (acknowledgement), 6.4 (modes),
annex E (mode E).
"""

from collections import namedtuple

from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent
from wum_edge.meters.iec62056_21.exchange import Never, message, text_until
from wum_edge.meters.iec62056_21.frame import printable
from wum_edge.meters.turn import Hearing, Setting, Turn, silence_us

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.frame import Message
    from wum_edge.meters.reader import Conversation

ADDRESS_MAX = 32             # 6.3.1: characters of a device address.
IDENTIFICATION_MAX = 64      # 6.3.2 says 16 after the baud letter; DSMR meters send more.
NORMAL, SECONDARY, HDLC = "0", "1", "2"               # Protocol control character.
READOUT, PROGRAMMING, BINARY = "0", "1", "2"          # Mode control character.
FAST_REACTION_US = 20_000    # Third letter lower case (6.4.2).
REACTION_US = 200_000
WAKE_UP_MS = 2200            # Annex B: zeros for 2.1 to 2.3 s, then a pause of 1.5 to 1.7 s.
_WAKE_UP_PAUSE_US = 1_600_000
_BAUDS_C = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
_BAUDS_B = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}


class Opening(namedtuple("Opening", (
        "address", "baud", "fixed", "characters", "wake_up", "makers", "added"))):
    """How a model is greeted: at which baud, and as "7E1" or "8N1" characters.

    `address` is empty for whoever is there. `fixed`: it stays at that baud, whatever its baud
    letter says. `wake_up`: it sleeps until zeros are said (annex B). `makers` are the marks of
    three capital letters that its identification may begin with, none for any. `added`: how it
    makes check characters, see frame.py.
    """

    __slots__ = ()
    address: str
    baud: int
    fixed: bool
    characters: str
    wake_up: bool
    makers: tuple[str, ...]
    added: bool


class Identification(namedtuple("Identification", (
        "maker", "mode", "baud_letter", "baud", "enhanced", "text"))):
    """What a meter says of itself: its maker's three letters, the mode A, B or C that its baud
    letter stands for with the baud to change to (0: none), what follows backslashes, its type.
    """

    __slots__ = ()
    maker: str
    mode: str
    baud_letter: str
    baud: int
    enhanced: str
    text: str

    def reaction_us(self) -> int:
        """How long whoever answers on this line waits at least (6.4.2)."""
        last = self.maker[2]
        return FAST_REACTION_US if "a" <= last <= "z" else REACTION_US

    def speaks_hdlc(self) -> bool:
        """Whether the meter offers mode E with HDLC (annex E: `\\\\2`)."""
        return self.enhanced[:1] == "2" and self.mode == "C"


def request_message(address: str) -> bytes:
    """`/?address!` CR LF. Raises nothing: check_address() was asked before."""
    assert is_address(address)
    return b"/?" + address.encode() + b"!\r\n"


def acknowledgement(protocol: str, baud_letter: str, mode: str) -> bytes:
    """ACK V Z Y CR LF."""
    return b"\x06" + (protocol + baud_letter + mode).encode() + b"\r\n"


def is_address(text: str) -> bool:
    """Whether `text` may be a device address: digits, letters and spaces (6.3.1)."""
    for c in text:
        if not ("0" <= c <= "9" or "A" <= c <= "Z" or "a" <= c <= "z" or c == " "):
            return False
    return len(text) <= ADDRESS_MAX


def parse_identification(line: bytes) -> Identification:
    """The identification that `line` is, `/` and CR LF included. Raises BadCheck."""
    inner = line[1:-2]
    plain = line[:1] == b"/" and line[-2:] == b"\r\n" and 4 <= len(inner) <= IDENTIFICATION_MAX
    if not plain or any(not 32 <= byte < 127 or byte == 0x2F for byte in inner):
        raise BadCheck("identification: wanted / three letters, a baud letter, a type, CR LF, "
                       "got %s" % printable(line))
    text = inner.decode()
    maker, letter, rest = text[:3], text[3], text[4:]
    if not all("A" <= c <= "Z" or "a" <= c <= "z" for c in maker):
        raise BadCheck("identification: wanted three letters of a maker, got %s" % printable(line))
    enhanced = ""
    while len(rest) >= 2 and rest[0] == "\\":
        enhanced += rest[1]
        rest = rest[2:]
    if letter in _BAUDS_C:
        return Identification(maker, "C", letter, _BAUDS_C[letter], enhanced, rest)
    if letter in _BAUDS_B:
        return Identification(maker, "B", letter, _BAUDS_B[letter], enhanced, rest)
    return Identification(maker, "A", letter, 0, enhanced, rest)


def setting(baud: int, characters: str, quiet_us: int) -> Setting:
    """7E1 as the standard has it, or 8N1 for lines and models that carry bytes."""
    if characters == "8N1":
        return Setting(baud, 8, "N", 1, quiet_us)
    return Setting(baud, 7, "E", 1, quiet_us)


def greet(
        opening: Opening, timeout_ms: int, asked: str,
) -> "Conversation[tuple[Identification, bytes]]":
    """Conversation: request and identification; also what was heard behind it.

    No reaction time is kept before a request: it answers nothing (6.4.2). Raises LineSilent,
    BadCheck, ForeignAnswer (another maker's meter answered).
    """
    if opening.wake_up:
        yield setting(300, "8N1", 0)
        yield Turn(bytes(WAKE_UP_MS * 30 // 1000), Never(), 0)
        yield setting(opening.baud, opening.characters, _WAKE_UP_PAUSE_US)
    else:
        # What was said before, on this line or by another protocol, has ended for everybody.
        quiet_us = silence_us(opening.baud, 10)
        yield setting(opening.baud, opening.characters, quiet_us)
    say = request_message(opening.address)
    hearing = IdentificationHearing(say)
    heard = yield from text_until(say, hearing, timeout_ms, 2 * IDENTIFICATION_MAX)
    if not heard:
        raise LineSilent("%s: sign-on at %d baud: silent for %d ms" % (
            asked, opening.baud, timeout_ms))
    start, end = hearing.place(heard)
    if not end:
        raise BadCheck("%s: sign-on at %d baud: %d bytes, but no identification: %s" % (
            asked, opening.baud, len(heard), printable(heard)))
    found = parse_identification(heard[start:end])
    if opening.makers and found.maker.upper() not in opening.makers:
        raise ForeignAnswer("%s: wanted a meter of %s, heard %s %s" % (
            asked, " or ".join(opening.makers), found.maker, found.text))
    return found, heard[end:]


def acknowledge(
        opening: Opening, found: Identification, protocol: str, mode: str, timeout_ms: int,
        asked: str,
) -> "Conversation[Message]":
    """Conversation: acknowledge what a meter of mode C offered, change the baud, hear its answer.

    The reaction time is ours as well as the meter's: it is the silence before what we answer.
    """
    say = acknowledgement(protocol, found.baud_letter, mode)
    yield setting(opening.baud, opening.characters, found.reaction_us())
    baud = baud_after(opening, found)
    if baud == opening.baud:
        return (yield from message(say, timeout_ms, asked, added=opening.added))
    early = yield Turn(say, Never(), 0)
    yield setting(baud, opening.characters, found.reaction_us())
    if early[:len(say)] == say:
        early = early[len(say):]
    if early and say[:len(early)] != early:  # A line without a baud: over TCP, a pty.
        return (yield from message(b"", timeout_ms, asked, early, added=opening.added))
    return (yield from message(b"", timeout_ms, asked, b"", say, opening.added))


def baud_after(opening: Opening, found: Identification) -> int:
    """The baud of what follows the identification (mode B) or its acknowledgement (mode C)."""
    return opening.baud if opening.fixed or not found.baud else found.baud


class IdentificationHearing(Hearing):
    """Hears up to the line end of an identification; our own request may stand before it."""

    def __init__(self, say: bytes = b"") -> None:
        self._say = say

    def __call__(self, heard: bytes | bytearray) -> bool:
        return self.place(heard)[1] > 0 or len(heard) >= 2 * IDENTIFICATION_MAX

    def place(self, heard: bytes | bytearray) -> tuple[int, int]:
        """Start and end of the identification; an end of 0 while there is none."""
        data = bytes(heard)
        after = len(self._say) if self._say and data[:len(self._say)] == self._say else 0
        start = data.find(b"/", after)
        end = data.find(b"\r\n", start) if start >= 0 else -1
        if end < 0 or (self._say and self._say[:len(data)] == data):
            return 0, 0
        start = data.rfind(b"/", 0, end)     # Noise may look like a beginning.
        return start, end + 2

