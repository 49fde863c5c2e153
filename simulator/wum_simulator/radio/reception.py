"""What a LoRa receiver makes of a frame: noise, a curve of errors, interference and capture.

Left out: who was listening (air.py). Thresholds of the SX126x data sheet; the matrix between
spreading factors is that of Croce et al. (IEEE Communications Letters 22, 2018), as FLoRa has it.
"""

import math

from wum_edge.mesh.airtime import Modulation, symbol_us

NOISE_FIGURE_DB = 6.0
CAPTURE_DB = 6.0             # LoRaSim's; FLoRa has 1 dB. A run is made with both.
CRITICAL_SYMBOLS = 5         # A receiver locks on these last symbols of the preamble.
_STEEPNESS = 2.5             # Of the curve of errors, per dB and block of eight symbols.
_MIDDLE_DB = -2.9            # 64 bytes at the threshold are lost once in a hundred times.
_BLOCK_BYTES = 5

THRESHOLD_DB = {5: -2.5, 6: -5.0, 7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
# SIR in dB that a frame of the row's spreading factor needs against one of the column's, from 7.
_BETWEEN_DB = (
    (None, -8, -9, -9, -9, -9),
    (-11, None, -11, -12, -13, -13),
    (-15, -13, None, -13, -14, -15),
    (-19, -18, -17, None, -17, -18),
    (-22, -22, -21, -20, None, -20),
    (-25, -25, -25, -24, -23, None),
)


def noise_mw(bandwidth_hz: int) -> float:
    """Thermal noise in the channel and that of the receiver."""
    return float(10 ** ((-174 + NOISE_FIGURE_DB) / 10) * bandwidth_hz)


def snr_db(power_mw: float, bandwidth_hz: int) -> float:
    return 10 * math.log10(power_mw / noise_mw(bandwidth_hz))


def needed_sir_db(wanted: int, other: int, capture_db: float) -> float:
    """SIR that a frame of spreading factor `wanted` needs against one of `other`."""
    if wanted == other:
        return capture_db
    # 5 and 6 are in no published table: taken as 7, which is the least kind of them.
    between = _BETWEEN_DB[max(wanted, 7) - 7][max(other, 7) - 7]
    return -8.0 if between is None else float(between)


def weights(capture_db: float) -> dict[tuple[int, int], float]:
    """By (wanted, other): how much of the other's power counts against the wanted frame's, when
    wanted over the sum must reach `capture_db`.
    """
    return {(wanted, other):
            10 ** ((needed_sir_db(wanted, other, capture_db) - capture_db) / 10)
            for wanted in THRESHOLD_DB for other in THRESHOLD_DB}


def loss(margin_db: float, size: int) -> float:
    """Chance that a frame of `size` bytes is lost, at so many dB above the threshold."""
    exponent = _STEEPNESS * (margin_db - _MIDDLE_DB)
    if exponent > 30:
        return 0.0
    if exponent < -30:
        return 1.0
    block = 1 / (1 + math.exp(exponent))
    return float(1 - (1 - block) ** (size / _BLOCK_BYTES + 1))


def critical_us(way: Modulation) -> int:
    """From its beginning until a receiver locks on a frame of this kind."""
    return (way.preamble - CRITICAL_SYMBOLS) * symbol_us(way)
