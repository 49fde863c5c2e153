"""A gateway floods what the head-end orders, says it again while somebody lacks it, and tells who
has it.

Orders of other gateways of the mesh are told of too: an echo goes to the nearest one, which need
not be the one that flooded. Left out: the flood (mesh/ripple.py), what an order says.
"""

from wum_edge.log import Log
from wum_shared.ripple import (
    FLOODED,
    NO_GATEWAY,
    NO_TIME,
    ORDER_SIZE,
    OUTCOMES,
    TOO_LATE,
    RippleOrder,
    RippleReport,
    bits_of,
    members_of,
)

KEPT_MAX = 16                # As many as the relay remembers.
AGAIN_MS = (5_000, 10_000, 20_000)       # After so long once more, while an expected one lacks it.
SOON_MS = 1_000              # What changes is told so soon, ...
LATER_MS = (15_000, 60_000)  # ... and, as a message may be lost, once more after these.


class Air:
    """What is wanted of the station. A port supplies it."""

    def network(self) -> int:
        raise NotImplementedError

    def address(self) -> int:
        raise NotImplementedError

    def flood(self, group: int | None, content: bytes, execute_us: int,
              wants_echo: bool) -> int | None:
        """The ripple's number; None: the station is no gateway."""
        raise NotImplementedError

    def flood_again(self, number: int) -> None:
        raise NotImplementedError

    def content_of(self, gateway: int, number: int) -> bytes | None:
        """Of a ripple that is remembered."""
        raise NotImplementedError


class Kept:
    """One order, and what is known of it."""

    __slots__ = ("again_ms", "gateway", "lacking", "members", "number", "order", "outcome",
                 "repeats", "tell_ms", "told")

    def __init__(self, order: int, outcome: int, gateway: int, number: int | None) -> None:
        self.order, self.outcome = order, outcome
        self.gateway, self.number = gateway, number
        self.members = self.lacking = 0      # Bit maps; of whom nobody expects it, none lacks it.
        self.repeats = self.told = 0
        self.again_ms: int | None = None
        self.tell_ms: int | None = None


class Flooding:
    """The orders that came lately."""

    def __init__(self, air: Air, log: Log) -> None:
        self._air, self._log = air, log
        self._kept: list[Kept] = []

    def ordered(self, order: RippleOrder, now_ms: int, at_ms: int, has_time: bool) -> int | None:
        """Flood it, or say why not. The ripple's number; None: it is not flooded, or was before.

        `now_ms` is of a clock that runs forward, `at_ms` UTC.
        """
        known = self._find(order.order)
        if known is not None and known.outcome == FLOODED:
            known.told, known.tell_ms = 0, now_ms        # The head-end has not heard of it.
            return None
        if known is not None:
            self._kept.remove(known)
        outcome, number = self._refusal(order, at_ms, has_time), None
        if outcome == FLOODED:
            number = self._air.flood(
                order.group, order.order.to_bytes(ORDER_SIZE, "big") + order.payload,
                order.execute_ms * 1000, bool(order.expected))   # Nobody is: who has it, answers.
            outcome = NO_GATEWAY if number is None else FLOODED
        kept = self._keep(Kept(order.order, outcome, self._air.address(), number))
        kept.tell_ms = now_ms
        if number is not None:
            kept.lacking = int.from_bytes(order.expected, "little")
            kept.again_ms = now_ms + AGAIN_MS[0]
        self._log.say("group order %d: %s" % (order.order, OUTCOMES[outcome]))
        return number

    def _refusal(self, order: RippleOrder, at_ms: int, has_time: bool) -> int:
        if order.network != self._air.network():
            return NO_GATEWAY
        if not has_time:
            return NO_TIME
        is_late = at_ms > order.until_s * 1000 or 0 < order.execute_ms <= at_ms
        return TOO_LATE if is_late else FLOODED

    def echoed(self, gateway: int, number: int, members: int, now_ms: int) -> None:
        """So many stations have a ripple, as a bit map."""
        kept = None
        for one in self._kept:
            if (one.gateway, one.number) == (gateway, number):
                kept = one
        content = self._air.content_of(gateway, number) if kept is None else None
        if content is not None and len(content) > ORDER_SIZE:    # Another gateway's.
            kept = self._keep(Kept(
                int.from_bytes(content[:ORDER_SIZE], "big"), FLOODED, gateway, number))
        if kept is None or not members & ~kept.members:
            return
        kept.members |= members
        kept.told = 0
        if kept.tell_ms is None or kept.tell_ms > now_ms + SOON_MS:
            kept.tell_ms = now_ms + SOON_MS

    def tick(self, now_ms: int) -> None:
        """Say again what somebody lacks."""
        for kept in self._kept:
            if kept.again_ms is None or now_ms < kept.again_ms or kept.number is None:
                continue
            kept.repeats += 1
            kept.again_ms = None
            if kept.lacking & ~kept.members:
                self._air.flood_again(kept.number)
                if kept.repeats < len(AGAIN_MS):
                    kept.again_ms = now_ms + AGAIN_MS[kept.repeats]

    def due(self, now_ms: int, at_s: int) -> list[RippleReport]:
        """What is to be told now. Of each that is sent `told` is to be called."""
        return [RippleReport(kept.order, self._air.network(), self._air.address(), kept.outcome,
                             at_s, _map_of(kept.members))
                for kept in self._kept if kept.tell_ms is not None and now_ms >= kept.tell_ms]

    def told(self, order: int, now_ms: int) -> None:
        """A report of it is on its way."""
        kept = self._find(order)
        if kept is not None:
            kept.tell_ms = now_ms + LATER_MS[kept.told] if kept.told < len(LATER_MS) else None
            kept.told += 1

    def _find(self, order: int) -> Kept | None:
        for kept in self._kept:
            if kept.order == order:
                return kept
        return None

    def _keep(self, kept: Kept) -> Kept:
        self._kept = self._kept[1 - KEPT_MAX:] + [kept]
        return kept


def _map_of(members: int) -> bytes:
    return bits_of(members_of(members.to_bytes(64, "little")))
