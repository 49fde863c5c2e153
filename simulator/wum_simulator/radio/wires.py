"""An air whose links are told one by one: who hears whom, and how well. Real fading, no terrain.

Left out: places and walls (field.py), which come to links by themselves.
"""

from wum_edge.mesh.airtime import Modulation
from wum_simulator.radio.field import fades
from wum_simulator.radio.reception import noise_mw
from wum_simulator.world import Dice

RICE_K = 3.0
SNR_MIN_DB, SNR_MAX_DB = -30, 60


class Links:
    """Takes the place of a `Field`. `snr_db` of a pair holds in both directions."""

    def __init__(self, radios: int, snr_db: dict[tuple[int, int], float], way: Modulation,
                 dice: Dice) -> None:
        self.fades = fades(RICE_K, dice.stream("fades"))
        self.means: list[list[tuple[int, float]]] = [[] for _ in range(radios)]
        self._noise_mw = noise_mw(way.bandwidth_hz)
        for (one, other), decibels in snr_db.items():
            self.set(one, other, decibels)

    def set(self, one: int, other: int, decibels: float | None) -> None:
        """From now on; None: they do not hear each other any more."""
        for sender, receiver in ((one, other), (other, one)):
            kept = [entry for entry in self.means[sender] if entry[0] != receiver]
            if decibels is not None:
                kept.append((receiver, self._noise_mw * 10 ** (decibels / 10)))
            self.means[sender] = sorted(kept)

    def step(self) -> None:
        """Nothing drifts here."""
