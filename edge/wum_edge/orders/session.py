"""The order of a transparent session: opened once, bounded, ended by either side or by time.

One at a time on a concentrator. What comes down is signed by an order key and taken by its number,
once; what goes up is signed by the identity. The first piece up says that the line is lent, again
and again until somebody has said something: whoever lends it may come later than the line does. A
process that ends ends the session: its pieces mean nothing to the next one. Left out: the line
(meters/transparent.py). Portable, one thread.
"""

from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.meters import orders as lines
from wum_edge.meters.transparent import WAITING_MAX, Transparent
from wum_edge.orders.act import Act, Refused, Result
from wum_edge.orders.meter_acts import arguments
from wum_edge.orders.trusted import Trusted
from wum_shared import orders
from wum_shared.cipher import Signer
from wum_shared.errors import WireError
from wum_shared.orders import Order
from wum_shared.session import IDLE_S, Piece, sign_piece
from wum_shared.topics import DOWN, SESSION, UP

OPEN_AGAIN_MS = 2000         # Until the head-end is heard.

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class Sessions(Act):
    """`put` hands an order to its meter's line, `home` brings its outcome into our thread."""

    pieces_a_tick = WAITING_MAX  # Fewer where signing takes a while.

    def __init__(
            self, places: dict[str, int], put: "Callable[[lines.Order], str]",
            home: "Callable[[Callable[[], None]], None]", trusted: Trusted, signer: Signer,
            seed: bytes, identity_key: bytes, clock: Clock, log: Log,
            lacks: "Callable[[int, str], str]" = lambda place, what: "",
    ) -> None:
        self._places, self._put, self._home = places, put, home
        self._trusted, self._signer, self._seed, self._key = trusted, signer, seed, identity_key
        self._clock, self._log, self._lacks = clock, log, lacks
        self._now: _Now | None = None

    def check(self, order: Order) -> None:
        """See Act.check."""
        serial = arguments(orders.SESSION, order)[0]
        if serial not in self._places:
            raise Refused(orders.CANNOT, "there is no meter %s here" % serial)
        why = self._lacks(self._places[str(serial)], lines.TRANSPARENT)
        if why:
            raise Refused(orders.CANNOT, why)
        if self._now is not None:
            raise Refused(orders.CANNOT, "there is a session already")

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """See Act.begin."""
        serial, seconds = arguments(orders.SESSION, order)
        assert isinstance(serial, str) and isinstance(seconds, int)
        if self._now is not None:            # Two were taken for one moment.
            done(Result(orders.FAILED, orders.CANNOT, "there is a session already", b""))
            return
        now = self._now = _Now(order.id, Transparent(seconds), self._clock.monotonic_ms())

        def over(outcome: lines.Outcome) -> None:
            self._home(lambda: self._over(now, outcome, done))

        refused = self._put(lines.Order(
            lines.TRANSPARENT, self._places[serial], now.line, over))
        if refused:
            self._now = None
            done(Result(orders.FAILED, orders.CANNOT, refused, b""))

    def heard(self, sealed: bytes) -> None:
        """Take a piece as it came from the broker. One that is not genuine is nobody's."""
        try:
            piece = self._trusted.opened_piece(sealed)
        except WireError as error:
            self._log.warn("piece of a session refused: %s" % error)
            return
        now = self._now
        if now is None or piece.session != now.id or piece.direction != DOWN or (
                piece.number <= now.taken):
            return                           # Over, or heard before.
        if piece.number != now.taken + 1:
            now.line.end("a piece from the head-end is missing")
            return
        now.taken, now.at_ms = piece.number, self._clock.monotonic_ms()
        if piece.data and not now.line.say(piece.data):
            now.line.end("the head-end says more than the line takes")
        if piece.is_last:
            now.line.end("the head-end ended it")

    def tick(self, say: "Callable[[str, bytes], bool]") -> None:
        """Send what was heard, by `say` (stream, plaintext), which may refuse."""
        now = self._now
        if now is None:
            return
        if self._clock.monotonic_ms() - now.at_ms > 1000 * IDLE_S:
            now.line.end("the head-end said nothing for %d s" % IDLE_S)
        if not now.taken and not self._opened(now, say):
            return
        for _ in range(self.pieces_a_tick):
            if not now.line.heard or not (now.taken or now.result is not None):
                break
            if not say(SESSION, self._signed(now, now.given + 1, now.line.heard[0])):
                return
            now.given += 1
            now.line.heard.popleft()
        if now.result is not None and not now.line.heard and say(
                SESSION, self._signed(now, now.given + 1, b"", is_last=True)):
            self._now = None
            now.done(now.result)

    def _opened(self, now: "_Now", say: "Callable[[str, bytes], bool]") -> bool:
        """Say that it is open, unless that was said just now; whether it was said at all."""
        now_ms = self._clock.monotonic_ms()
        if (not now.given or now_ms - now.told_ms >= OPEN_AGAIN_MS) and (
                say(SESSION, self._signed(now, 1, b""))):
            now.given, now.told_ms = 1, now_ms
        return now.given > 0

    def _signed(self, now: "_Now", number: int, data: bytes, *, is_last: bool = False) -> bytes:
        return sign_piece(self._signer, self._seed, self._key, Piece(
            self._trusted.keys.concentrator, now.id, UP, number, data, is_last))

    def _over(self, now: "_Now", outcome: lines.Outcome,
              done: "Callable[[Result], None]") -> None:
        """The line is free again; it is done when the last piece is on its way."""
        state = orders.DONE if outcome.is_done else orders.FAILED
        now.result, now.done = Result(
            state, orders.NO_REASON if outcome.is_done else orders.METER_FAILED, outcome.why,
            b""), done


class _Now:
    """The session that there is."""

    def __init__(self, act: bytes, line: Transparent, at_ms: int) -> None:
        self.id, self.line, self.at_ms = act, line, at_ms
        self.taken = self.given = 0          # Numbers of the last pieces, down and up.
        self.told_ms = 0                     # When the first of ours was said last.
        self.result: Result | None = None
        self.done: Callable[[Result], None] = _nobody


def _nobody(result: Result) -> None:
    raise AssertionError("a session that is not over")
