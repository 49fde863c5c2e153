"""A RUI3 modem (RAK3172 and its kin) driven over its serial port. No I/O, no clock.

Bytes go in by `received`, out by `to_write`; what happened comes out of `take_events`, what a
person should know out of `take_news`. Left out: words (rui3_words.py), the tty (ports/linux).

The sync word is set once: the modem writes it to its flash, which would not bear one for every
burst. So all words of the mesh are one here, in the whole network (docs/mesh-ports.md).
"""

from collections import namedtuple

from wum_edge.mesh.airtime import Modulation, airtime_us
from wum_edge.modem import rui3_words as words

# States.
ABSENT, SETTING_UP, READY, TUNING, SENDING, SILENT, REFUSING = 0, 1, 2, 3, 4, 5, 6
NAMES = ("absent", "being set up", "ready", "being tuned", "sending", "silent", "refusing")
# What happens.
OPENED, GONE, ANSWERED, TUNE, SEND, SENT, NO_ANSWER, REFUSED, RESTARTED, AGAIN = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
NEXT = {
    ABSENT: {OPENED: SETTING_UP, GONE: ABSENT},
    SETTING_UP: {ANSWERED: READY, NO_ANSWER: SILENT, REFUSED: REFUSING, RESTARTED: SETTING_UP,
                 GONE: ABSENT},
    READY: {SEND: SENDING, TUNE: TUNING, RESTARTED: SETTING_UP, GONE: ABSENT},
    TUNING: {ANSWERED: READY, NO_ANSWER: SILENT, REFUSED: SETTING_UP, RESTARTED: SETTING_UP,
             GONE: ABSENT},
    SENDING: {SENT: READY, NO_ANSWER: SILENT, RESTARTED: SETTING_UP, GONE: ABSENT},
    SILENT: {AGAIN: SETTING_UP, RESTARTED: SETTING_UP, GONE: ABSENT},
    REFUSING: {AGAIN: SETTING_UP, RESTARTED: SETTING_UP, GONE: ABSENT},
}
ANSWER_US = 1_000_000        # A command is answered within some ms; flash may take some hundred.
RESTART_US = 6_000_000       # AT+NWM lets the modem start anew.
LATE_US = 1_500_000          # Beyond airtime and serial line, for a frame to be out.
AGAIN_US = 5_000_000         # Between tries with one that is silent or refuses.
TRIES = 3                    # Of a command without an answer.
BUSY_MAX = 20                # Frames in a row that it did not send: then it is set up anew.
LINE_MAX = 640               # A frame of 255 bytes takes 530 characters; what is longer is garbage.
_SNR_Q4 = 4                  # Quarters of a dB.


class Radio(namedtuple("Radio", (
        "frequency_hz", "power_dbm", "ways", "sync_word", "looks_first"))):
    """What the modem is to be. `ways`: modulations by rate, radio only; `looks_first`: every frame
    is preceded by channel activity detection, some 30 ms.
    """

    __slots__ = ()
    frequency_hz: int
    power_dbm: int
    ways: list[Modulation]
    sync_word: int
    looks_first: bool


class Rui3:
    """One modem. All times are microseconds of one clock that runs forward."""

    def __init__(self, radio: Radio, baud: int = 115_200) -> None:
        self.state = ABSENT
        self.version = ""
        self.counts: dict[str, int] = {}
        self._radio, self._byte_us = radio, 10_000_000 // baud
        self._out: list[str] = []
        self._events: list[tuple[object, ...]] = []
        self._news: list[tuple[bool, str]] = []
        self._line = bytearray()
        self._commands: list[str] = []   # The first of them is being answered.
        self._tries = self._busy = 0
        self._due_us: int | None = None
        self._rate = self._wanted_rate = 0
        self._is_named = False           # Bandwidths as old releases want them.
        self._frame: tuple[bytes, int, int] | None = None    # Frame, rate, token.

    # What others see.

    def to_write(self) -> bytes:
        """Bytes for the serial port; they are told once."""
        taken, self._out = self._out, []
        return "".join([line + "\r\n" for line in taken]).encode()

    def take_events(self) -> list[tuple[object, ...]]:
        """("rx", frame, rssi_dbm, snr_q4, rate) and ("sent", token, airtime_us), told once."""
        taken, self._events = self._events, []
        return taken

    def take_news(self) -> list[tuple[bool, str]]:
        """(whether somebody may have to act, sentence), told once."""
        taken, self._news = self._news, []
        return taken

    def deadline_us(self) -> int | None:
        return self._due_us

    def frame_extra_us(self) -> int:
        """What a full frame takes on the serial line besides its airtime."""
        return 2 * 255 * self._byte_us + (35_000 if self._radio.looks_first else 5_000)

    # What is wanted.

    def opened(self, t_us: int) -> None:
        """The device is there."""
        self._move(OPENED)
        self._line = bytearray()
        self._set_up(t_us)

    def lost(self, why: str) -> None:
        """The device is gone. What was being sent may have been."""
        if self.state != ABSENT:
            self._say(True, "gone: %s; it is looked for, and used again when it is back" % why)
        self._move(GONE)
        self._due_us = None
        self._commands = []
        self._give_up_frame()

    def listen(self, t_us: int, rate: int) -> None:
        """Hear this rate from now on."""
        self._wanted_rate = rate
        self._go_on(t_us)

    def send(self, t_us: int, frame: bytes, rate: int, token: int) -> None:
        """Send; ("sent", token, 0) follows at once when it cannot."""
        if self._frame is not None or self.state not in (READY, TUNING):
            self._count("not sent: " + NAMES[self.state])
            self._events.append(("sent", token, 0))
            return
        self._frame = (frame, rate, token)
        self._go_on(t_us)

    # What comes in.

    def received(self, t_us: int, data: bytes) -> None:
        """Bytes of the serial port, as they come."""
        for byte in data:
            if byte == 10:
                line, self._line = self._line, bytearray()
                self._take_line(t_us, line)
            elif len(self._line) <= LINE_MAX:
                self._line.append(byte)

    def tick(self, t_us: int) -> None:
        """Time has passed: to be called at `deadline_us` or soon after it."""
        if self._due_us is None or t_us < self._due_us:
            return
        self._due_us = None
        if self.state in (SILENT, REFUSING):
            self._move(AGAIN)
            self._set_up(t_us)
        elif self._commands and self._tries < TRIES:
            self._count("no answer")
            self._ask(t_us)
        elif self.state in (SETTING_UP, TUNING, SENDING):
            what = self._commands[0][:24] if self._commands else "a frame"
            self._say(True, "silent: no answer to %s; it is set up anew every %d s. Is it powered, "
                            "and is its baud right?" % (what, AGAIN_US // 1_000_000))
            self._move(NO_ANSWER)
            self._commands = []
            self._due_us = t_us + AGAIN_US
            self._give_up_frame()

    # Inside.

    def _move(self, what: int) -> None:
        """A pair that the table does not list is a mistake of ours."""
        self.state = NEXT[self.state][what]

    def _set_up(self, t_us: int) -> None:
        radio = self._radio
        self._rate = self._wanted_rate
        self._busy = 0
        self._begin(t_us, [
            "AT", "AT+VER=?", "AT+NWM=?", words.hear(words.HEAR_NOTHING), self._p2p(self._rate),
            "AT+SYNCWORD=?", "AT+ENCRY=0", "AT+IQINVER=0", "AT+CAD=%d" % radio.looks_first,
            words.hear(words.HEAR_AND_SEND)])

    def _p2p(self, rate: int) -> str:
        radio = self._radio
        return words.p2p(radio.frequency_hz, radio.ways[rate], radio.power_dbm, self._is_named)

    def _begin(self, t_us: int, commands: list[str]) -> None:
        self._commands, self._tries = commands, 0
        self._ask(t_us)

    def _ask(self, t_us: int) -> None:
        """Say the first command, for the first time or once more."""
        self._tries += 1
        command = self._commands[0]
        self._out.append(command)
        wait_us = RESTART_US if command == "AT+NWM=0" else ANSWER_US
        self._due_us = t_us + wait_us + len(command) * self._byte_us

    def _take_line(self, t_us: int, raw: bytearray) -> None:
        text = _text(raw)
        if not text or self._commands and text == self._commands[0]:
            return               # An empty line, or the echo of what was said.
        line = words.line_of(text)
        if line.kind == words.HEARD:
            self._events.append(("rx", line.frame, line.rssi_dbm, line.snr_db * _SNR_Q4,
                                 self._rate))
        elif line.kind == words.RESTARTED:
            self._restarted(t_us)
        elif line.kind == words.VALUE:
            self._value(line.text)
        elif line.kind == words.SENT:
            if self.state == SENDING:
                self._sent(t_us, True)
        elif line.kind in (words.OK, words.ERROR):
            self._answered(t_us, line)
        else:
            self._count("garbage")
            if self.counts["garbage"] == 1:
                self._say(True, "sent what is no line of its manual (%d characters): noise on the "
                                "serial line, or another baud?" % len(text))

    def _value(self, text: str) -> None:
        """The answer to a question; OK follows. What nobody asked for says nothing."""
        if self._commands[:1] != [text[:text.find("=") + 1] + "?"]:
            self._count("unasked")
            return
        if text.startswith("AT+VER="):
            self.version = text[7:40]
        elif text.startswith("AT+NWM=") and text != "AT+NWM=0" and "AT+NWM=0" not in (
                self._commands):
            # To LoRa P2P; the modem starts anew with it, and is set up from the beginning.
            self._commands.insert(1, "AT+NWM=0")
        elif text.startswith("AT+SYNCWORD="):
            wanted = "%04X" % self._radio.sync_word
            if text[12:].upper() != wanted:      # Only then: it goes to the modem's flash.
                self._commands.insert(1, "AT+SYNCWORD=" + wanted)

    def _answered(self, t_us: int, line: words.Line) -> None:
        if self.state == SENDING and (line.kind == words.ERROR):
            self._not_sent(t_us, line.text)
        elif self.state == SENDING or not self._commands:
            return
        elif line.kind == words.ERROR:
            self._refused(t_us, line.text)
        else:
            command = self._commands.pop(0)
            self._tries = 0
            if command == "AT+NWM=0":
                self._commands = []
                self._set_up(t_us)
            elif self._commands:
                self._ask(t_us)
            else:
                self._finished(t_us)

    def _finished(self, t_us: int) -> None:
        self._due_us = None
        if self.state == SETTING_UP:
            way = self._radio.ways[self._rate]
            self._say(False, "ready: %s, %d Hz, SF%d, %d dBm" % (
                self.version or "version unknown", self._radio.frequency_hz,
                way.spreading_factor, self._radio.power_dbm))
        self._move(ANSWERED)
        self._go_on(t_us)

    def _refused(self, t_us: int, error: str) -> None:
        """A command of the set-up or of tuning."""
        command = self._commands[0]
        if command.startswith("AT+P2P=") and not self._is_named and error != words.BUSY:
            self._is_named = True
            self._commands[0] = self._p2p(self._rate)
            self._ask(t_us)
            return
        if command.startswith("AT+CAD=0") or command.startswith("AT+ENCRY=0"):
            self._commands.pop(0)        # Releases that lack it do not do it either.
            self._tries = 0
            self._ask(t_us)
            return
        self._commands = []
        self._move(REFUSED)
        if self.state == SETTING_UP:     # From tuning: begin from the beginning.
            self._set_up(t_us)
            return
        self._due_us = t_us + AGAIN_US
        self._say(True, "refuses %s: %s; tried again every %d s. Is its firmware RUI3 4.0.6 or "
                        "later?" % (command, error, AGAIN_US // 1_000_000))

    def _restarted(self, t_us: int) -> None:
        """It started anew, by our wish (AT+NWM) or not: the banner has several such lines."""
        if self.state in (ABSENT, SETTING_UP) and self._commands[:1] != ["AT+NWM=0"]:
            return
        if self.state != SETTING_UP:
            self._count("restarts")
            self._say(True, "has started anew by itself; it is set up again. A supply that is too "
                            "weak for sending does that")
        self._move(RESTARTED)
        self._give_up_frame()
        self._set_up(t_us)

    def _go_on(self, t_us: int) -> None:
        """Tune, or send what waits, if the modem is at rest."""
        if self.state != READY:
            return
        rate = self._frame[1] if self._frame is not None else self._wanted_rate
        if rate != self._rate:
            self._move(TUNE)
            self._rate = rate
            self._begin(t_us, [words.hear(words.HEAR_NOTHING), self._p2p(rate),
                               words.hear(words.HEAR_AND_SEND)])
        elif self._frame is not None:
            frame = self._frame[0]
            self._move(SEND)
            self._out.append(words.send(frame))
            self._due_us = t_us + LATE_US + self._airtime_us() + 2 * len(frame) * self._byte_us

    def _airtime_us(self) -> int:
        assert self._frame is not None
        return airtime_us(self._radio.ways[self._frame[1]], len(self._frame[0]))

    def _sent(self, t_us: int, is_out: bool) -> None:
        assert self._frame is not None
        self._events.append(("sent", self._frame[2], self._airtime_us() if is_out else 0))
        self._frame, self._due_us = None, None
        self._busy = 0 if is_out else self._busy + 1
        self._move(SENT)
        self._go_on(t_us)

    def _not_sent(self, t_us: int, error: str) -> None:
        """Busy: somebody is on the channel. Anything else of this kind is counted the same."""
        self._count(error)
        self._sent(t_us, False)
        if self._busy >= BUSY_MAX:
            self._say(True, "did not send %d frames in a row (%s); it is set up anew" % (
                self._busy, error))
            self._move(RESTARTED)
            self._set_up(t_us)

    def _give_up_frame(self) -> None:
        """Nobody knows whether it went out: for the law it did."""
        if self._frame is not None:
            self._events.append(("sent", self._frame[2], self._airtime_us()))
            self._frame = None

    def _say(self, is_warning: bool, sentence: str) -> None:
        self._news.append((is_warning, "modem " + sentence))

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def _text(raw: bytearray) -> str:
    """A line without its end; what is no ASCII shows as a mark that no line of the manual has."""
    return "".join([chr(byte) if 32 <= byte < 127 else "\x00" for byte in raw
                    if byte != 13]).strip(" ")
