"""LTE by a modem at a UART: brought up, watched, and brought up again. In the place of Wi-Fi.

board.json: "lte": {"uart": 2, "tx": 17, "rx": 16, "baud": 115200, "apn": "internet", "pin": "1234",
"user": "", "key": ""}; uart and apn are needed. Nothing blocks: the modem is looked at with each
tick. Left out: what is said to it (dialling.py). MicroPython's network.PPP was not tried on
hardware: the virtual board has another in its place.
"""

import machine
import network

from wum_edge.ports.micropython import dialling

BAUD = 115200
PPP_MS = 30000               # Until it has an address.
LINE_MAX, LINES_MAX = 200, 16
_NEEDED = (("uart", int), ("apn", str))


class Lte:
    """As network.Network. `waits` is a reconnect.Reconnect: a town's modems come back together."""

    def __init__(self, setting, waits, log):
        self._setting, self._waits, self._log = setting, waits, log
        self._words, self._detail, self._was_up = "", "", False
        self._uart = self._talk = self._ppp = None
        self._due_ms = 0             # When what is waited for is over; None: nothing is tried.
        self._lines, self._line = [], b""
        for name, kind in _NEEDED:
            if not isinstance(setting.get(name), kind):
                self._due_ms = None
                self._tell("board.json: lte.%s is missing or wrong: set the board up again, "
                           "wum-firmware board" % name, "")
                return
        pins = {}
        for name in ("tx", "rx"):
            if name in setting:
                pins[name] = machine.Pin(setting[name])
        self._uart = machine.UART(setting["uart"], setting.get("baud", BAUD), rxbuf=2048, **pins)

    def is_up(self):
        """Whether there is a network."""
        return self._was_up

    def name_servers(self):
        """See Network."""
        given = self._ppp.ifconfig()[3] if self._was_up else ""
        return [given] if given and given != "0.0.0.0" else []

    def words(self):
        """Why there is none, for a person."""
        return "no LTE: %s%s" % (self._words, self._detail and " (%s)" % self._detail)

    def tick(self, now_ms):
        """Do what is due. Never blocks."""
        if self._ppp is not None:
            self._watch(now_ms)
        elif self._talk is not None:
            self._listen(now_ms)
        elif self._due_ms is not None and now_ms >= self._due_ms:
            self._talk = dialling.dialogue(
                self._setting["apn"], self._setting.get("pin"), self._tell)
            self._go_on(None, now_ms)

    def _go_on(self, lines, now_ms):
        """Hand over what came, and say what is next."""
        self._lines, self._line = [], b""
        try:
            said, patience_ms = self._talk.send(lines)
        except StopIteration:
            self._talk = None
            self._link(now_ms)
            return
        except dialling.NoLink as error:
            self._talk = None
            self._give_up(str(error), now_ms, error.is_final)
            return
        self._due_ms = now_ms + patience_ms
        if said:
            self._uart.read()            # What was said unasked is of no answer.
            self._uart.write(said if said == dialling.ESCAPE else said + "\r")

    def _listen(self, now_ms):
        for octet in (self._uart.read() or b"") if self._uart.any() else b"":
            if octet != 10 and octet != 13:
                self._line += bytes([octet]) if len(self._line) < LINE_MAX else b""
                continue
            line, self._line = _text(self._line).strip(), b""
            if line:
                self._lines = self._lines[1 - LINES_MAX:] + [line]
            if dialling.is_final(line):
                self._go_on(self._lines, now_ms)
                return
        if now_ms >= self._due_ms:
            self._go_on([], now_ms)

    def _link(self, now_ms):
        one = self._setting
        self._tell("waiting for an address", "")
        self._due_ms = now_ms + PPP_MS
        try:
            self._ppp = network.PPP(self._uart)
            if one.get("user"):
                self._ppp.connect(security=self._ppp.SEC_CHAP, user=one["user"],
                                  key=one.get("key", ""))
            else:
                self._ppp.connect()
        except (AttributeError, OSError, TypeError, ValueError) as error:
            self._ppp = None
            self._give_up("this firmware has no PPP that we know (%s)" % error, now_ms)

    def _watch(self, now_ms):
        if self._ppp.isconnected():
            if not self._was_up:
                self._was_up = True
                self._waits.connected()
                self._words = self._detail = ""
                self._log.say("LTE: connected, as %s" % self._ppp.ifconfig()[0])
        elif self._was_up or now_ms >= self._due_ms:
            why = "the connection is lost" if self._was_up else (
                "it got no address within %d s: is the APN %s the contract's, with its user and "
                "key?" % (PPP_MS // 1000, self._setting["apn"]))
            self._was_up = False
            try:
                self._ppp.disconnect()
            except OSError as error:
                why = "%s; %s" % (why, error)
            self._ppp = None
            self._give_up(why, now_ms)

    def _give_up(self, words, now_ms, is_final=False):
        wait_ms = self._waits.wait_ms()
        self._due_ms = None if is_final else now_ms + wait_ms
        self._tell(words, "" if is_final else "trying again in %d s" % (wait_ms // 1000))

    def _tell(self, words, detail):
        """What changes with each look alone is not said again on the console."""
        is_new = words != self._words
        self._words, self._detail = words, detail
        if is_new:
            self._log.warn(self.words())


def _text(raw):
    return "".join([chr(octet) for octet in raw if 32 <= octet < 127])
