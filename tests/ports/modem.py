"""A modem at a pty that speaks as SIMCom's SIM7600 does, with what is wrong with it at will.

Its answers are laid out as its command manual has them: an empty line before each, an echo until
ATE0. In data it takes commands no more, until the three pluses or the end of the call.
"""

import os
import select
import threading

from tests.ports.wire import Pty


class Modem:
    """`said` is every command that came."""

    def __init__(self) -> None:
        self.pty = Pty()
        self.said: list[str] = []
        self.is_on = self.has_sim = True
        self.pin, self.tries, self.is_locked = "", 3, False
        self.state, self.signal = 1, 20          # Of AT+CEREG; of AT+CSQ.
        self.dials, self.gives_address = "CONNECT 115200", True
        self.in_data = False
        self._echoes, self._line = True, b""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Modem":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self.pty.close()

    def hang_up(self) -> None:
        """The network ends the call."""
        self.in_data = False
        self._say("NO CARRIER")

    def _run(self) -> None:
        while not self._is_over.is_set():
            if not select.select([self.pty.master], [], [], 0.05)[0]:
                continue
            for octet in os.read(self.pty.master, 1024):
                if self.is_on:
                    self._take(bytes([octet]))

    def _take(self, octet: bytes) -> None:
        if self.in_data:
            self._line = (self._line + octet)[-3:]
            if octet == b"~" and self.gives_address:
                os.write(self.pty.master, b"~")
            elif self._line == b"+++":
                self.in_data, self._line = False, b""
                self._say("OK")
        elif octet == b"\r":
            command, self._line = self._line.decode("ascii", "replace"), b""
            if self._echoes:
                os.write(self.pty.master, command.encode() + b"\r")
            self.said.append(command)
            for answer in self._answers(command):
                self._say(answer)
        else:
            self._line += octet

    def _say(self, line: str) -> None:
        os.write(self.pty.master, b"\r\n" + line.encode() + b"\r\n")

    def _answers(self, command: str) -> list[str]:
        if command == "ATE0":
            self._echoes = False
        elif command == "AT+CPIN?":
            if not self.has_sim:
                return ["+CME ERROR: 10"]
            return ["+CPIN: " + ("SIM PUK" if self.is_locked else "SIM PIN" if self.pin
                                 else "READY"), "OK"]
        elif command == "AT+SPIC":
            return ["+SPIC: %d,10,3,10" % self.tries, "OK"]
        elif command.startswith("AT+CPIN="):
            if command != 'AT+CPIN="%s"' % self.pin:
                self.tries -= 1
                self.is_locked = not self.tries
                return ["+CME ERROR: 16"]
            self.pin = ""
            return ["OK", "SMS DONE", "PB DONE"]     # What it says unasked.
        elif command == "AT+CSQ":
            return ["+CSQ: %d,99" % self.signal, "OK"]
        elif command in ("AT+CEREG?", "AT+CGREG?"):
            return ["%s: 0,%d" % (command[2:-1], self.state), "OK"]
        elif command.startswith("ATD"):
            self.in_data = self.dials.startswith("CONNECT")
            return [self.dials]
        elif command.split("=")[0] not in ("AT", "ATH", "AT+CMEE", "AT+CGDCONT", "AT+CFUN"):
            return ["ERROR"]
        return ["OK"]
