"""When to connect again: spread so widely that a broker survives the return of its whole fleet.

Ten thousand gateways lose their connection in the same second when a broker ends. Each waits
anywhere in a window, the whole of it, so that some 500 a second come back; who is turned away
waits in a window twice as wide. Left out: connecting (a port).
"""

from wum_edge.uplink.broker import Dice

LEAST_MS = 500                # A broker that turns everybody away at once is not hammered.
WINDOW_MS = 20000             # After a connection that was lost; doubled by each failed try ...
WINDOW_MAX_MS = 60000         # ... up to this: a backlog moves within a minute of an outage.


class Reconnect:
    """The waits of one gateway."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._window_ms = WINDOW_MS

    def connected(self) -> None:
        """A connection could be used: the next wait is a short one again."""
        self._window_ms = WINDOW_MS

    def wait_ms(self) -> int:
        """How long to wait before the next try."""
        window_ms = self._window_ms
        self._window_ms = min(2 * window_ms, WINDOW_MAX_MS)
        return LEAST_MS + self._dice.below(window_ms - LEAST_MS)
