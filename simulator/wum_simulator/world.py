"""The only clock and the only dice of the town; nothing else in this package knows either.

Left out: what happens and when (faults.py, bus.py ask here). Two kinds of time: the town's UTC,
which may be compressed, and real seconds, in which wires and delays are measured.
"""

import asyncio
import hashlib
import heapq
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

SETTLE_ROUNDS = 12           # Of the loop, until a server that answers by asyncio has done so.
Made = TypeVar("Made")
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

    def at(self, elapsed_s: float, action: Callable[[], None], *, plain: bool = False) -> None:
        """Do `action` when `elapsed_s()` shows this; at once when it has passed.

        A `plain` one sets nothing going that goes on after it.
        """
        loop = asyncio.get_running_loop()
        # asyncio's clock is the monotonic one on Linux, but only its own clock is promised.
        loop.call_at(loop.time() + elapsed_s - self.elapsed_s(), action)

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do `action` in so many real seconds."""
        asyncio.get_running_loop().call_later(delay_s, action)


class VirtualWorld(World):
    """A world whose time passes only when somebody lets it: hours in a moment, and always alike.

    Real seconds and the town's pass together. Servers that answer by asyncio do so in a loop of
    this world's own; it must be closed.
    """

    def __init__(self, seed: int, start_s: int) -> None:
        super().__init__(seed)
        self._start_s = start_s
        self._elapsed_s = 0.0
        self._coming: list[tuple[float, int, bool, Callable[[], None]]] = []
        self._number = 0
        self._loop = asyncio.new_event_loop()

    def now_s(self) -> int:
        """UTC seconds since 1970 by the town's clock."""
        return self._start_s + int(self._elapsed_s)

    def elapsed_s(self) -> float:
        """Seconds that were let pass."""
        return self._elapsed_s

    def at(self, elapsed_s: float, action: Callable[[], None], *, plain: bool = False) -> None:
        """Do `action` when this much has passed; what is due together is done in order."""
        self._number += 1
        heapq.heappush(self._coming, (elapsed_s, self._number, plain, action))

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do `action` when so many seconds more have passed."""
        self.at(self._elapsed_s + delay_s, action)

    def next_s(self) -> float | None:
        """When the next action is due; None when nothing is."""
        return self._coming[0][0] if self._coming else None

    def let_pass(self, until_s: float) -> None:
        """Let time pass until `elapsed_s()` shows this, doing what is due on the way."""
        while self._coming and self._coming[0][0] <= until_s:
            due_s, _, plain, action = heapq.heappop(self._coming)
            self._elapsed_s = max(self._elapsed_s, due_s)
            if plain:
                action()
            else:
                self.inside(action)
        self._elapsed_s = max(self._elapsed_s, until_s)

    def inside(self, action: Callable[[], Made]) -> Made:
        """Do `action` in this world's loop, and what it has set going there; its result."""
        async def settled() -> Made:
            made = action()
            for _ in range(SETTLE_ROUNDS):
                await asyncio.sleep(0)
            return made
        return self._loop.run_until_complete(settled())

    def close(self) -> None:
        """Give the loop back."""
        self._loop.close()


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
