"""Voltage and frequency of a street's cable, derived by the dice: nobody recorded them.

A pure function of (seed, time). Per phase 231 V, plus a slow part of +-4 V that goes straight
from one quarter of an hour's throw to the next, plus a fast part of +-0.6 V every 10 s; the
frequency is 50 Hz +-0.05 Hz, likewise straight between throws a minute apart.
"""

from wum_simulator.world import Dice

MICRO = 1_000_000
_MIDDLE_V = 231
_SLOW_S = 900
_SLOW_MICROVOLT = 31_250         # For each of -128..127.
_FAST_MICROVOLT = 4_700
_FREQUENCY_S = 60
_FREQUENCY_MICROHERTZ = 390


class Grid:
    """The cable that all consumers of one street hang on."""

    STEP_S = 10                  # The fast part changes this often.

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def voltage_v(self, at_s: int) -> tuple[int, int, int]:
        """Phase to neutral at UTC second `at_s`, in 10^-6 V."""
        fast = self._dice.octets("grid, fast", at_s // self.STEP_S)
        first, second, third = (
            _MIDDLE_V * MICRO + self._between("grid, slow", k, at_s, _SLOW_S) * _SLOW_MICROVOLT
            // _SLOW_S + (fast[k] - 128) * _FAST_MICROVOLT for k in range(3))
        return first, second, third

    def frequency_hz(self, at_s: int) -> int:
        """In 10^-6 Hz."""
        part = self._between("grid, frequency", 0, at_s, _FREQUENCY_S)
        return 50 * MICRO + part * _FREQUENCY_MICROHERTZ // _FREQUENCY_S

    def _between(self, purpose: str, place: int, at_s: int, step_s: int) -> int:
        """A throw of -128..127 every `step_s`, straight in between; times `step_s`."""
        number, into_s = divmod(at_s, step_s)
        here = self._dice.octets(purpose, number)[place] - 128
        there = self._dice.octets(purpose, number + 1)[place] - 128
        return here * (step_s - into_s) + there * into_s
