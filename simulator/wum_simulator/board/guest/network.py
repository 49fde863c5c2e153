"""A Wi-Fi that is there, or not, as the supervisor says."""

import _board

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP, STAT_NO_AP_FOUND = 1000, 1001, 1010, 201


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
