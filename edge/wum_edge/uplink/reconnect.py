"""When to connect again: spread so widely that a broker survives the return of its whole fleet.

Ten thousand gateways lose their connection in the same second when a broker ends. Each waits
anywhere in a window, the whole of it, so that some 500 a second come back; who is turned away
waits in a window twice as wide. Left out: connecting (a port).
"""

from wum_edge.uplink.broker import Dice

FIRST_MS = 2000               # After a start of the process alone: before its first try.
BOOTED_MS = 300000            # A start so soon after that of the machine: power was away.
LEAST_MS = 500                # A broker that turns everybody away at once is not hammered.
WINDOW_MS = 20000             # After a connection that was lost; doubled by each failed try ...
WINDOW_MAX_MS = 60000         # ... up to this: a backlog moves within a minute of an outage.


class Reconnect:
    """The waits of one gateway."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._window_ms = WINDOW_MS

    def first_ms(self, up_ms: int) -> int:
        """How long to wait before the very first try, on a machine that is up for `up_ms`.

        Power comes back to a whole town at once; a process that is started anew is mostly alone.
        """
        return self._dice.below(WINDOW_MS if up_ms < BOOTED_MS else FIRST_MS)

    def connected(self) -> None:
        """A connection could be used: the next wait is a short one again."""
        self._window_ms = WINDOW_MS

    def wait_ms(self) -> int:
        """How long to wait before the next try."""
        window_ms = self._window_ms
        self._window_ms = min(2 * window_ms, WINDOW_MAX_MS)
        return LEAST_MS + self._dice.below(window_ms - LEAST_MS)
