"""A Wi-Fi that is there, or not, as the supervisor says; PPP in name."""

import _board

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP, STAT_NO_AP_FOUND = 1000, 1001, 1010, 201


def ipconfig(parameter):
    """Of all interfaces: nobody has told a name server."""
    return {"dns": "0.0.0.0"}[parameter]


class WLAN:
    """The board's station."""

    IF_STA, IF_AP = STA_IF, AP_IF

    def __init__(self, interface=STA_IF):
        self._is_active = False
        self._is_wanted = False

    def active(self, wanted=None):
        if wanted is not None:
            self._is_active = bool(wanted)
        return self._is_active

    def connect(self, ssid=None, key=None):
        self._is_wanted = True

    def disconnect(self):
        self._is_wanted = False

    def isconnected(self):
        return self._is_active and self._is_wanted and bool(_board.is_network())

    def status(self, what=None):
        if what == "rssi":
            return -60
        return STAT_GOT_IP if self.isconnected() else STAT_NO_AP_FOUND

    def ifconfig(self):
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def config(self, *names, **settings):
        return None


class PPP:
    """Not PPP: a flag goes out, and whoever answers with one is connected, until NO CARRIER comes.
    What is sent then goes over the machine's own network.
    """

    SEC_NONE, SEC_PAP, SEC_CHAP = 0, 1, 2
    _FLAG, _LOST = b"~", b"NO CARRIER"

    def __init__(self, stream):
        self._stream = stream
        self._heard = b""
        self._is_wanted = False

    def connect(self, security=SEC_NONE, user=None, key=None):
        self._is_wanted = True
        self._stream.write(self._FLAG)

    def disconnect(self):
        self._is_wanted = False

    def isconnected(self):
        if self._stream.any():
            self._heard = (self._heard + self._stream.read())[-64:]
        if self._LOST in self._heard:
            self._is_wanted = False
        return self._is_wanted and self._FLAG in self._heard

    def ifconfig(self):
        return ("10.64.0.2", "255.255.255.255", "10.64.0.1", "0.0.0.0")
