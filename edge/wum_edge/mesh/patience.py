"""How long to wait for what mostly comes before it is asked for again: RFC 6298, section 2.

Asked for too early it is not lost but still on its way, in queues that are longer than the
patience, and what comes of asking lengthens them. So whoever waits learns how long it takes.
"""

_MEAN, _SPREAD = 8, 4        # The RFC's alpha and beta: an eighth and a quarter of what is new.
_SPREADS = 4                 # Its K.


class Patience:
    """What was learned; nothing at first."""

    __slots__ = ("_mean_us", "_spread_us")

    def __init__(self) -> None:
        self._mean_us, self._spread_us = -1, 0

    def learn(self, took_us: int) -> None:
        """It took so long, however often it was asked for meanwhile."""
        if self._mean_us < 0:
            self._mean_us, self._spread_us = took_us, took_us // 2
            return
        off_us = took_us - self._mean_us
        self._spread_us += (abs(off_us) - self._spread_us) // _SPREAD
        self._mean_us += off_us // _MEAN

    def wait_us(self, least_us: int, most_us: int) -> int:
        """What to wait now, within these bounds."""
        return min(max(self._mean_us + _SPREADS * self._spread_us, least_us), most_us)
