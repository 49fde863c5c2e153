"""A meter's door of mode E: HDLC is spoken only to who has signed on in IEC 62056-21.

Left out: HDLC (dlms_link.py), and baud and parity, which only a line has (`wants` says which). The
door closes with DISC. IEC 62056-21:2002, annex E.
"""

from wum_edge.meters.dlms import hdlc
from wum_edge.meters.turn import Setting

BAUD_LETTERS = {300: "0", 600: "1", 1200: "2", 2400: "3", 4800: "4", 9600: "5", 19200: "6"}
_HEARD_MAX = 256


class Door:
    """Hears a sign-on before it lets through. `offers_hdlc` False is a meter without mode E."""

    def __init__(self, baud: int, address: str = "", offers_hdlc: bool = True,
                 confirms: bool = True) -> None:
        self.is_open = False
        self._baud = baud
        self._address = address
        self._enhanced = "\\2" if offers_hdlc else ""
        self._confirms = confirms
        self._heard = b""
        self._greeted = False

    def wants(self) -> Setting:
        """How the line must be for this meter to hear what comes next."""
        return Setting(self._baud, 8, "N", 1, 0) if self.is_open else Setting(300, 7, "E", 1, 0)

    def hear(self, data: bytes) -> bytes:
        """What it says to `data` while it is closed."""
        self._heard = (self._heard + data)[-_HEARD_MAX:]
        letter = BAUD_LETTERS[self._baud]
        for address in ("", self._address):
            if self._heard.endswith(b"/?%s!\r\n" % address.encode()):
                self._heard, self._greeted = b"", True
                return f"/WUM{letter}{self._enhanced}SIM-E\r\n".encode()
        wanted = b"\x062%s2\r\n" % letter.encode()
        if self._greeted and self._enhanced and self._heard.endswith(wanted):
            self._heard, self._greeted, self.is_open = b"", False, True
            return wanted if self._confirms else b""
        return b""

    def passed(self, frame: hdlc.Frame) -> None:
        """A frame went through and was answered."""
        if frame.kind == hdlc.DISC:
            self.is_open = False
