"""A radio modem on its serial port: whatever it says, while it is set up, heard and sent with.

Each step is a byte that chooses and its length: what comes as it is, or a line that the modem might
send, with these bytes in it. What it claims to have heard goes to a relay.
"""

from binascii import hexlify

from tests.fuzz.targets.mesh import WAYS, Open
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.modem.rui3 import LINE_MAX, NAMES, NEXT, Radio, Rui3

RADIO = Radio(869_525_000, 14, WAYS, 0x57A1, looks_first=True)
FRAMES_MAX = 64


def run(data: bytes) -> None:
    """Let a modem say it."""
    modem = Rui3(RADIO)
    relay = Relay(Setting(1, False, WAYS, 1000), Guard(Open(), 7, 1, 1), 0, 1, 0)
    modem.opened(0)
    t_us = at = token = 0
    while at + 2 <= len(data) and at < 4_000:
        choice, size = data[at:at + 2]
        body = data[at + 2:at + 2 + size]
        at += 2 + size
        t_us += 50_000
        if choice & 7 == 5:
            modem.send(t_us, body[:255] or b"x", choice >> 7, token)
            token += 1
        elif choice & 7 == 6:
            t_us = modem.deadline_us() or t_us
            modem.tick(t_us)
        elif choice & 7 == 7:
            modem.listen(t_us, choice >> 7)
        else:
            modem.received(t_us, _line(choice & 7, body))
        _hear(modem, relay, t_us)
    assert modem.state in NEXT and NAMES[modem.state]
    assert len(modem._line) <= LINE_MAX + 1


def _line(choice: int, body: bytes) -> bytes:
    if choice == 1:
        return b"OK\r\n"
    if choice == 2:
        return b"+EVT:RXP2P:" + body.replace(b"\n", b"") + b":" + hexlify(body) + b"\r\n"
    if choice == 3:
        return b"+EVT:RXP2P:-%d:%d:" % (body[0] if body else 0, len(body)) + hexlify(body) + b"\r\n"
    if choice == 4:
        return b"AT+" + body + b"\r\n"
    return body


def _hear(modem: Rui3, relay: Relay, t_us: int) -> None:
    modem.to_write()
    modem.take_news()
    for event in modem.take_events():
        if event[0] == "rx":
            _, frame, rssi_dbm, snr_q4, rate = event
            assert isinstance(frame, bytes) and isinstance(rssi_dbm, int)
            assert isinstance(snr_q4, int) and isinstance(rate, int)
            relay.on_rx(t_us, frame, rssi_dbm, snr_q4, rate)
            relay.actions()
