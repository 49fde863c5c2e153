"""Wi-Fi: brought up, watched, and brought up again; without settings the network is there anyway.

Left out: other carriers.
"""

import network

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

    def tick(self, now_ms):
        """Join where that is due. Never blocks."""
        if self._station is None:
            return
        is_up = self._station.isconnected()
        if is_up != self._was_up:
            self._was_up = is_up
            (self._log.say if is_up else self._log.warn)(
                "Wi-Fi %s: %s" % (self._settings["ssid"], "joined" if is_up else "not there"))
        if not is_up and (self._due_ms is None or now_ms >= self._due_ms):
            self._due_ms = now_ms + AGAIN_MS
            self._station.connect(self._settings["ssid"], self._settings.get("key"))
