"""Network time: what our own clock shows, corrected by what stations nearer to a gateway tell.

Left out: who is nearer (gradient.py). In two steps, as PTP does it (IEEE 1588, 11.3): a frame tells
when the one before it was over, for a host does not know how late it will send.
"""

_FIT_US = 300_000_000        # Two words so far apart tell how fast our clock runs.
_DRIFT_MAX_PPB = 45_000      # A crystal is not further off; what tells of more is an error.
_KEEPS_US = 7_200_000_000    # So long a pace that was once fitted is believed.


class Clock:
    """`time_us(t_us)`: network time at a reading of our own clock; None while it is not known."""

    def __init__(self) -> None:
        self._at_us = self._network_us = 0
        self._fit_us = self._fit_network_us = 0
        self.drift_ppb = 0
        self.is_known = False
        self.told_at_us = 0
        self._last = (-1, 0)         # Counter and end of our own last frame on the common word.

    def set(self, t_us: int, network_us: int) -> None:
        """At our `t_us` it was `network_us`."""
        if not self.is_known or abs(network_us - self.time_us(t_us)) > 1_000_000:
            self._fit_us, self._fit_network_us, self.drift_ppb = t_us, network_us, 0
        span_us = t_us - self._fit_us
        if span_us >= _FIT_US:
            drift = (network_us - self._fit_network_us - span_us) * 1_000_000_000 // span_us
            self.drift_ppb = max(min(drift, _DRIFT_MAX_PPB), -_DRIFT_MAX_PPB)
            if span_us > _KEEPS_US:
                self._fit_us, self._fit_network_us = self._at_us, self._network_us
        self._at_us, self._network_us = t_us, network_us
        self.told_at_us = t_us
        self.is_known = True

    def time_us(self, t_us: int) -> int:
        """0 while it is not known."""
        if not self.is_known:
            return 0
        past_us = t_us - self._at_us
        return self._network_us + past_us + past_us * self.drift_ppb // 1_000_000_000

    def local_us(self, network_us: int) -> int:
        """What our clock shows at that network time; to be asked only if it is known."""
        ahead_us = network_us - self._network_us
        return self._at_us + ahead_us - ahead_us * self.drift_ppb // 1_000_000_000

    def sent(self, counter: int, end_us: int) -> None:
        """A frame of ours that all neighbours can hear was over at `end_us` of our clock."""
        self._last = (counter & 255, end_us)

    def stamp(self) -> tuple[int, int]:
        """(last byte of the counter of our last frame, network time at its end or 0)."""
        about, end_us = self._last
        if about < 0 or not self.is_known:
            return 0, 0
        time_us = self.time_us(end_us)
        return (about, time_us) if 0 < time_us < 1 << 56 else (0, 0)
