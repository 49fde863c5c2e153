"""What is typed at a board's serial console, line by line; nobody is ever waited for.

The console is where MicroPython has its own (USB or UART 0), or the UART that board.json names:
"console": {"uart": 2, "baud": 115200}. A line that is too long is cut.
"""

import select
import sys

import machine

LINE_MAX = 256
_TAKEN_MAX = 512             # Characters of one turn.


class Keyboard:
    """`setting`: what board.json has as "console"; None for MicroPython's own."""

    def __init__(self, setting):
        self._line, self._before = "", ""
        self._uart = self._poll = None
        if setting:
            self._uart = machine.UART(setting["uart"], setting.get("baud", 115200), rxbuf=1024)
            return
        try:
            self._poll = select.poll()
            self._poll.register(sys.stdin, select.POLLIN)
        except (AttributeError, OSError, TypeError):     # This firmware has none.
            self._poll = None

    def lines(self):
        """The lines that are whole now."""
        found = []
        for character in self._characters():
            before, self._before = self._before, character
            if character in "\r\n":
                if before + character != "\r\n":
                    found.append(self._line)
                    self._line = ""
            elif character in "\x08\x7f":
                self._line = self._line[:-1]
            elif len(self._line) < LINE_MAX:
                self._line += character
        return found

    def say(self, text):
        """A line for whoever types."""
        if self._uart is not None:
            self._uart.write((text + "\r\n").encode())
        else:
            print(text)

    def _characters(self):
        if self._uart is not None:
            data = self._uart.read() if self._uart.any() else b""
            return "".join([chr(octet) for octet in data or b"" if octet < 128])
        taken = ""
        while self._poll is not None and len(taken) < _TAKEN_MAX and self._poll.poll(0):
            try:
                character = sys.stdin.read(1)
            except OSError:
                character = ""
            if not character:
                self._poll = None        # There is no console after all.
                break
            taken += character
        return taken
