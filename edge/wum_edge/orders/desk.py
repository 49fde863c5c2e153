"""The desk: takes an order, puts it on record, has it carried out once, and answers.

    sealed order -> ours and signed? -> remembered? -> in its time? -> possible? -> on record
                 -> (its moment) -> begun, on record -> carried out -> what came of it, on record

What is answered with a last word is on record first, a refusal too: so an order that was refused is
not carried out later by a clock that has been put right. Portable, one thread. Left out: the
connection, and every act (act.py).
"""

from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.orders.act import Act, Refused, Result
from wum_edge.orders.caps import CAPPED_KINDS, Cap
from wum_edge.orders.freshness import DOUBTFUL, OVER, Freshness
from wum_edge.orders.journal import BEGUN, Entry, Full, Journal, entry_of
from wum_edge.orders.trusted import Trusted
from wum_edge.uplink.broker import Dice
from wum_shared import orders
from wum_shared.cipher import Signer
from wum_shared.errors import WireError
from wum_shared.fields import fitting
from wum_shared.messages import NOTE_MAX, TIME_MAX_S
from wum_shared.orders import Order, Receipt
from wum_shared.topics import RECEIPT

OUTBOX_MAX = 64               # Receipts that wait for the connection; who misses one asks again.
RETRY_MS = 5000               # After flash has refused what came of an act.

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class _Waiting:
    """An order on record whose moment comes."""

    __slots__ = ("due_ms", "order", "until_ms", "weight")

    def __init__(self, order: Order, weight: int, due_ms: int, until_ms: int) -> None:
        self.order, self.weight, self.due_ms, self.until_ms = order, weight, due_ms, until_ms


class Desk:
    """Carries out orders. `acts` says by kind what this concentrator can do."""

    receipts_a_tick = OUTBOX_MAX     # Fewer where signing takes a while.

    def __init__(
            self, *, journal: Journal, trusted: Trusted, signer: Signer, seed: bytes,
            clock: Clock, freshness: Freshness, cap: Cap, dice: Dice, acts: dict[int, Act],
            log: Log,
    ) -> None:
        self.acts = acts
        self.trusted = trusted
        self._journal = journal
        self.signer = signer
        self.seed = seed
        self._clock = clock
        self._freshness = freshness
        self._cap = cap
        self._dice = dice
        self._log = log
        self._waiting: list[_Waiting] = []
        self._results: list[Entry] = []      # What flash did not take yet.
        self._retry_ms = 0
        self._outbox: list[Receipt] = []
        self._signed: tuple[Receipt, bytes] | None = None    # The first of them, once it was.
        self.beside: Callable[[Callable[[str, bytes], bool]], None] | None = None   # At each tick.
        cap.remember(journal.entries(), clock.now_s(), clock.monotonic_ms())
        for entry in journal.cut:
            self._answer(entry)

    def heard(self, sealed: bytes) -> None:
        """Take an order as it came from the broker. One that is not genuine is nobody's."""
        try:
            signed = self.trusted.unsealed(sealed)
        except WireError as error:
            self._log.warn("order refused: %s" % error)
            return
        self.handed(signed)

    def handed(self, signed: bytes) -> None:
        """Take an order that came otherwise, with the grant of a claim: its signature counts."""
        try:
            order = self.trusted.opened(signed)
        except WireError as error:
            self._log.warn("order refused: %s" % error)
            return
        digest = orders.order_digest(signed)
        before = self._journal.find(order.sequence, order.id)
        if before is not None:
            self._repeat(before, order, digest)
        elif order.sequence <= self._journal.floor or (
                first_number(order) <= self._journal.forgotten):
            self._say(order, digest, orders.UNKNOWN, orders.FORGOTTEN)
        else:
            self._consider(order, digest, signed)

    def tick(self, say: "Callable[[str, bytes], bool]") -> None:
        """Begin what is due, and send receipts by `say` (stream, plaintext), which may refuse."""
        now_ms = self._clock.monotonic_ms()
        self._freshness.look()
        for one in [one for one in self._waiting if one.due_ms <= now_ms]:
            self._waiting.remove(one)
            self._begin(one.order, is_late=now_ms >= one.until_ms)
        if self._results and now_ms >= self._retry_ms:
            results, self._results = self._results, []
            for entry in results:
                self._settle(entry)
        if self.beside is not None:
            self.beside(say)
        for _ in range(min(len(self._outbox), self.receipts_a_tick)):
            first = self._outbox[0]
            if self._signed is None or self._signed[0] is not first:
                self._signed = (first, orders.sign_receipt(self.signer, self.seed, first))
            if not say(RECEIPT, self._signed[1]):
                return
            self._outbox.pop(0)

    def _repeat(self, before: Entry, order: Order, digest: bytes) -> None:
        """It was heard before: say again what became of it. Another one with its number is none."""
        if before.reason == orders.DAMAGED:
            self._say(order, digest, orders.UNKNOWN, orders.DAMAGED)
        elif before.id == order.id:
            self._answer(before)
        else:
            self._say(order, digest, orders.REFUSED, orders.ALREADY_USED)

    def _consider(self, order: Order, digest: bytes, signed: bytes) -> None:
        is_fresh = self._freshness.proves(order)
        when, wait_ms, until_ms = self._freshness.judge(
            order, known_s=self._journal.known_s, is_new=self._journal.is_new)
        if when == DOUBTFUL:
            self._say(order, digest, orders.AGAIN, orders.PROVE_FRESH)
            return
        state, reason, note, weight = orders.RECEIVED, orders.NO_REASON, "", 1
        try:
            if when == OVER:
                raise Refused(orders.EXPIRED)
            weight = self._check(order, signed)
        except Refused as refused:
            state, reason, note = orders.REFUSED, refused.reason, refused.note
            self._log.warn("order %d refused, %s: %s %s" % (
                order.sequence, orders.KINDS.get(order.kind, ""), orders.REASONS[reason], note))
        entry = entry_of(order, digest, state, reason, self._clock.now_s(),
                         self._clock.quality(), fitting(note, NOTE_MAX), weight)
        failure = self._taken(entry, is_fresh=is_fresh)
        if failure:
            self._say(order, digest, orders.AGAIN, failure)
            return
        self._answer(entry)
        if state == orders.RECEIVED:
            now_ms = self._clock.monotonic_ms()
            if order.kind in CAPPED_KINDS and self._cap.delay_ms and wait_ms < until_ms:
                wait_ms += self._dice.below(min(self._cap.delay_ms, until_ms - wait_ms))
            self._waiting.append(_Waiting(order, weight, now_ms + wait_ms, now_ms + until_ms))

    def _check(self, order: Order, signed: bytes) -> int:
        """On how many meters it acts. Raises Refused."""
        act = self.acts.get(order.kind)
        if act is None:
            raise Refused(orders.KIND_UNKNOWN, orders.KINDS.get(order.kind, ""))
        act.check(order)
        weight = act.weight(order)
        waiting = sum([one.weight for one in self._waiting if one.order.kind in CAPPED_KINDS])
        if not self._cap.has_room(order.kind, weight, waiting, self._clock.monotonic_ms()):
            self._check_consents(order, signed)
        return weight

    def _check_consents(self, order: Order, signed: bytes) -> None:
        """Above the cap only with the signatures of those whom the root names. Raises Refused."""
        wanted = self.trusted.consents
        if not wanted:
            raise Refused(orders.CAPPED, "%d in an hour" % self._cap.per_hour)
        given = self.trusted.consented(signed, order)
        if given < wanted:
            raise Refused(orders.CAPPED, "%d in an hour; above it %d approvers have to sign, %d did"
                          % (self._cap.per_hour, wanted, given))

    def _taken(self, entry: Entry, *, is_fresh: bool) -> int:
        """Put it on record; 0, or why it cannot be."""
        try:
            self._journal.take(entry, is_fresh=is_fresh)
        except Full:
            return orders.TOO_MANY
        except OSError as error:
            self._log.warn("order not taken, flash refuses its record: %s" % error)
            return orders.FLASH_REFUSES
        return 0

    def _begin(self, order: Order, *, is_late: bool) -> None:
        """On record as begun first: from here on nobody begins it again."""
        entry = self._journal.find(order.sequence, order.id)
        assert entry is not None
        if is_late:                          # The process stood still meanwhile.
            self._settle(entry.become(
                orders.REFUSED, orders.EXPIRED, entry.at_s, entry.quality, ""))
            return
        begun = entry.become(BEGUN, orders.NO_REASON, self._clock.now_s(), self._clock.quality(),
                             "")
        try:
            self._journal.change(begun)
        except OSError:
            self._settle(entry.become(
                orders.REFUSED, orders.FLASH_REFUSES, entry.at_s, entry.quality, ""))
            return
        self._cap.begun(order.kind, entry.weight, self._clock.monotonic_ms())
        self._log.say("order %d begun: %s" % (order.sequence, orders.KINDS.get(order.kind, "")))
        self.acts[order.kind].begin(order, lambda result: self._done(begun, result))

    def _done(self, begun: Entry, result: Result) -> None:
        self._log.say("order %d: %s %s" % (
            begun.sequence, orders.STATES[result.state], result.note))
        self._settle(begun.become(
            result.state, result.reason, self._clock.now_s(), self._clock.quality(),
            fitting(result.note, NOTE_MAX), result.content[:orders.CONTENT_MAX]))

    def _settle(self, entry: Entry) -> None:
        """Put a last word on record, and say it then; where flash refuses, try again."""
        try:
            self._journal.change(entry)
        except OSError as error:
            self._log.warn("order %d: what came of it is not on record yet: %s" % (
                entry.sequence, error))
            self._retry_ms = self._clock.monotonic_ms() + RETRY_MS
            self._results.append(entry)
            return
        self._answer(entry)

    def _answer(self, entry: Entry) -> None:
        state = orders.RECEIVED if entry.state == BEGUN else entry.state
        self._post(Receipt(
            self.trusted.keys.concentrator, entry.id, entry.sequence, entry.digest, state,
            entry.reason, min(entry.at_s, TIME_MAX_S), entry.quality, entry.note, entry.content,
            self._freshness.challenge()))

    def _say(self, order: Order, digest: bytes, state: int, reason: int) -> None:
        """Answer an order that is not on record."""
        self._post(Receipt(
            self.trusted.keys.concentrator, order.id, order.sequence, digest, state, reason,
            min(max(0, self._clock.now_s()), TIME_MAX_S), self._clock.quality(), "", b"",
            self._freshness.challenge()))

    def _post(self, receipt: Receipt) -> None:
        self._outbox = self._outbox[1 - OUTBOX_MAX:] + [receipt]


def first_number(order: Order) -> int:
    """The number of the first order that was given for the act: that is its id.

    So one that was done and forgotten is known for that under any number it may be given again. An
    id that is no number before the order's own is of a head-end that drew ids by chance.
    """
    first = int.from_bytes(order.id, "big")
    return first if first <= order.sequence else order.sequence
