"""Time on a board: a counter of milliseconds, set by network time, kept over a reset by the RTC.

Left out: asking for network time (sntp.py). An ESP32 counts seconds since 2000, others since 1970:
the year of its moment 0 tells. Everything is whole milliseconds: its floats have 24 bits.
"""

import time

from wum_edge import clock
from wum_shared import status

EARLIEST_S = 1735689600      # 2025-01-01: before this software was written, so never set.
FRESH_MS = 24 * 3600 * 1000  # So long after network time was heard the clock is synchronised.
DRIFT_AFTER_MS = 600000      # What is shorter says more of the network than of the crystal.
DRIFT_MAX_PPM = 200          # A crystal's worst; more is a step, no drift.
_2000_S = 946684800


def epoch_s():
    """Moment 0 of this board's time module, in seconds since 1970."""
    return _2000_S if time.gmtime(0)[0] == 2000 else 0


class BoardClock(clock.Clock):
    """UTC, and milliseconds since the start. `settings` is config.Clock: compressed time."""

    def __init__(self, settings=None, rtc=None):
        self._settings = settings
        self._rtc = rtc                  # machine.RTC(), or None.
        self._ticks_ms = time.ticks_ms()
        self._up_ms = 0
        self._anchor_ms = (time.time() + epoch_s()) * 1000   # UTC ...
        self._anchor_up_ms = 0                               # ... at this moment since the start.
        self._heard_up_ms = None         # When network time was heard last.
        self.drift_ppm = 0               # How much faster UTC is than our crystal.

    def monotonic_ms(self):
        """See Clock. The board's own counter goes round every few days."""
        now_ms = time.ticks_ms()
        self._up_ms += time.ticks_diff(now_ms, self._ticks_ms)
        self._ticks_ms = now_ms
        return self._up_ms

    def utc_ms(self):
        """Milliseconds since 1970, as far as is known."""
        since_ms = self.monotonic_ms() - self._anchor_up_ms
        return self._anchor_ms + since_ms + since_ms * self.drift_ppm // 1000000

    def utc_s(self):
        """Seconds since 1970 by the wall, whatever time is compressed; 0 before it was set."""
        return self.utc_ms() // 1000 if self.is_set() else 0

    def is_set(self):
        """Whether somebody has ever set it."""
        return self.utc_ms() >= EARLIEST_S * 1000

    def heard(self, utc_ms):
        """Network time says that it is `utc_ms`."""
        late_ms = utc_ms - self.utc_ms()
        since_ms = self._up_ms - self._anchor_up_ms
        if self._heard_up_ms is not None and since_ms >= DRIFT_AFTER_MS:
            ppm = self.drift_ppm + late_ms * 1000000 // since_ms // 2
            if -DRIFT_MAX_PPM <= ppm <= DRIFT_MAX_PPM:
                self.drift_ppm = ppm
        self._anchor_ms, self._anchor_up_ms = utc_ms, self._up_ms
        self._heard_up_ms = self._up_ms
        if self._rtc is not None:
            year, month, day, hour, minute, second, weekday, _ = time.gmtime(
                utc_ms // 1000 - epoch_s())
            self._rtc.datetime((year, month, day, weekday, hour, minute, second, 0))

    def now_s(self):
        """See Clock."""
        return self._shown_ms(self.utc_ms()) // 1000

    def quality(self):
        """See Clock."""
        if not self.is_set():
            return status.NEVER_SET
        if self._heard_up_ms is not None and self._up_ms - self._heard_up_ms <= FRESH_MS:
            return status.SYNCHRONISED
        return status.FREE_RUNNING

    def real_ms_until(self, at_s):
        """See Clock."""
        wall_ms = self.utc_ms()
        left_ms = at_s * 1000 - self._shown_ms(wall_ms)
        if left_ms <= 0 or self._settings is None:
            return max(0, left_ms)
        # From where it has caught up with the wall clock it runs no faster than that.
        return max(-(-left_ms // self._settings.speed), at_s * 1000 - wall_ms)

    def _shown_ms(self, wall_ms):
        one = self._settings
        if one is None:
            return wall_ms
        return min(one.start_s * 1000 + (wall_ms - one.wall_s * 1000) * one.speed, wall_ms)
