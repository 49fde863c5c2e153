"""What systemd is told: that a process works, and again and again that its loop still turns.

A datagram to the socket that NOTIFY_SOCKET names (sd_notify(3)); where it names none, nobody is
told. Left out: what the process does.
"""

import asyncio
import os
import socket

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


def tell(word: str) -> None:
    """Say one thing to whoever started this, if it wants to hear."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.setblocking(False)
        try:
            out.sendto(word.encode(), "\0" + name[1:] if name.startswith("@") else name)
        except OSError:
            return      # It ends us when it hears nothing for too long; readings come first.


async def stay_alive() -> None:
    """Say so twice in the time that the watchdog allows (sd_watchdog_enabled(3)), for ever."""
    period_us = os.environ.get("WATCHDOG_USEC", "")
    if not period_us.isdecimal() or not int(period_us):
        return
    while True:
        tell(ALIVE)
        await asyncio.sleep(int(period_us) / 2_000_000)
