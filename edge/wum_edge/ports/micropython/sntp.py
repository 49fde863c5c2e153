"""Network time: one question, one answer. RFC 4330, unicast; nothing is believed unasked.

Left out: what becomes of it (clock.py).
"""

import asyncio
import os
import socket
from struct import pack, unpack

PORT = 123
ANSWER_MS = 2000
_LOOK_MS = 5
_1900_S = 2208988800         # From 1900 to 1970.
_CLIENT, _SERVER = 0x23, 4   # Version 4, mode 3; mode 4.
_UNSYNCHRONISED = 3


def question(nonce):
    """48 bytes. `nonce`, 8 bytes, stands where our time would: it must come back."""
    return bytes([_CLIENT]) + bytes(39) + nonce


def answer(data, nonce):
    """Milliseconds since 1970 when the answer left its server; None for what is no answer."""
    if len(data) < 48 or data[0] & 7 != _SERVER or data[0] >> 6 == _UNSYNCHRONISED:
        return None
    if not 0 < data[1] < 16 or bytes(data[24:32]) != nonce:
        return None
    seconds, fraction = unpack(">II", bytes(data[40:48]))
    if not seconds:
        return None
    if seconds < _1900_S:
        seconds += 1 << 32           # The era that began in 2036.
    return (seconds - _1900_S) * 1000 + (fraction * 1000 >> 32)


async def ask(host, port, clock, names):
    """Ask, and set the clock; whether an answer came. `names` finds the address, and says why not.
    """
    search = names.search(host)
    try:
        found = search.tick()
        while found is None:
            await asyncio.sleep_ms(_LOOK_MS)
            found = search.tick()
    except OSError as error:
        names.tell("no network time: %s" % error)
        return False
    finally:
        search.close()
    try:
        address = socket.getaddrinfo(found, port)[0][-1]
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    except OSError:
        return False
    try:
        asking.setblocking(False)
        nonce = os.urandom(8)
        began_ms = clock.monotonic_ms()
        asking.sendto(question(nonce), address)
        while clock.monotonic_ms() - began_ms < ANSWER_MS:
            await asyncio.sleep_ms(_LOOK_MS)
            try:
                data = asking.recvfrom(64)[0]
            except OSError:
                continue             # Nothing yet.
            utc_ms = answer(data, nonce)
            if utc_ms is not None:
                # Half of the way there and back it was on its way to us.
                clock.heard(utc_ms + (clock.monotonic_ms() - began_ms) // 2)
                return True
        return False
    except OSError:
        return False
    finally:
        asking.close()


def served(data, utc_ms):
    """What a server of time answers; for whoever plays one."""
    seconds, ms = utc_ms // 1000 + _1900_S, utc_ms % 1000
    stamp = pack(">II", seconds & 0xFFFFFFFF, (ms << 32) // 1000)
    return bytes([0x24, 2]) + bytes(22) + bytes(data[40:48]) + stamp + stamp
