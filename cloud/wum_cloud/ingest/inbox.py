"""Messages that wait for the database: bounded, and handed out several at a time."""

import asyncio
import time
from collections import deque

from wum_cloud.broker import Delivery

MESSAGES_MAX = 2000             # More than a broker usually has in flight to one client.
BYTES_MAX = 64 * 1024**2
GATHERED_MESSAGES_MAX = 256     # Of one transaction; about 20,000 rows of hourly batches.
GATHERED_BYTES_MAX = 1024**2    # About 40,000 rows of daily ones.
LINGER_S = 0.02                 # A transaction waits so long for company.


class Inbox:
    """A bounded queue. Belongs to the event loop; other threads use call_soon_threadsafe."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Delivery]] = deque()   # And since when.
        self._bytes = 0
        self._arrival = asyncio.Event()
        self.overflowed = False
        self.taken_since_s = 0.0    # Since when the first of those waited that were gathered last.

    def put(self, delivery: Delivery) -> bool:
        """Add a message; False when there is no room: it is dropped, unacknowledged."""
        if len(self._waiting) >= MESSAGES_MAX or self._bytes + len(delivery.payload) > BYTES_MAX:
            self.overflowed = True
            return False
        self._waiting.append((time.monotonic(), delivery))
        self._bytes += len(delivery.payload)
        self._arrival.set()
        return True

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def oldest(self) -> list[float]:
        """Since when the first one waits (monotonic seconds); empty where none does."""
        return [self._waiting[0][0]] if self._waiting else []

    async def gather(self) -> list[Delivery]:
        """At least one message, and those that come within LINGER_S, up to the limits."""
        while not self._waiting:
            self._arrival.clear()
            await self._arrival.wait()
        if len(self._waiting) < GATHERED_MESSAGES_MAX and self._bytes < GATHERED_BYTES_MAX:
            await asyncio.sleep(LINGER_S)
        return self._take()

    def _take(self) -> list[Delivery]:
        taken: list[Delivery] = []
        size = 0
        self.taken_since_s = min(self.oldest(), default=time.monotonic())
        while self._waiting and len(taken) < GATHERED_MESSAGES_MAX and size < GATHERED_BYTES_MAX:
            _, delivery = self._waiting.popleft()
            taken.append(delivery)
            size += len(delivery.payload)
        self._bytes -= size
        return taken
