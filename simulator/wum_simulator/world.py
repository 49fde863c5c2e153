"""The only clock and the only dice of the town; nothing else in this package knows either.

Left out: what happens and when (faults.py, bus.py ask here). Two kinds of time: the town's UTC,
which may be compressed, and real seconds, in which wires and delays are measured.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

Stream = random.Random       # Throw after throw; others name the type, and make none.


class Dice:
    """Chance from one seed. The same seed, purpose and key give the same throw for ever."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._key = hashlib.sha256(b"wum-town %d" % seed).digest()

    def octets(self, purpose: str, *key: int | str) -> bytes:
        """64 evenly spread bytes for this purpose and key."""
        return hashlib.blake2b(repr((purpose, *key)).encode(), key=self._key).digest()

    def below(self, limit: int, purpose: str, *key: int | str) -> int:
        """A number in 0..limit-1 for this purpose and key; limit 1..2**32."""
        assert 1 <= limit <= 2**32
        return int.from_bytes(self.octets(purpose, *key)[:8], "big") % limit

    def stream(self, purpose: str, *key: int | str) -> Stream:
        """Throw after throw, for what happens in an order: noise on a line, a shuffled street."""
        return random.Random(self.octets(purpose, *key))


@dataclass(frozen=True, slots=True)
class Compression:
    """At wall time `wall_s` the town's clock shows `start_s` and runs `speed` times as fast.

    It never runs past the wall clock: from where it has caught up it is the wall clock.
    Speed 0 stops it at `start_s`, so that a test knows what every meter shows.
    """

    start_s: float
    wall_s: float
    speed: float

    def __post_init__(self) -> None:
        if self.speed < 0:
            raise ValueError(f"speed: wanted 0 or more, got {self.speed}")
        if self.start_s > self.wall_s:
            raise ValueError(
                f"start-s {self.start_s} is after wall-s {self.wall_s}: the town's clock would "
                "be ahead of the wall clock")

    def at(self, wall_s: float) -> float:
        """The town's UTC seconds at wall time `wall_s`."""
        passed_s = max(wall_s - self.wall_s, 0.0)
        return min(self.start_s + passed_s * self.speed, wall_s)


class World:
    """One run of the town: its dice, its clock, and what happens next."""

    def __init__(self, seed: int, compression: Compression | None = None) -> None:
        self.dice = Dice(seed)
        self._compression = compression

    def now_s(self) -> int:
        """UTC seconds since 1970 by the town's clock."""
        wall_s = time.time()
        return int(self._compression.at(wall_s) if self._compression else wall_s)

    def elapsed_s(self) -> float:
        """Real seconds since some moment; never goes back, never is compressed."""
        return time.monotonic()

    def at(self, elapsed_s: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Do `action` when `elapsed_s()` shows this; at once when it has passed."""
        loop = asyncio.get_running_loop()
        # asyncio's clock is the monotonic one on Linux, but only its own clock is promised.
        return loop.call_at(loop.time() + elapsed_s - self.elapsed_s(), action)

    def after(self, delay_s: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Do `action` in so many real seconds."""
        return asyncio.get_running_loop().call_later(delay_s, action)


def compression(
        start_s: float | None, wall_s: float | None, speed: float) -> Compression | None:
    """What a command line asks for: None is real time; `wall_s` is now where it is left out.

    Raises ValueError.
    """
    if start_s is None:
        if wall_s is not None or speed != 1.0:
            raise ValueError("speed and wall-s need a start-s to start from")
        return None
    return Compression(start_s, time.time() if wall_s is None else wall_s, speed)
