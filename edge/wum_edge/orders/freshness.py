"""Whether an order's time has come, on a concentrator whose clock may be years off.

A clock is believed while it goes on as it began and does not contradict what signed orders and the
archive show. Where it does, or was never set, or the journal is new, an order is good only with a
challenge of ours: eight bytes of chance that a receipt carried up and that nobody could know
before. From such a proof on, time is counted by the clock that nobody sets.
"""

from wum_edge.clock import Clock
from wum_shared.orders import CHALLENGE_SIZE, WINDOW_MAX_S, Order
from wum_shared.status import NEVER_SET

SLACK_S = 300                # Between two clocks that are right.
CHALLENGE_MS = 900_000       # How long one is good for,
RENEW_MS = 10_000            # and how long the same one is given out.
_CHALLENGES_MAX = 16

IN_TIME, OVER, DOUBTFUL = 0, 1, 2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Freshness:
    """Clock and challenges of one concentrator. `chance` gives that many random bytes; `least_s` is
    the time of the newest archived record, 0 without one.
    """

    def __init__(self, clock: Clock, chance: "Callable[[int], bytes]", least_s: int = 0) -> None:
        self._clock = clock
        self._chance = chance
        self._least_s = least_s
        self._given: list[tuple[bytes, int]] = []
        self._anchor: tuple[int, int] | None = None      # UTC seconds at monotonic milliseconds.
        self._blur_s = 0                                 # It may be so much later than that.
        self._is_proven = False                          # Whether an order said so, or our clock.
        self.look()

    def challenge(self) -> bytes:
        """What the next order may repeat."""
        now_ms = self._clock.monotonic_ms()
        if not self._given or now_ms - self._given[-1][1] >= RENEW_MS:
            self._given = self._given[1 - _CHALLENGES_MAX:] + [
                (self._chance(CHALLENGE_SIZE), now_ms)]
        return self._given[-1][0]

    def proves(self, order: Order) -> bool:
        """Whether it repeats a challenge that we gave out a short while ago."""
        return self._given_ms(order) is not None

    def judge(self, order: Order, *, known_s: int, is_new: bool) -> tuple[int, int, int]:
        """(IN_TIME, OVER or DOUBTFUL; milliseconds until it may be begun, and until it may not)."""
        given_ms = self._given_ms(order)
        if given_ms is not None:
            now_ms = self._clock.monotonic_ms()
            self._given = []             # Each is good for one order.
            self._anchor = (order.issued_s, now_ms)
            self._blur_s = (now_ms - given_ms) // 1000 + 1   # It was issued within this time.
            self._is_proven = True
            known_s, is_new = 0, False
        now_s = self.look()
        if now_s is None or is_new:
            return DOUBTFUL, 0, 0
        if not self._is_proven:
            known_s = max(known_s, self._least_s)
        blur_s = self._blur_s
        is_steady = abs(self._clock.now_s() - now_s) <= SLACK_S
        if is_steady and given_ms is None:
            now_s, blur_s = self._clock.now_s(), 0
        if now_s < max(known_s, order.issued_s) - SLACK_S or not (self._is_proven or is_steady):
            return DOUBTFUL, 0, 0
        if now_s + blur_s >= order.expires_s:
            return (OVER if is_steady else DOUBTFUL), 0, 0
        wait_s = min(max(0, order.begins_s - now_s), WINDOW_MAX_S)
        left_s = min(order.expires_s - now_s - blur_s, 2 * WINDOW_MAX_S)
        return IN_TIME, 1000 * wait_s, 1000 * left_s

    def _given_ms(self, order: Order) -> int | None:
        """When we gave out the challenge that it repeats; None for none that is good."""
        now_ms = self._clock.monotonic_ms()
        for given, at_ms in self._given:
            if given == order.fresh and now_ms - at_ms < CHALLENGE_MS:
                return at_ms
        return None

    def look(self) -> int | None:
        """UTC seconds as they go on from where they began; None before the clock is set."""
        now_ms = self._clock.monotonic_ms()
        if self._anchor is None:
            if self._clock.quality() == NEVER_SET:
                return None
            self._anchor = (self._clock.now_s(), now_ms)
        return self._anchor[0] + (now_ms - self._anchor[1]) // 1000
