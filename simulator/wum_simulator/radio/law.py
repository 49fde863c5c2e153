"""The duty law, kept by the air itself: independent of the accounts that the stations keep.

EN 300 220-1, 4.3.3: the limit holds for every hour, wherever it begins.
"""

from collections import deque

HOUR_US = 3_600_000_000


class Breach(Exception):
    """A station sent for longer than the law lets it: the run has failed."""


class Law:
    """What one station sent in one sub-band, to the microsecond."""

    def __init__(self, name: str, duty_permyriad: int) -> None:
        self._name = name
        self.limit_us = HOUR_US * duty_permyriad // 10_000
        self._sent: deque[tuple[int, int]] = deque()
        self._inside_us = 0
        self.worst_us = self.total_us = 0

    def sent(self, begin_us: int, end_us: int) -> None:
        """Account for a transmission. Raises Breach. The worst hours end where a frame does."""
        self._sent.append((begin_us, end_us))
        self._inside_us += end_us - begin_us
        self.total_us += end_us - begin_us
        since_us = end_us - HOUR_US
        while self._sent[0][1] <= since_us:
            first = self._sent.popleft()
            self._inside_us -= first[1] - first[0]
        spent_us = self._inside_us - max(since_us - self._sent[0][0], 0)
        self.worst_us = max(self.worst_us, spent_us)
        if spent_us > self.limit_us:
            raise Breach(
                f"{self._name}: {spent_us} us in the hour that ends at {end_us} us; the law "
                f"allows {self.limit_us} us")
