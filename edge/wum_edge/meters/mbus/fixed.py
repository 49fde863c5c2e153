"""The fixed data structure (CI 73 and 77): one header and two counters.

Left out: where it stands in a frame (answer.py). EN 1434-3:1997, 6.
"""

from wum_edge.meters.mbus.identity import Identity
from wum_edge.meters.mbus.record import INSTANT, Record
from wum_edge.meters.mbus.values import bcd, digits, signed
from wum_shared.units import NO_UNIT

FIXED_BYTES = 16
_BINARY, _STORED = 0x01, 0x02          # Bits of the status byte.
_HISTORIC = 0x3E                       # The second counter is an older value of the first.
_UNITS = (                             # First code, last, quantity, unit, power of the first.
    (0x02, 0x0A, "energy", 30, 0), (0x0B, 0x13, "energy", 25, 3), (0x14, 0x1C, "power", 27, 0),
    (0x1D, 0x25, "power", 26, 3), (0x26, 0x2E, "volume", 13, -6),
    (0x2F, 0x37, "volume flow", 15, -6), (0x38, 0x38, "temperature", 9, -3),
    (0x39, 0x39, "units for HCA", NO_UNIT, 0), (0x3F, 0x3F, "dimensionless", NO_UNIT, 0),
)
# The four bits of the fixed structure as media of the variable one (MEDIA in identity.py).
_MEDIA = (0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 3, 4, 6, 7, 8, 15)


def decode_fixed(data: bytes, high_first: bool) -> (
        tuple[Identity, int, int, tuple[Record, ...]]):
    """Identity, access number, status and the two counters of 16 bytes."""
    assert len(data) == FIXED_BYTES
    number = data[:4] if high_first else bytes([data[3 - place] for place in range(4)])
    access, status = data[4], data[5]
    first, second = (data[7], data[6]) if high_first else (data[6], data[7])
    medium = _MEDIA[(second & 0xC0) >> 4 | first >> 6]
    unit = first & 0x3F
    other = second & 0x3F
    records = (
        _counter(data[8:12], unit, False, status, high_first),
        _counter(data[12:16], unit if other == _HISTORIC else other, other == _HISTORIC, status,
                 high_first),
    )
    return Identity(number.hex().upper(), "FFFF", 255, medium), access, status & ~3, records


def _counter(data: bytes, code: int, historic: bool, status: int, high_first: bool) -> Record:
    """One counter. A stored one (at the fixed date) has storage number 1."""
    low_first = bytes([data[3 - place] for place in range(4)]) if high_first else data
    value = signed(low_first) if status & _BINARY else bcd(low_first)
    fault = "" if value is not None else "the digits %s are no number" % digits(low_first)
    storage = 1 if historic or status & _STORED else 0
    quantity, unit, power, text = "reserved %02x" % code, NO_UNIT, 0, ""
    for first, last, name, dlms, base in _UNITS:
        if first <= code <= last:
            quantity, unit, power = name, dlms, base + code - first
    if code in (0, 1):                 # Hours, minutes, seconds; day, month, year: digits.
        quantity, text = ("time of day", "date")[code], digits(low_first)
        value = None
        fault = ""
    return Record(INSTANT, storage, 0, 0, quantity, (), unit, "", value, power, text, None, fault,
                  bytes((code,)), data)
