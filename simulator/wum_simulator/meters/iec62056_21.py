"""Meters that speak IEC 62056-21, modes A to C, written from the standard's text alone.

A meter is called by its device address, says its identification, and gives its readout or enters
programming mode, with P0/P1, R1/R5, R6 in partial blocks, W1, the load profile P.01 and the break
B0. Left out: the pace of the wire and how long a meter thinks (bus.py), and all codecs of the
gateway. A meter that changes its baud keeps the reaction time whatever the line's pace is.
IEC 62056-21:2002, 6.3 and 6.4.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from wum_simulator.meters.iec62056_21_data import Answers
from wum_simulator.meters.server import Refusal, Request, Said, Server
from wum_simulator.town import Meter

SIGN_ON_BAUD = 300
REACTION_S = 0.2             # 6.4.3: the least.
ASLEEP_AFTER_S = 60          # A meter that hears nothing for so long begins again at its sign-on.
BITS_PER_CHARACTER = 10
LINE_MAX = 256               # Characters of a command that a meter keeps.
SOH, STX, ETX, EOT, ACK, NAK = b"\x01", b"\x02", b"\x03", b"\x04", b"\x06", b"\x15"
BLOCK_LINES = 4              # Of one partial block.
BAUDS = {300: "0", 600: "1", 1200: "2", 2400: "3", 4800: "4", 9600: "5", 19200: "6"}
PASSWORD = "00000000"        # Of every meter of the town: it is a toy's.
WRONG_MAX = 3                # Passwords of a model that then lets nobody write ...
LOCKED_S = 6 * 3600          # ... for six hours (MASS, 138; CE308 has the same).


def with_bcc(message: bytes, added: bool = False) -> bytes:
    """A message from SOH or STX to ETX, and the exclusive or of what follows its first; of meters
    whose entry says so their sum.
    """
    if added:
        return message + bytes((sum(message[1:]) & 0x7F,))
    check = 0
    for character in message[1:]:
        check ^= character
    return message + bytes((check,))


@dataclass(slots=True)
class _Session:
    """Where one meter is in its conversation. `baud` is what it hears at and says at."""

    baud: int
    state: str = "asleep"        # asleep, identified, programming, open.
    heard_at_s: int = 0
    buffer: bytearray = field(default_factory=bytearray)
    blocks: list[bytes] = field(default_factory=list)    # Of an answer; the first was said.
    wrong: int = 0               # Passwords, one after the other.
    locked_at_s: int | None = None


class Iec62056Server(Server):
    """The meters of one line. A byte at another baud than a meter's own is noise to it.

    The line's baud is told by `hear_at`; with `hear` it is not known and never wrong.
    `said_baud` is that of the latest answer.
    """

    protocols = ("iec62056-21",)
    changes_baud = True

    def __init__(
            self, meters: list[Meter], now_s: Callable[[], int], refusal: Refusal,
            said: Said) -> None:
        self._now_s = now_s
        self._refusal = refusal
        self._said = said
        self.said_baud = 0
        self._meters = [(meter, Answers(meter), _Session(_sign_on_baud(meter)))
                        for meter in meters]

    def hear(self, data: bytes) -> None:
        """Bytes from the wire at whatever baud it has."""
        self.hear_at(data, 0)

    def hear_at(self, data: bytes, baud: int) -> None:
        """Bytes said at `baud`; 0: nobody knows, and every meter understands them."""
        now = self._now_s()
        for meter, answers, session in self._meters:
            if now - session.heard_at_s > ASLEEP_AFTER_S:
                self._sleep(meter, session)
            session.heard_at_s = now
            if baud and baud != session.baud:
                session.buffer.clear()
                continue
            for character in data:
                session.buffer.append(character & 0x7F)   # Bit 7 is the parity's.
                if len(session.buffer) > LINE_MAX:
                    session.buffer.clear()
                self._look(meter, answers, session)

    def forget(self) -> None:
        """A pause of 50 ms is none here: 6.4.3 grants 1500 ms between two characters."""

    def spoilt(self, answer: bytes) -> bytes:
        """Its last byte is the BCC; it stays a character of seven bits."""
        return answer[:-1] + bytes((answer[-1] ^ 0x55,)) if answer else answer

    def _look(self, meter: Meter, answers: Answers, session: _Session) -> None:
        """Whether what this meter has heard is a whole message for it."""
        heard = bytes(session.buffer)
        if session.state in ("asleep", "identified") and heard.endswith(b"\r\n"):
            session.buffer.clear()
            if b"/?" in heard:
                self._called(meter, answers, session, heard[heard.rindex(b"/?"):])
            elif ACK in heard and session.state == "identified":
                self._acknowledged(meter, answers, session, heard[heard.rindex(ACK):])
        elif session.blocks and heard in (ACK, NAK):
            session.buffer.clear()
            self._next_block(meter, session, heard)
        elif session.state in ("programming", "open"):
            start = heard.rfind(SOH)
            if start >= 0 and len(heard) > 1 and heard[-2:-1] == ETX:
                session.buffer.clear()
                self._commanded(meter, answers, session, heard[start:])

    def _called(self, meter: Meter, answers: Answers, session: _Session, line: bytes) -> None:
        """A request: `/?` address `!` CR LF. Leading zeros count for nothing (6.3.1)."""
        address = line[2:-3].decode("ascii", "replace").lstrip("0")
        mine = address in ("", str(meter.address)) and line.endswith(b"!\r\n")
        session.state = "identified" if mine else "asleep"
        if mine:
            letter = BAUDS.get(_working_baud(meter), "0")
            self._say(meter, session, f"/{answers.maker}{letter}{answers.type}\r\n".encode(),
                      "sign-on")

    def _acknowledged(
            self, meter: Meter, answers: Answers, session: _Session, line: bytes) -> None:
        """ACK V Z Y CR LF (6.3.3): the baud that was offered, readout or programming."""
        letter, mode = line[2:3].decode("ascii", "replace"), line[3:4]
        working = _working_baud(meter)
        if letter == BAUDS.get(working, "0") and working != session.baud:
            self.reaction_s = REACTION_S
            self.asked_s = len(line) * BITS_PER_CHARACTER / session.baud
            session.baud = working
        if mode == b"1":
            session.state = "programming"
            # MASS prints ACK for P0 (2.1.1.1).
            operand = ACK if answers.family == "mass" else with_bcc(
                SOH + b"P0" + STX + b"(00000000)" + ETX, answers.added)
            self._say(meter, session, operand, "P0")
            return
        request = Request(meter.address, 0, 0, 0, self._now_s(), "readout")
        block = answers.readout(request.at_s).encode() + b"!\r\n"
        self._say(meter, session, with_bcc(STX + block + ETX, answers.added), "readout", request)
        self._sleep(meter, session)

    def _commanded(
            self, meter: Meter, answers: Answers, session: _Session, message: bytes) -> None:
        """SOH, command, perhaps STX and data, ETX, BCC (6.3.4)."""
        command = message[1:3].decode("ascii", "replace")
        if with_bcc(message[:-1], answers.added) != message:
            self._say(meter, session, NAK, "bad check")
            return
        if command == "B0":
            if answers.ends_answered:
                self._say(meter, session, ACK if answers.family == "mass" else message, "break")
            self._sleep(meter, session)
            return
        text = message[4:-2].decode("ascii", "replace")
        session.blocks = []
        request = Request(meter.address, 0, 0, 0, self._now_s(), f"{command} {text}")
        self._say(meter, session, self._result(answers, session, command, text, request),
                  command, request)

    def _next_block(self, meter: Meter, session: _Session, asked: bytes) -> None:
        """The next of the partial blocks, or after NAK the latest again (6.4.5)."""
        if asked == ACK:
            del session.blocks[0]
        if session.blocks:
            self._say(meter, session, session.blocks[0], "partial block")

    def _result(self, answers: Answers, session: _Session, command: str, text: str,
                request: Request) -> bytes:
        code = self._refusal(request)
        if code is not None:
            return with_bcc(STX + f"(ER{code:02d})".encode() + ETX, answers.added)
        if command == "P1":
            return self._password(answers, session, text)
        if command in ("R1", "R2", "R5"):
            return with_bcc(STX + answers.register(text, request.at_s).encode() + ETX,
                            answers.added)
        if command == "R6":
            session.blocks = partial_blocks(answers.register(text, request.at_s))
            return session.blocks[0]
        if command in ("W1", "W2", "W5") and session.state == "open":
            return ACK if answers.write(text, request.at_s) else with_bcc(
                STX + b"(ER02)" + ETX, answers.added)
        return with_bcc(STX + b"(ER03)" + ETX, answers.added)

    def _password(self, answers: Answers, session: _Session, text: str) -> bytes:
        """Wrong ones are answered by a break, NAK or an error message, as the family has it."""
        now = self._now_s()
        locked = session.locked_at_s is not None and now - session.locked_at_s < LOCKED_S
        if text == f"({PASSWORD})" and not locked:
            session.wrong, session.state = 0, "open"
            return ACK
        session.wrong += 1
        if session.wrong >= WRONG_MAX and not locked:
            session.locked_at_s = now
        session.state = "programming"
        if answers.family == "mass":
            return NAK
        refusal = SOH + b"B0" if answers.family else STX + b"(ER05)"
        return with_bcc(refusal + ETX, answers.added)

    def _say(self, meter: Meter, session: _Session, answer: bytes, what: str,
             request: Request | None = None) -> None:
        self.said_baud = session.baud
        self._said(answer, meter.address,
                   request or Request(meter.address, 0, 0, 0, self._now_s(), what))
        self.reaction_s = self.asked_s = 0.0

    def _sleep(self, meter: Meter, session: _Session) -> None:
        session.state = "asleep"
        session.blocks = []
        session.baud = _sign_on_baud(meter)
        session.buffer.clear()


def partial_blocks(text: str) -> list[bytes]:
    """An answer as messages of a few whole lines each; all but the last end with EOT."""
    lines = text.splitlines(keepends=True)
    pieces = ["".join(lines[at:at + BLOCK_LINES]).encode()
              for at in range(0, len(lines), BLOCK_LINES)]
    return [with_bcc(STX + piece + (ETX if place + 1 == len(pieces) else EOT))
            for place, piece in enumerate(pieces)]


def _sign_on_baud(meter: Meter) -> int:
    return int(meter.kind.own.get("sign_on", {}).get("baud", SIGN_ON_BAUD))


def _working_baud(meter: Meter) -> int:
    """Those that sign on at 300 baud offer 9600; those of a fixed baud stay there."""
    baud = _sign_on_baud(meter)
    return 9600 if baud == SIGN_ON_BAUD else baud
