"""Who seeks a page that is here, and when it is offered to them: they ask who can serve most.

Left out: the words (spreading.py).
"""

from wum_edge.mesh.holders import Holders

SECOND_US = 1_000_000
_SEEKERS_MAX = 64
_GATHER_US = 20 * SECOND_US  # Who seek are counted; then those answer who have it,
_OFFER_US = 8 * SECOND_US    # over so long, who can serve most first.
_SEEK_US = 45 * SECOND_US    # A seeker's first patience; it doubles.
DOUBLINGS = 6
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Offers:
    """`at_us`: when one is due, None while none is."""

    def __init__(self, relay: "Relay", holders: Holders) -> None:
        self._relay, self._holders = relay, holders
        self.at_us: int | None = None
        self._page = 0               # For whom lacks it; all of them: for everybody.
        self._seekers: list[int] = []    # Who seek it, and since when.
        self._sought_us = 0

    def sought(self, source: int, page: int) -> None:
        """Somebody seeks a page that is here."""
        now = self._relay.now
        if not self._seekers:
            self._sought_us = now
        self._page = page
        if source not in self._seekers and len(self._seekers) < _SEEKERS_MAX and (
                self._holders.is_near(source)):
            self._seekers.append(source)
        few = max(_SEEKERS_MAX - 2 * len(self._seekers), 0)
        self.at_us = self._sought_us + _GATHER_US + _OFFER_US * few // _SEEKERS_MAX + (
            self._relay.chance() % (SECOND_US // 4))

    def soon(self, pages: int) -> None:
        """Those behind us are told what we have now."""
        self.at_us, self._page = self._relay.now + self._relay.chance() % SECOND_US, pages

    def heard(self, page: int, reach: int) -> None:
        """Another offers; it may be better placed."""
        if self.at_us is not None and page > self._page and reach >= len(self._seekers):
            self.at_us, self._seekers = None, []

    def is_sent(self, page: int) -> None:
        """Another sends symbols of a page."""
        if self.at_us is not None and page == self._page:
            self.at_us, self._seekers = None, []

    def is_due(self) -> bool:
        return self.at_us is not None and self.at_us <= self._relay.now

    def made(self) -> int:
        """One is made now: to how many."""
        reach, self._seekers, self.at_us = len(self._seekers), [], None
        return reach


def seek_us(vain: int) -> int:
    """How long who has sought in vain so often waits before it seeks again, to twice that."""
    return _SEEK_US << min(vain, DOUBLINGS)
