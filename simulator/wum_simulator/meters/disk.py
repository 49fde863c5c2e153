"""A meter's pulse output in real time: a disk that turns with the town's clock.

Left out: the socket on which it is heard (pulse_server.py). However fast the town's clock runs, a
pulse lasts as long as a contact's does; those that come too fast wait for their turn.
"""

from collections.abc import Callable
from fractions import Fraction

from wum_simulator.catalog import Model
from wum_simulator.consumer import MICRO
from wum_simulator.quantities import shown
from wum_simulator.town import Meter

WIDTH_MS = 80                # Closed for so long, and open at least as long after it.
BEHIND_MAX = 1000            # Pulses that wait for their turn; further ones are never given.


class Disk:
    """The contact of `meter`, a pulse meter of the catalogue."""

    def __init__(self, meter: Meter, now_s: Callable[[], int]) -> None:
        self.meter = meter
        self._now_s = now_s
        self._each = weight_of(meter.kind)
        self._obis = meter.kind.registers[0].obis
        self.given = self.pulses_at(now_s())     # Since the meter was made, with those never given.
        self.closings = 0                        # Pulses that were given, since the start.
        self.closed = False
        self._changed_ms = 0

    def pulses_at(self, at_s: int) -> int:
        """Pulses until then: what it has measured, over what a pulse is worth."""
        exact = Fraction(shown(self._obis, self.meter.instant_at(at_s)), MICRO) / self._each
        return exact.__floor__()

    def turn(self, now_ms: int) -> bool:
        """Move on to this real millisecond; whether the contact changed."""
        if now_ms - self._changed_ms < WIDTH_MS:
            return False
        if not self.closed:
            behind = self.pulses_at(self._now_s()) - self.given
            if behind <= 0:
                return False
            self.given += 1 + max(0, behind - BEHIND_MAX)
        self.closed = not self.closed
        self.closings += self.closed
        self._changed_ms = now_ms
        return True


def weight_of(kind: Model) -> Fraction:
    """What one pulse is worth, in the unit of the registers."""
    return Fraction(str(kind.own["amount"])) / int(kind.own["pulses"])
