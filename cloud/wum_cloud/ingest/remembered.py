"""What was looked up and may be used again for a while: bounded in number and in age."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

AGE_MAX_S = 30.0        # A concentrator that is registered or blocked is noticed within this.

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Remembered(Generic[_K, _V]):
    """A bounded dictionary whose entries are forgotten after AGE_MAX_S."""

    def __init__(self, most: int, clock_s: Callable[[], float]) -> None:
        self._most = most
        self._clock_s = clock_s
        self._entries: dict[_K, tuple[float, _V]] = {}

    def get(self, key: _K) -> _V | None:
        """The value, when it is there and young enough."""
        entry = self._entries.get(key)
        if entry is None or self._clock_s() - entry[0] > AGE_MAX_S:
            return None
        return entry[1]

    def put(self, key: _K, value: _V) -> None:
        """Keep the value; the oldest entry goes when there are too many."""
        self._entries.pop(key, None)
        while len(self._entries) >= self._most:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (self._clock_s(), value)

    def forget(self) -> None:
        """Start anew."""
        self._entries.clear()
