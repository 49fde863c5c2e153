"""Rolls: one assignment for many stations of a mesh, as one of them has it.

    notice (flooded, signed by the head-end) -> roll, gathered as a page and passed on by everybody
    -> its SHA-256 is the notice's -> we stand on it -> the notice is an order for us

Only what an order key signed is gathered. What is assigned is judged like any assignment: by the
desk (once, in its time), by the updater (release keys, class, floor, replay). Left out: the flood
(carry/), the page's way (mesh/spread.py), what the desk does with an order (act.py).
"""

from hashlib import sha256

from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.orders.trusted import Trusted
from wum_edge.update.contents import Content
from wum_shared import orders, rolls, updates
from wum_shared.errors import WireError
from wum_shared.orders import Order
from wum_shared.rolls import Roll
from wum_shared.status import NEVER_SET
from wum_shared.suit import CHUNK_SIZE
from wum_shared.topics import WANT
from wum_shared.updates import OnRoll, Pieces, Want

ROLLS_MAX = 2                # Of two device classes, say.
ASK_MS = 30_000              # Who has an uplink asks the head-end for one; again after so long.
_SIGNED = 0xD2               # What a signed message begins with; a sealed one with 0xD0.

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class RollPage(Content):
    """A roll that is here, or is to come."""

    part = updates.ROLL

    def __init__(self, demand: OnRoll) -> None:
        Content.__init__(self, demand.digest, demand.size, b"")
        self.whole = demand.digest
        self.data: bytes | None = None

    def have(self) -> int:
        return 0 if self.data is None else 1

    def page(self, number: int) -> bytes | None:
        return self.data if not number else None


class _Kept:
    """A notice that is genuine; `roll` is what came of its page."""

    __slots__ = ("ask_ms", "order", "page", "roll", "signed")

    def __init__(self, order: Order, signed: bytes, page: RollPage, ask_ms: int) -> None:
        self.order, self.signed, self.page, self.ask_ms = order, signed, page, ask_ms
        self.roll: Roll | None = None


class Rolls:
    """`hand` takes a signed order for us: the desk's."""

    def __init__(self, trusted: Trusted, hand: "Callable[[bytes], None]", clock: Clock,
                 log: Log) -> None:
        self._trusted, self._hand, self._clock, self._log = trusted, hand, clock, log
        self._kept: list[_Kept] = []
        self._bad: bytes = b""       # The last digest whose page was no roll.

    @property
    def own(self) -> bytes:
        """Who we are on it."""
        return self._trusted.keys.concentrator

    def flooded(self, payload: bytes) -> bool:
        """Take a notice; False: it is an order to a group, and none of ours."""
        if payload[:1] != bytes((_SIGNED,)):
            return False
        try:
            order, demand = self._opened(payload)
        except WireError as error:
            self._log.warn("a roll's notice is refused: %s" % error)
            return True
        known = [one for one in self._kept if one.page.digest == demand.digest]
        if known or demand.digest == self._bad:
            return True
        if self._is_over(order):
            self._log.warn("a roll's notice is refused: %s" % orders.REASONS[orders.EXPIRED])
            return True
        if len(self._kept) >= ROLLS_MAX:
            oldest = min(self._kept, key=_place)
            if order.sequence < oldest.order.sequence:
                return True          # A replay, or one that was overtaken.
            self._drop(oldest)
        self._kept.append(_Kept(order, payload, RollPage(demand), self._clock.monotonic_ms()))
        return True

    def pages(self) -> list[RollPage]:
        """What is to be gathered, and given to others."""
        return [one.page for one in self._kept]

    def came(self, digest: bytes, data: bytes) -> None:
        """A page with this digest, as somebody says."""
        for one in [one for one in self._kept if one.page.digest == digest]:
            if one.page.data is None and sha256(data).digest() == digest:
                self._take(one, data)

    def heard(self, pieces: Pieces) -> None:
        """What the head-end has sent of one: all of it."""
        self.came(pieces.digest, pieces.data)

    def of(self, digest: bytes) -> Roll | None:
        """The roll with this digest, if it is here."""
        for one in self._kept:
            if one.page.digest == digest:
                return one.roll
        return None

    def tick(self, say: "Callable[[str, bytes], bool]", is_fed: bool) -> None:
        """Ask the head-end for what is not here, unless neighbours bring it (`is_fed`)."""
        now_ms = self._clock.monotonic_ms()
        for one in [one for one in self._kept if self._is_over(one.order)]:
            self._drop(one)
        for one in self._kept:
            if one.page.data is None and not is_fed and now_ms >= one.ask_ms:
                want = Want(one.page.digest, updates.ROLL, ((0, -(-one.page.size // CHUNK_SIZE)),))
                if say(WANT, updates.encode_want(want)):
                    one.ask_ms = now_ms + ASK_MS

    def _opened(self, signed: bytes) -> tuple[Order, OnRoll]:
        """Raises NotGenuine, Malformed, Unsupported."""
        order = self._trusted.opened_notice(signed)
        demand = updates.decode_demand(order.arguments) if order.kind == orders.UPDATE else None
        if type(demand) is not OnRoll or order.to != rolls.address_of(demand):
            raise WireError("it is an order, and names no roll")
        return order, demand

    def _take(self, one: _Kept, data: bytes) -> None:
        try:
            roll = rolls.decode_roll(data)
        except WireError as error:       # Signed, and of a contract that we do not know.
            self._log.warn("a roll is refused: %s" % error)
            self._bad = one.page.digest
            self._drop(one)
            return
        one.page.data, one.roll = data, roll
        if roll.of(self.own) is None:
            return
        self._trusted.rolls = self._trusted.rolls[-ROLLS_MAX:] + (one.order.to,)
        self._hand(one.signed)

    def _drop(self, one: _Kept) -> None:
        self._kept.remove(one)
        self._trusted.rolls = tuple([to for to in self._trusted.rolls if to != one.order.to])

    def _is_over(self, order: Order) -> bool:
        return self._clock.quality() != NEVER_SET and self._clock.now_s() >= order.expires_s


def _place(one: _Kept) -> int:
    return one.order.sequence
