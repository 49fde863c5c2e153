"""Programming mode: password, single registers read and written, partial blocks, the break.

Left out: the words of load profiles (profile.py) and which register a model has where (reader.py).
IEC 62056-21:2002, 6.3.4 to 6.3.6 (commands P, W, R, E, B; partial blocks), 6.5 (error message).
"""

from collections import namedtuple

from wum_edge.errors import BadCheck, LineSilent, Refused
from wum_edge.meters.iec62056_21.dataset import parse_block
from wum_edge.meters.iec62056_21.exchange import Never, message
from wum_edge.meters.iec62056_21.frame import (
    BLOCK_MAX,
    MessageHearing,
    command_message,
    printable,
)
from wum_edge.meters.iec62056_21.signon import NORMAL, PROGRAMMING, acknowledge, greet
from wum_edge.meters.turn import Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.frame import Message
    from wum_edge.meters.iec62056_21.signon import Identification, Opening
    from wum_edge.meters.reader import Conversation

REPEATS_MAX = 2              # Times that a damaged answer is asked for again (NAK).
BLOCKS_MAX = 512             # Partial blocks of one answer.
_ACK, _NAK = b"\x06", b"\x15"
_NO_CODE = 0


class Password(namedtuple("Password", ("level", "text"))):
    """What opens programming mode: P1 or P2 and its text; a `level` of 0 where none is asked."""

    __slots__ = ()
    level: int
    text: str


NO_PASSWORD = Password(0, "")
WRONG_PASSWORD = "wrong password"    # The word of a Refused that the password brought.


def open_programming(
        opening: "Opening", password: Password, timeout_ms: int, asked: str,
) -> "Conversation[Identification]":
    """Conversation: sign on, choose programming mode, give the password.

    Raises LineSilent, BadCheck, ForeignAnswer; Refused where the meter offers no programming mode
    or (with the word WRONG_PASSWORD) does not take the password, which is not in any text.
    """
    found, _ = yield from greet(opening, timeout_ms, asked)
    if found.mode != "C":
        raise Refused("%s: %s speaks mode %s and has no programming mode" % (
            asked, found.maker, found.mode), _NO_CODE)
    operand = yield from acknowledge(opening, found, NORMAL, PROGRAMMING, timeout_ms, asked)
    _check_refusal(operand, asked)
    # The MASS of Turkey has meters that say ACK where the standard has P0.
    if operand.command not in (b"P0", _ACK):
        raise BadCheck("%s: wanted P0 of programming mode, got %s %s" % (
            asked, printable(operand.command), printable(operand.body)))
    if password.level:
        body = b"(" + password.text.encode() + b")"
        say = command_message(("P%d" % password.level).encode(), body, opening.added)
        try:
            yield from _confirmed(say, timeout_ms, "%s: password P%d" % (asked, password.level),
                                  opening.added)
        except Refused as error:
            refused = Refused(str(error), error.code, WRONG_PASSWORD)
        else:
            return found
        raise refused
    return found


def ask(
        command: bytes, body: bytes, timeout_ms: int, asked: str, added: bool = False,
) -> "Conversation[bytes]":
    """Conversation: what a read command (R1, R2, R5, R6 ...) brings, all its partial blocks.

    A damaged block is asked for again. Raises LineSilent, BadCheck, Refused.
    """
    say = command_message(command, body, added)
    found = b""
    for _ in range(BLOCKS_MAX):
        block = yield from _repeated(say, timeout_ms, asked, added)
        _check_refusal(block, asked)
        if block.command:
            raise BadCheck("%s: wanted data, got %s" % (asked, printable(block.command)))
        found += block.body
        if block.is_last:
            return found
        if len(found) > BLOCK_MAX:
            break
        say = _ACK
    raise BadCheck("%s: partial blocks without end" % asked)


def write(
        command: bytes, body: bytes, timeout_ms: int, asked: str, added: bool = False,
) -> "Conversation[None]":
    """Conversation: a write or execute command (W1, W2, W5, E2 ...), acknowledged by the meter.

    Never repeated by itself: a command whose acknowledgement was lost may have been done.
    Raises LineSilent, BadCheck, Refused.
    """
    yield from _confirmed(command_message(command, body, added), timeout_ms, asked, added)


def leave(added: bool = False, answer_ms: int = 0) -> "Conversation[None]":
    """Conversation: the break, B0, by which the meter is free at once. By the standard it is not
    answered; a model that does is heard out, so that it talks into nobody else's turn.
    """
    say = command_message(b"B0", None, added)
    if not answer_ms:
        yield Turn(say, Never(), 0)
        return
    yield Turn(say, MessageHearing(say), answer_ms)


def _confirmed(
        say: bytes, timeout_ms: int, asked: str, added: bool) -> "Conversation[None]":
    heard = yield from message(say, timeout_ms, asked, added=added)
    _check_refusal(heard, asked)
    if heard.command != _ACK:
        raise BadCheck("%s: wanted ACK, got %s %s" % (
            asked, printable(heard.command), printable(heard.body)))


def _repeated(
        say: bytes, timeout_ms: int, asked: str, added: bool) -> "Conversation[Message]":
    """One block; a damaged one is asked for again by NAK, as 6.3.6 has it."""
    left = REPEATS_MAX
    while True:
        try:
            block = yield from message(say, timeout_ms, asked, added=added)
            if block.body and block.body[-1:] not in (b")", b"\n"):
                raise BadCheck("%s: a block that ends inside of a data set: %s" % (
                    asked, printable(block.body[-16:])))
            return block
        except LineSilent:
            raise
        except BadCheck:
            if not left:
                raise
        left -= 1
        say = _NAK


def _check_refusal(heard: "Message", asked: str) -> None:
    """Raise Refused for NAK, a break, and an error message in brackets (6.5)."""
    if heard.command == _NAK:
        raise Refused("%s: NAK" % asked, _NO_CODE)
    if heard.command[:1] == b"B":
        raise Refused("%s: the meter broke off (%s)" % (asked, heard.command.decode()), _NO_CODE)
    if heard.command or len(heard.body) > 64:
        return
    text = error_of(heard.body)
    if text:
        raise Refused("%s: error message %s" % (asked, text), _number_in(text), text)


def error_of(body: bytes) -> str:
    """The text of an error message, `(ER01)`, `(ERROR)` or `(?!)`; empty when `body` is none."""
    sets = parse_block(body) if body[-1:] == b")" else []
    if len(sets) == 1 and len(sets[0].values) == 1:
        text = sets[0].values[0].text
        if text[:2].upper() == "ER" or text == "?!":
            return text
    return ""


def _number_in(text: str) -> int:
    digits = "".join([c for c in text if "0" <= c <= "9"])
    return int(digits[:4]) if digits else _NO_CODE
