"""How long a LoRa frame is on the air. Exact integers, no radio.

Left out: who may send when (duty.py). Semtech SX1261/2 data sheet, 6.1.4; spreading factors 5 and 6
are those of SX126x and LR11xx, which SX127x does not understand.
"""

from collections import namedtuple

FRAME_MAX = 255              # Bytes: the length field of a LoRa header.
SPREADING_FACTORS = (5, 6, 7, 8, 9, 10, 11, 12)
BANDWIDTHS_HZ = (7_810, 10_420, 15_630, 20_830, 31_250, 41_670, 62_500, 125_000, 250_000, 500_000)
PREAMBLE_MIN, PREAMBLE_MAX = 2, 65_535
_SLOW_SYMBOL_US = 16_000     # From here on a symbol carries two bits less, against crystal drift.
_FIXED_SYMBOLS = 8           # The header's symbols, always there and always at the lowest rate.


class Modulation(namedtuple("Modulation", (
        "spreading_factor", "bandwidth_hz", "coding_rate", "preamble", "has_header", "has_crc"))):
    """One way to modulate a frame: spreading factor 5..12, bandwidth in Hz (one of BANDWIDTHS_HZ),
    coding rate 5..8 for 4/5..4/8, preamble in symbols; `has_header` is the explicit header.
    """

    __slots__ = ()
    spreading_factor: int
    bandwidth_hz: int
    coding_rate: int
    preamble: int
    has_header: bool
    has_crc: bool


# Not on the air at all: a frame goes to one neighbour by UDP (docs/mesh-protocol.md, 8). Every port
# of this kind is the last of the ways.
WIRE = Modulation(0, 0, 0, 0, False, False)
WIRE_US = 40_000             # What Wi-Fi and two hosts may need for a frame: for waiting only.


def modulation(
        spreading_factor: int, bandwidth_hz: int, coding_rate: int = 5, preamble: int = 8,
        has_header: bool = True, has_crc: bool = True,
) -> Modulation:
    """A modulation that a modem can make. Raises ValueError: that is a mistake of ours or of a
    configuration that was not checked.
    """
    for name, value, good in (
            ("spreading factor", spreading_factor, spreading_factor in SPREADING_FACTORS),
            ("bandwidth", bandwidth_hz, bandwidth_hz in BANDWIDTHS_HZ),
            ("coding rate 4/", coding_rate, 5 <= coding_rate <= 8),
            ("preamble", preamble, PREAMBLE_MIN <= preamble <= PREAMBLE_MAX)):
        if not good:
            raise ValueError("%s %d: no modem has it" % (name, value))
    return Modulation(
        spreading_factor, bandwidth_hz, coding_rate, preamble, has_header, has_crc)


def symbol_us(way: Modulation) -> int:
    """Length of a symbol in whole microseconds, rounded down."""
    return (1 << way.spreading_factor) * 1_000_000 // way.bandwidth_hz


def is_slow(way: Modulation) -> bool:
    """Whether the low data rate optimisation is on: both sides derive it, none says it."""
    return symbol_us(way) >= _SLOW_SYMBOL_US


def quarter_symbols(way: Modulation, size: int) -> int:
    """Length of a frame of `size` bytes (0..FRAME_MAX) in quarters of a symbol."""
    assert 0 <= size <= FRAME_MAX
    is_fast = way.spreading_factor < 7
    sync = 25 if is_fast else 17         # 6.25 or 4.25 symbols behind the preamble.
    bits = 8 * size + (16 if way.has_crc else 0) + (20 if way.has_header else 0)
    bits = max(bits - 4 * way.spreading_factor + (0 if is_fast else 8), 0)
    block = 4 * (way.spreading_factor - (2 if is_slow(way) else 0))
    coded = (bits + block - 1) // block * way.coding_rate
    return sync + 4 * (way.preamble + _FIXED_SYMBOLS + coded)


def airtime_us(way: Modulation, size: int) -> int:
    """Time on the air of a frame of `size` bytes, in microseconds, rounded up: the law is kept by
    counting no less than was sent.
    """
    if way == WIRE:
        return WIRE_US
    quarters = quarter_symbols(way, size) * (1 << way.spreading_factor) * 250_000
    return (quarters + way.bandwidth_hz - 1) // way.bandwidth_hz
