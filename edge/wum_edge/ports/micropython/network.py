"""Wi-Fi: brought up, watched, and brought up again; without settings the network is there anyway.

Left out: other carriers. A cable's interface is set up by whoever writes main.py; here it is only
asked which name server it was told.
"""

import network

# What the station says of it, by the name that its module has for it.
_WHY = (("STAT_WRONG_PASSWORD", "it refuses the key: set the board up again, --wifi-key-file"),
        ("STAT_NO_AP_FOUND", "nobody of that name is heard; 2.4 GHz, and near enough?"),
        ("STAT_CONNECTING", "joining, or no address was given yet"),
        ("STAT_CONNECT_FAIL", "joining failed; is its list of stations full?"))
AGAIN_MS = 30000             # After a try to join: what takes longer is begun anew.


class Network:
    """`settings`: a dict with ssid and key, or None for a board that is wired."""

    def __init__(self, settings, log):
        self._settings = settings
        self._log = log
        self._due_ms = None
        self._was_up = None
        self._station = None
        if settings:
            self._station = network.WLAN(network.STA_IF)
            self._station.active(True)

    def is_up(self):
        """Whether there is a network."""
        return self._station is None or self._station.isconnected()

    def name_servers(self):
        """Their addresses, as the network has told them."""
        if self._station is None:
            given = _of_a_cable()
        else:
            given = self._station.ifconfig()[3] if self._station.isconnected() else ""
        return [given] if given and given != "0.0.0.0" else []

    def words(self):
        """Why there is none, for a person."""
        ssid = self._settings["ssid"]
        status = self._station.status()
        for name, why in _WHY:
            if status == getattr(network, name, None):
                return "no Wi-Fi: %s: %s" % (ssid, why)
        return "no Wi-Fi: %s is not there" % ssid

    def tick(self, now_ms):
        """Join where that is due. Never blocks."""
        if self._station is None:
            return
        is_up = self._station.isconnected()
        if is_up != self._was_up:
            self._was_up = is_up
            if is_up:
                self._log.say("Wi-Fi %s: joined, as %s" % (
                    self._settings["ssid"], self._station.ifconfig()[0]))
            else:
                self._log.warn(self.words())
        if not is_up and (self._due_ms is None or now_ms >= self._due_ms):
            self._due_ms = now_ms + AGAIN_MS
            self._station.connect(self._settings["ssid"], self._settings.get("key"))


def _of_a_cable():
    """The name server that a wired network told; empty where the firmware does not tell. Since 1.24
    it tells that of all interfaces; before, one that is set up is what LAN() gives.
    """
    for ask in (lambda: network.ipconfig("dns"), lambda: network.LAN().ifconfig()[3]):
        try:
            return ask()
        except (AttributeError, OSError, TypeError, ValueError):
            continue             # This firmware has none such, or it is not up.
    return ""
