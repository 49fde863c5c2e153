"""Message counters of the head-end: no two messages of one key ever share one.

A counter is its nonce, and a nonce used twice gives both messages away. Its lower 32 bits are a
count that the database keeps for each key and reserves in the transaction that uses it; its upper
31 bits are chance that this process drew for itself. So

- while the database forgets nothing, no count comes twice, whatever clocks and chance do;
- where it was restored from a backup, or a replica that lagged took over, the count goes on from
  the time, which the counts of before have hardly ever passed;
- where its clock was set back, too, counts come again, under another process's chance. A process
  that lives through it sees that a count went back, and draws anew. For the fleet as a whole a
  counter comes twice with a probability of 1 in 2**31 - 2**20 for each pair of draws, one before
  and one after, that sealed the same counts (a database alone cannot do better: it cannot know
  what it has forgotten, and a file beside it is put back with it).

That a count went back also says that whatever this process remembers of the database, such as which
number a meter has, may be wrong now: the caller is told, and must forget it.

Left out: SQL (../migrations/0012_downlink_counts.sql, store.py). RFC 8613, appendix B.1, names
the trap; concentrators have flash of their own (wum_edge/uplink/counter.py).
"""

import logging
import secrets
from collections.abc import Callable

COUNT_BITS = 32
COUNT_MAX = 2**COUNT_BITS - 1   # More than one a second for a hundred years.
CHANCE_BITS = 31
CHANCE_LEAST = 2**20            # Counters below 2**52 were the time in microseconds, once.
KEPT_MAX = 2**17                # Keys whose counts are remembered: some 21 MB.

Key = tuple[int, int]           # Concentrator, epoch.


_log = logging.getLogger("wum_cloud.ingest")


def draw() -> int:
    """An upper half that nobody can have had before but by chance."""
    return CHANCE_LEAST + secrets.randbelow(2**CHANCE_BITS - CHANCE_LEAST)


class DatabaseWentBack(Exception):
    """Nothing that is remembered of the database may be relied on any more."""


class Downlink:
    """The upper half of one process, never of two: made after a fork, not before."""

    def __init__(self, draw: Callable[[], int] = draw) -> None:
        self._draw = draw
        self._upper = draw()
        self._last: dict[Key, int] = {}

    def check(self, key: Key, before: int) -> None:
        """Compare the count that the database has now with what it had when this process moved it.

        Every transaction moves it. Raises DatabaseWentBack, after which nothing is remembered here,
        either: the same is tried again. Call this while the row is locked, before `first`.
        """
        went_back = before < self._last.get(key, 0)
        if went_back or (key not in self._last and len(self._last) >= KEPT_MAX):
            self._upper = self._draw()
            self._last.clear()
            raise DatabaseWentBack(
                "it is not what it was: a backup was put back, or a replica took over that lagged; "
                "what was remembered of it is forgotten" if went_back else
                "%d concentrators were heard: what was remembered is forgotten" % KEPT_MAX)

    def first(self, key: Key, last: int, messages: int) -> int | None:
        """The counter of the first of `messages`; those of the others follow it. None: used up,
        and nothing may be sealed with this key any more.

        `last` is the count up to which the database has reserved them. Call this before the
        transaction ends: what holds the row's lock is in the order of the counts.
        """
        first = last - messages + 1
        assert first > self._last.get(key, 0)
        self._last[key] = last
        if last > COUNT_MAX:
            _log.error("concentrator number %d: the message counters of its key are used up, and "
                       "nothing is answered. Give it new keys: wum-firmware provision, then "
                       "wum-cloud register", key[0])
            return None
        return self._upper << COUNT_BITS | first


def request_number(counter: int) -> int:
    """The number of a gap request: the counter of its message, as far as a number goes."""
    return counter & (2**53 - 1)
