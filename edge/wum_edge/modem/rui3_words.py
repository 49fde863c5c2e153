"""Commands and answers of RUI3 modems as text and as records: RAK3172 and its kin, LoRa P2P.

Left out: what is said when (rui3.py). RAKwireless, "RUI3 AT Command Manual" and the manual in the
firmware's own source (atcmd_p2p_def.h); PRECV 65533: release notes of RUI3 3.4.0; AT+CAD: 4.0.6.
"""

from binascii import hexlify, unhexlify
from collections import namedtuple

from wum_edge.mesh.airtime import Modulation

# What a line may be.
OK, ERROR, SENT, HEARD, RESTARTED, VALUE, OTHER = 0, 1, 2, 3, 4, 5, 6

# AT+PRECV: hear without end, and be free to send meanwhile. 0 ends it.
HEAR_AND_SEND, HEAR_NOTHING = 65533, 0
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = 150_000_000, 960_000_000
POWER_MIN_DBM, POWER_MAX_DBM = 5, 22
PREAMBLE_MIN = 5
BUSY = "AT_BUSY_ERROR"
# By number, as the firmware's manual has them. Releases before 4 want kHz instead, and refuse
# numbers: the other form is tried then.
_BANDWIDTHS = {125_000: (0, "125"), 250_000: (1, "250"), 500_000: (2, "500")}
_ERRORS = ("AT_ERROR", "AT_PARAM_ERROR", BUSY, "AT_TEST_PARAM_OVERFLOW", "AT_RX_ERROR",
           "AT_NO_NETWORK_JOINED", "AT_NO_CLASSB_ENABLE", "AT_DUTYCYLE_RESTRICTED",
           "AT_COMMAND_NOT_FOUND")
_HEARD = "+EVT:RXP2P:"
# A start prints a banner: one of these in every release.
_STARTED = ("Current Work Mode", "RAKwireless", "LoRa (R) is a registered", "-----", "=====",
            "_____")


class Line(namedtuple("Line", ("kind", "text", "frame", "rssi_dbm", "snr_db"))):
    """One line of a modem. Only HEARD has `frame`, `rssi_dbm` and `snr_db` (whole dB)."""

    __slots__ = ()
    kind: int
    text: str
    frame: bytes
    rssi_dbm: int
    snr_db: int


def line_of(text: str) -> Line:
    """What a line says."""
    kind = OTHER
    if text == "OK":
        kind = OK
    elif text in _ERRORS:
        kind = ERROR
    elif text == "+EVT:TXP2P DONE":
        kind = SENT
    elif text.startswith(_HEARD):
        return _heard(text)
    elif text.startswith("AT+") and "=" in text:
        kind = VALUE
    else:
        for beginning in _STARTED:
            if text.startswith(beginning):
                kind = RESTARTED
    return Line(kind, text, b"", 0, 0)


def _heard(text: str) -> Line:
    """+EVT:RXP2P:RSSI:SNR:HEX; anything else of this kind is damaged, and counted as garbage."""
    parts = text[len(_HEARD):].split(":")
    try:
        if len(parts) == 3 and parts[2]:
            return Line(HEARD, text, unhexlify(parts[2]), int(parts[0]), int(parts[1]))
    except ValueError:
        return Line(OTHER, text, b"", 0, 0)      # Digits that are none, or an odd number of them.
    return Line(OTHER, text, b"", 0, 0)


def p2p(frequency_hz: int, way: Modulation, power_dbm: int, is_named: bool) -> str:
    """All that the air asks for, without writing it to the modem's flash (the last field).

    `is_named`: the bandwidth in kHz, for old releases.
    """
    number, name = _BANDWIDTHS[way.bandwidth_hz]
    return "AT+P2P=%d:%d:%s:%d:%d:%d:1" % (
        frequency_hz, way.spreading_factor, name if is_named else number, way.coding_rate - 5,
        way.preamble, power_dbm)


def can_make(way: Modulation) -> bool:
    """Whether these modems have it (AT+P2P names spreading factors 6..12)."""
    return (6 <= way.spreading_factor <= 12 and way.bandwidth_hz in _BANDWIDTHS
            and way.preamble >= PREAMBLE_MIN and way.has_header and way.has_crc)


def send(frame: bytes) -> str:
    return "AT+PSEND=" + hexlify(frame).decode().upper()


def hear(how: int) -> str:
    return "AT+PRECV=%d" % how
