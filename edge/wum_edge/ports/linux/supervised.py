"""What systemd is told: that the gateway works, and again and again that it still does.

A datagram to the socket that NOTIFY_SOCKET names (sd_notify(3)); where it names none, nobody is
told. Behind wum-launcher it is the launcher's child who speaks: NotifyAccess=all lets it.
"""

import os
import socket

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


class Supervisor:
    """Whoever started this, if it wants to hear."""

    def __init__(self) -> None:
        name = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        period_us = os.environ.get("WATCHDOG_USEC", "")
        # Twice in its time, as sd_watchdog_enabled(3) advises.
        self._every_s = int(period_us) / 2_000_000 if period_us.isdecimal() else 0.0
        self._due_s = 0.0

    def tell(self, word: str) -> None:
        """Say one thing. Who does not listen misses it."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)
            try:
                out.sendto(word.encode(), self._address)
            except OSError:
                return      # It ends us when it hears nothing for too long; meters come first.

    def tick(self, now_s: float) -> None:
        """Called by the loop that must not stand still; `now_s` never goes back."""
        if self._every_s and now_s >= self._due_s:
            self._due_s = now_s + self._every_s
            self.tell(ALIVE)
