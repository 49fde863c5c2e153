"""An IEC 62056-21 meter in mode C, written from the standard's text: it shares no line with ours.

6.3.1 to 6.3.7 and annex A of IEC 62056-21:2002, 6.5 for errors. Messages are taken by one regular
expression; check characters by ISO 1155, or as the sum that GOST R IEC 61107 made of it.
"""

import re
from functools import reduce

from wum_edge.meters.turn import Line

SOH, STX, ETX, ACK, NAK = b"\x01", b"\x02", b"\x03", b"\x06", b"\x15"
_COMMAND = re.compile(rb"\x01([PWRB])([0-9])(?:\x02([^\x03]*))?\x03(.)", re.DOTALL)


class Peer(Line):
    """`registers` are texts by address. `writes` are addresses that may be written: with what they
    may hold, as a regular expression. `log` is what was written, in order.
    """

    def __init__(self, identification, address, password, registers, writes, *, is_sum=False,
                 answers_break=False, reads="1"):
        self.identification, self.address, self.password = identification, address, password
        self.registers, self.writes, self.log = dict(registers), writes, []
        self.refused = []                # What it did not take.
        self._is_sum, self._answers_break, self._reads = is_sum, answers_break, reads
        self._mode = "idle"
        self._is_open = False            # The password was right.
        self.stuck = False               # It acknowledges writes and does nothing.

    def set(self, setting):
        """Any baud will do."""

    def turn(self, say, is_whole, timeout_ms):
        heard = self._answer(bytes(say)) if say else b""
        if timeout_ms == 0:
            return b""
        is_whole(heard)
        return heard

    def _answer(self, said):
        if said == b"/?" + self.address.encode() + b"!\r\n":
            self._mode, self._is_open = "greeted", False
            return self.identification.encode() + b"\r\n"
        if self._mode == "greeted" and re.fullmatch(rb"\x060[0-9:]1\r\n", said):
            self._mode = "programming"
            return self._message(b"P0", b"(7F3A)")
        found = _COMMAND.fullmatch(said)
        if found is None or self._mode != "programming":
            return b""
        if found[4] != self._check(said[1:-1]):
            return NAK
        kind, number, body = found[1], found[2].decode(), found[3] or b""
        if kind == b"B":
            self._mode = "idle"
            return self._message(b"B0") if self._answers_break else b""
        if kind == b"P":
            self._is_open = body == b"(" + self.password.encode() + b")"
            return ACK if self._is_open else self._error("ERRPW")
        address, _, value = body.decode().partition("(")
        value = value.rstrip(")")
        if kind == b"R":
            if number != self._reads or address not in self.registers:
                return self._error("ERR01")
            return self._message(b"", address.encode() + b"(" + self.registers[
                address].encode() + b")")
        allowed = self.writes.get(address)
        if not self._is_open or allowed is None or not re.fullmatch(allowed, value):
            self.refused.append((address, value))
            return self._error("ERR02")
        self.log.append((address, value))
        if not self.stuck:
            self.registers[address] = value
        return ACK

    def _error(self, text):
        return self._message(b"", b"(" + text.encode() + b")")

    def _message(self, command, body=None):
        checked = command + (STX + body if command and body is not None else body or b"") + ETX
        return (SOH if command else STX) + checked + self._check(checked)

    def _check(self, data):
        value = sum(data) if self._is_sum else reduce(lambda a, b: a ^ b, data)
        return bytes([value & 0x7F])
