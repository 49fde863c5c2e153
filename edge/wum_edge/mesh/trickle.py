"""When to send a beacon: often while things change, seldom when all is said. RFC 6206."""

INTERVAL_MIN_US = 8_000_000
INTERVAL_MAX_US = 2_048_000_000
GATEWAY_INTERVAL_US = 32_000_000
REDUNDANT = 4                # So many consistent beacons of others make ours superfluous.
_PART_OF_LAW = 4             # A gateway's beacons may take a quarter of what the law leaves.


def stretch(beacon_us: int, duty_permyriad: int) -> int:
    """So many times as long as elsewhere are all intervals where beacons of `beacon_us` on the air
    would take too much of what the law leaves (1/10,000 of the time): 1 for SF7 in 250 kHz under
    1 %, 5 under 0.1 %, 6 for SF10 in 125 kHz under 1 %.
    """
    of_law = beacon_us * _PART_OF_LAW * 10_000
    return max(-(-of_law // (duty_permyriad * GATEWAY_INTERVAL_US)), 1)


class Trickle:
    """One timer. `is_due` stays until `sent`; all intervals are `stretch` times as long."""

    def __init__(self, t_us: int, chance: int, stretch: int = 1) -> None:
        self.is_due = self._has_fired = False
        self.stretch = stretch
        self._heard = 0
        self.fire_us = self._end_us = t_us
        self._interval_us = INTERVAL_MIN_US * stretch
        self._begin(t_us, chance)
        self._interval_max_us = INTERVAL_MAX_US * stretch
        self._redundant = REDUNDANT

    def serve(self, is_gateway: bool) -> None:
        """A gateway is never silenced, and never silent for long: who hears it must know it lives.
        """
        self._interval_max_us = self.stretch * (
            GATEWAY_INTERVAL_US if is_gateway else INTERVAL_MAX_US)
        self._redundant = 1 << 30 if is_gateway else REDUNDANT

    def consistent(self) -> None:
        """Another has told what we would tell."""
        self._heard += 1

    def reset(self, t_us: int, chance: int) -> None:
        """Something has changed. `chance` is any number: it places the beacon in its interval."""
        shortest_us = INTERVAL_MIN_US * self.stretch
        if self._interval_us > shortest_us:
            self._interval_us = shortest_us
            self._begin(t_us, chance)

    def hurry(self, t_us: int, chance: int) -> None:
        """Somebody waits for what we know: within a second."""
        soon_us = t_us + chance % 1_000_000
        if not self.is_due and (self._has_fired or soon_us < self.fire_us):
            self.fire_us, self._has_fired, self._heard = soon_us, False, 0

    def sent(self) -> None:
        self.is_due = False

    def next_us(self) -> int:
        """When to call `tick` again."""
        return self._end_us if self._has_fired else self.fire_us

    def tick(self, t_us: int, chance: int) -> None:
        if not self._has_fired and t_us >= self.fire_us:
            self._has_fired = True
            if self._heard < self._redundant:
                self.is_due = True
        if t_us >= self._end_us:
            self._interval_us = min(2 * self._interval_us, self._interval_max_us)
            self._begin(t_us, chance)

    def _begin(self, t_us: int, chance: int) -> None:
        half_us = self._interval_us // 2
        self._heard, self._has_fired = 0, False
        self.fire_us = t_us + half_us + chance % half_us
        self._end_us = t_us + self._interval_us
