"""Compressed time: where the street's clock stands, kept over restarts, never in the future.

At real time `wall_s` the street's clock shows `start_s`; from then on it runs `speed` times as
fast until it meets the real clock, and goes with it from there.
"""

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from demo.errors import ClockRefused

_HEAD_START_S = 86_400  # A compressed demo starts a day ago.
_PERIOD_S = 10  # Real seconds between two readings of a meter.
SPEED_MAX = 1000  # Faster than this, a bus has no time to read its meters.


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds since 1970, UTC."""

    start_s: int
    wall_s: int
    speed: int

    def now_s(self, wall_s: float) -> int:
        """What the street's clock shows at the real time `wall_s`."""
        return int(min(wall_s, self.start_s + (wall_s - self.wall_s) * self.speed))

    def has_met_the_present(self, wall_s: float) -> bool:
        """Whether compressed time is over."""
        return self.speed > 1 and self.now_s(wall_s) >= int(wall_s)

    @property
    def period_s(self) -> int:
        """Seconds of the street's clock between two readings of a meter: 10 real seconds."""
        return _PERIOD_S * self.speed

    def __str__(self) -> str:
        if self.speed == 1:
            return f"real; every meter is read each {self.period_s} s"
        shown = datetime.fromtimestamp(self.start_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"{self.speed} times as fast from {shown} on, until it meets the present; "
            f"every meter is read each {self.period_s} s of it. Until then the console, which goes "
            "by the real clock, calls all meters late"
        )


def clock_for(kept: Path, speed: int | None) -> Clock:
    """The clock of this run: goes on where the last run's clock would stand now.

    `speed` None means as last time, or real time. Raises ClockRefused for compressed time over
    data that reach the present already.
    """
    now = int(time.time())
    before = _read(kept)
    wanted = speed or (before.speed if before else 1)
    if before is None:
        clock = Clock(now - (_HEAD_START_S if wanted > 1 else 0), now, wanted)
    else:
        clock = Clock(before.now_s(now), now, wanted)
    if speed and speed > 1 and clock.start_s >= now - clock.period_s:
        raise ClockRefused(
            f"The street's data reach the present, so time cannot be compressed {speed} times: "
            "`make clean-demo` first, and it starts a day ago again."
        )
    if clock.start_s >= now:
        clock = Clock(now, now, 1)
    kept.write_text(json.dumps(asdict(clock)))
    return clock


def _read(kept: Path) -> Clock | None:
    try:
        return Clock(**json.loads(kept.read_text()))
    except FileNotFoundError:
        return None
