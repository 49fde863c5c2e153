"""Edges of a contact into pulses: what does not last long enough is no pulse.

Left out: where edges come from (port.py). IEC 62053-31: on and off last 30 ms at least.
"""


class Debounce:
    """A pulse counts when the contact was open, then closed, each for `least_ms` in one piece.

    `bounces` counts what was too short, `lost` edges that must have been missed: two in a row
    the same way.
    """

    def __init__(self, least_ms: int) -> None:
        assert least_ms >= 0
        self.bounces = 0
        self.lost = 0
        self._least_ms = least_ms
        self._closed = False             # The contact as it is now ...
        self._since_ms: int | None = None  # ... from here on; None before the first edge.
        self._settled = False            # The state that lasted long enough.

    def edge(self, at_ms: int, closed: bool) -> int | None:
        """Take one edge; when the pulse that it completes began, or None."""
        if self._since_ms is not None and closed == self._closed:
            self.lost += 1
            return None
        began_ms = self.settle(at_ms)
        if self._since_ms is not None and self._closed != self._settled:
            self.bounces += 1
        self._closed, self._since_ms = closed, at_ms
        return began_ms

    def settle(self, now_ms: int) -> int | None:
        """The contact has not changed until `now_ms`: when the pulse that this completes began."""
        if self._since_ms is None or now_ms - self._since_ms < self._least_ms:
            return None
        if self._settled == self._closed:
            return None
        self._settled = self._closed
        return self._since_ms if self._closed else None

    @property
    def closed(self) -> bool:
        """The state that lasted long enough."""
        return self._settled
