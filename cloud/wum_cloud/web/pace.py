"""How many requests one caller may make: a bucket of them that fills again, for each address and
each account.

Each process has its own buckets: several workers let through as many times more. What is dear is
bounded by itself (pages of lists, bodies, statements of the database); this keeps one caller from
taking the time of all others. Left out: slow callers (slowness.py), wrong passwords (people).
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi import HTTPException

CALLERS_MAX = 10_000    # Remembered, some 200 bytes each; past it who is quiet longest is not.
BURST_S = 10            # A caller that was quiet may make so many seconds' requests at once.
ADDRESS_TIMES = 4       # Behind one address there may be an office.


class Pace:
    """Buckets by caller. `per_s` 0: nobody is held up."""

    def __init__(self, per_s: int, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._now_s = monotonic_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # Level, and when.

    def wait_s(self, caller: str, times: int = 1) -> int:
        """0 when the request may go on; else in how many whole seconds the next one may come."""
        if not self._per_s:
            return 0
        per_s = self._per_s * times
        now_s = self._now_s()
        level, since_s = self._buckets.pop(caller, (float(per_s * BURST_S), now_s))
        level = min(per_s * BURST_S, level + (now_s - since_s) * per_s)
        is_free = level >= 1
        self._buckets[caller] = (level - 1 if is_free else level, now_s)
        while len(self._buckets) > CALLERS_MAX:
            self._buckets.popitem(last=False)
        return 0 if is_free else max(1, math.ceil((1 - level) / per_s))


SENTENCE = "Too many requests: the next one may come in %d s."


def hold_up(pace: Pace, account: int) -> None:
    """Refuses with 429 what an account may not do yet."""
    wait_s = pace.wait_s("account %d" % account)
    if wait_s:
        raise HTTPException(429, SENTENCE % wait_s, {"Retry-After": str(wait_s)})
