"""Clocks of the simulation: one true time, and what each machine takes for it.

Left out: passing of time (world.py).
"""

from wum_edge.clock import Clock
from wum_shared.status import FREE_RUNNING, NEVER_SET, SYNCHRONISED
from wum_simulator.world import VirtualWorld

NEVER_BEFORE_S = 1735689600     # 2025-01-01, as the Linux port has it: earlier was never set.
LATEST_S = 4102444800           # 2100-01-01: a clock counts in 32 bits, with some room.


class WrongClock(Clock):
    """A machine's clock: the true time, off by `error_s`. The monotonic one is never wrong."""

    def __init__(self, world: VirtualWorld) -> None:
        self.error_s = 0
        self._world = world

    def jump(self, error_s: int) -> None:
        """From now on it is off by so much."""
        self.error_s = error_s

    def now_s(self) -> int:
        """UTC seconds as this machine has them."""
        return min(max(0, self._world.now_s() + self.error_s), LATEST_S)

    def quality(self) -> int:
        """A machine that is wrong may know it or not: only the very wrong ones do here."""
        if self.now_s() < NEVER_BEFORE_S:
            return NEVER_SET
        return SYNCHRONISED if self.error_s == 0 else FREE_RUNNING

    def monotonic_ms(self) -> int:
        """Milliseconds since the beginning of the simulation."""
        return round(self._world.elapsed_s() * 1000)

    def real_ms_until(self, at_s: int) -> int:
        """Milliseconds until this clock shows `at_s`; 0 when it has passed."""
        exact_ms = round(self._world.elapsed_s() * 1000) % 1000
        return max(0, (at_s - self.now_s()) * 1000 - exact_ms)
