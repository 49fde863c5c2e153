"""Time on Linux: the system's clock, or a compressed one for demonstrations and tests."""

import time

from wum_edge import clock, config
from wum_edge.ports.linux.time_quality import time_quality
from wum_shared import status

ASK_S = 10.0             # How long an answer of the kernel is good for.


class SystemClock(clock.Clock):
    """UTC as the system has it."""

    def __init__(self) -> None:
        self._quality = status.NEVER_SET
        self._ask_s = 0.0

    def now_s(self) -> int:
        """UTC seconds since 1970."""
        return int(time.time())

    def quality(self) -> int:
        """What the kernel says of its clock, asked every few seconds."""
        now_s = time.monotonic()
        if now_s >= self._ask_s:
            self._quality = time_quality()
            self._ask_s = now_s + ASK_S
        return self._quality

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment before the start."""
        return time.monotonic_ns() // 1_000_000

    def real_ms_until(self, at_s: int) -> int:
        """Milliseconds until the clock shows `at_s`."""
        return max(0, round((at_s - time.time()) * 1000))


class CompressedClock(SystemClock):
    """Runs `speed` times as fast from `start_s` on, and never past the wall clock."""

    def __init__(self, settings: config.Clock) -> None:
        super().__init__()
        self._settings = settings

    def now_s(self) -> int:
        """UTC seconds since 1970, compressed."""
        return int(self._now(time.time()))

    def real_ms_until(self, at_s: int) -> int:
        """Real milliseconds until the compressed clock shows `at_s`."""
        wall_s = time.time()
        now = self._now(wall_s)
        if now >= at_s:
            return 0
        fast = (at_s - now) / self._settings.speed
        # From where it has caught up with the wall clock it runs no faster than that.
        return round(max(fast, at_s - wall_s) * 1000)

    def _now(self, wall_s: float) -> float:
        s = self._settings
        return min(s.start_s + (wall_s - s.wall_s) * s.speed, wall_s)


def clock_of(settings: config.Clock | None) -> SystemClock:
    """The clock that a configuration asks for."""
    return SystemClock() if settings is None else CompressedClock(settings)
