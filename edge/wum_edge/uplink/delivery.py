"""Delivery: batches sent, awaited, sent again, and the cursor moved by what the head-end answers.

Portable and without I/O of its own: time is handed in, the broker, the cipher and the dice are
ports. Nothing but a genuine acknowledgement of a batch in flight moves the cursor, and what the
head-end asks for again moves none. Work per call is bounded by the window. One thread only. Left
out: which records go next (lanes.py), what the archive has of a gap request (gaps.py).
"""

from wum_edge.archive.advice import told
from wum_edge.archive.ring import Archive
from wum_edge.log import Log
from wum_edge.uplink.answer import LATE, REASONS, REPLAYED, WRONG_DIGEST, AnswerRefused, Answers
from wum_edge.uplink.asked import REQUEST_SPACING_MS as REQUEST_SPACING_MS
from wum_edge.uplink.asked import Asked
from wum_edge.uplink.basis import Basis
from wum_edge.uplink.batch import Built, build_gap, build_next
from wum_edge.uplink.broker import Broker, Dice
from wum_edge.uplink.counter import Counter
from wum_edge.uplink.flight import (
    BASE_WANTED,
    DUE,
    NOT_SPOKEN,
    SCHEMA_WANTED,
    SENT,
    TAKEN,
    TIMED_OUT,
    Flight,
)
from wum_edge.uplink.keys import Keys
from wum_edge.uplink.lanes import ASKED, BEHIND, LIVE, Lanes
from wum_edge.uplink.lanes import WINDOW as WINDOW
from wum_edge.uplink.once_more import opened_again
from wum_edge.uplink.progress import Progress
from wum_shared import cose
from wum_shared.cipher import Cipher
from wum_shared.gaps import GapRange
from wum_shared.messages import Acknowledgement
from wum_shared.order import in_order
from wum_shared.status import (
    BASE_UNKNOWN,
    EVENT_ACK_REFUSED,
    EVENT_ARCHIVE_DAMAGED,
    EVENT_BATCH_SET_ASIDE,
    SCHEMA_UNKNOWN,
    SET_ASIDE,
    STORED,
    VERSION_UNSUPPORTED,
)
from wum_shared.topics import BATCH, SCHEMA, UP, topic

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_MS = Broker.answer_ms  # First wait for an answer; doubled by each try, up to a maximum.
ANSWER_MAX_MS = Broker.answer_max_ms
RECONNECT_MS = Broker.reconnect_ms
SCHEMA_MS = 2000              # Second wait before a schema is sent again; doubled by each try.
VERSION_MS = 3600000          # A head-end that does not speak our version: somebody has to act.
LINGER_MS = Broker.linger_ms  # A few records wait so long for more.
LINGER_RECORDS = 256          # So many do not wait.
EVENT_SPACING_MS = 600000     # Events of one kind that others can cause: one in ten minutes.
ASKED_TRIES = 5               # Of a batch that was asked for; it can be asked for once more.


class Delivery:
    """Delivers what the archive holds. `events` collects (kind, note) for whoever archives them."""

    def __init__(
            self, *, archive: Archive, counter: Counter, cipher: Cipher, keys: Keys,
            broker: Broker, dice: Dice, log: Log,
    ) -> None:
        self.events: list[tuple[int, str]] = []
        self._archive = archive
        self._counter = counter
        self._cipher = cipher
        self._keys = keys
        self._broker = broker
        self._dice = dice
        self._log = log
        self._answers = Answers(cipher, keys, archive.incarnation)
        self._lanes = Lanes(archive.next_sequence)
        self._asked = Asked(archive, keys.concentrator, log)
        self._basis = Basis()
        self._session = 0
        self._batch_bytes = broker.batch_bytes   # Of the present connection.
        self._schemas_sent: list[bytes] = []     # In this session.
        self._unanswered = False                 # A batch timed out, and nothing was heard since.
        self._lingers_until_ms: int | None = None
        self._lingered_to = 0                    # Records up to this number waited long enough.
        self._sent = self._answered = self._timed_out = self._rebuilt = 0
        self._refused = dict.fromkeys(REASONS, 0)
        self._event_due_ms: dict[int, int] = {}
        self._held_back: dict[int, int] = {}     # Events not made for their spacing, by kind.

    def progress(self) -> Progress:
        """Where delivery stands."""
        return Progress(len(self._lanes.flights), self._sent, self._answered, self._timed_out,
                        dict(self._refused), self._asked.answered, self._rebuilt)

    def tick(self, now_ms: int) -> None:
        """Send what is due. Raises CounterDoubtful: then nothing may be sent any more."""
        session = self._broker.session()
        if session != self._session:
            self._begin_session(session, now_ms)
        if session:
            self._time_out(now_ms)
            self._plan(now_ms)
            self._send_due(now_ms)
            self._answer_request()

    def heard(self, sealed: bytes, now_ms: int) -> None:
        """Take an acknowledgement. One that is forged, foreign or heard before moves nothing."""
        try:
            ack = self._answers.open(sealed)
            flight = self._flight_of(ack)
        except AnswerRefused as refused:
            self._refuse(refused, now_ms)
            return
        self._unanswered = False
        if ack.answer == SCHEMA_UNKNOWN:
            self._schema_wanted(flight, now_ms)
        elif ack.answer == VERSION_UNSUPPORTED:
            self._not_spoken(flight, ack, now_ms)
        elif ack.answer == BASE_UNKNOWN:
            self._base_wanted(flight, ack, now_ms)
        else:
            self._taken(flight, ack, now_ms)

    def asked(self, sealed: bytes, now_ms: int) -> None:
        """Take a gap request, unless one is worked off or came just now. It moves no cursor."""
        try:
            request = self._answers.request(sealed)
        except AnswerRefused as refused:
            self._refuse(refused, now_ms)
            return
        self._asked.take(request, now_ms, self._broker.batch_bytes)

    def look_again(self, stretch: GapRange, done: "Callable[[bytes, str], None]") -> bool:
        """An order wants a stretch of time once more, see Asked.order."""
        return self._asked.order(stretch, done)

    def say(self, stream: str, plaintext: bytes) -> bool:
        """Send what is no record and is not awaited: whether it was taken. Raises OSError,
        CounterDoubtful.
        """
        return (self._broker.session() != 0 and self._broker.has_room()
                and self._publish(stream, plaintext))

    def rekey(self, keys: Keys, counter: Counter) -> None:
        """Seal with these from now on. What is in flight stays: answers to it come as before."""
        self._keys, self._counter = keys, counter
        self._answers.rekey(keys)

    def _begin_session(self, session: int, now_ms: int) -> None:
        self._session = session
        self._schemas_sent = []
        if self._broker.batch_bytes < self._batch_bytes:
            self._lanes.flights.clear()      # Too long for this connection: cut anew.
            self._asked.forget("the connection takes only shorter batches now: order it again")
        self._batch_bytes = self._broker.batch_bytes
        if session:
            self._lanes.reconnected(self._archive.next_sequence)
        for flight in self._lanes.flights:
            if flight.state == SENT:
                flight.deadline_ms = min(
                    flight.deadline_ms, now_ms + self._about(self._broker.reconnect_ms))

    def _time_out(self, now_ms: int) -> None:
        for flight in list(self._lanes.flights):
            if flight.state == SENT and flight.deadline_ms <= now_ms:
                flight.happens(TIMED_OUT)
                flight.due_ms = now_ms
                self._unanswered = True
                self._timed_out += 1
                if flight.lane == ASKED and flight.tries >= ASKED_TRIES:
                    self._lanes.flights.remove(flight)
                    continue
                self._log.say("records %d..%d: no acknowledgement yet, sent again (try %d)" % (
                    flight.first, flight.last, flight.tries + 1))

    def _plan(self, now_ms: int) -> None:
        """Fill the window with the next batches: a live one first, and a place for every lane."""
        if self._has_place(LIVE):
            self._plan_live(now_ms)          # One a call: a board takes half a second for it.
        behind = self._lanes.behind(self._archive.cursor)
        while behind is not None and self._has_place(BEHIND):
            built, _ = build_gap(self._archive, *behind, self._broker.batch_bytes)
            if built is None:
                break
            self._add(BEHIND, built, now_ms)
            behind = self._lanes.behind(self._archive.cursor)
        if (self._asked.is_searching() or self._asked.waits()) and self._has_place(ASKED):
            built = self._asked.step(self._broker.batch_bytes)
            if built is not None:
                self._add(ASKED, built, now_ms)

    def _has_place(self, lane: int) -> bool:
        return self._lanes.has_place(
            lane, is_behind=self._lanes.behind(self._archive.cursor) is not None,
            is_asked=self._asked.is_busy())

    def _plan_live(self, now_ms: int) -> None:
        """Add a live batch, if one is due."""
        first = self._lanes.live_next
        if not self._is_time_for(first, now_ms):
            return
        built = build_next(
            self._archive, first, self._basis, now_ms, self._broker.batch_bytes)
        if built is not None:
            self._add(LIVE, built, now_ms)
            self._lanes.live_next = built.last_sequence + 1
            self._lingers_until_ms = None

    def _add(self, lane: int, built: Built, now_ms: int) -> None:
        flight = Flight(lane, built.first_sequence, built.last_sequence, built.schema_id, now_ms)
        flight.opened = (built.opened, built.digest)
        self._lanes.flights.append(flight)

    def _is_time_for(self, first: int, now_ms: int) -> bool:
        """Whether the new records from `first` on make a batch now, or wait for more. What waited
        long enough and finds no place in one batch goes with the next ones at once.
        """
        newest = self._archive.next_sequence - 1
        if first > newest:
            self._lingers_until_ms = None
            return False
        if first <= self._lingered_to:
            return True
        if self._lingers_until_ms is None:
            self._lingers_until_ms = now_ms + self._broker.linger_ms
        if newest - first + 1 < LINGER_RECORDS and now_ms < self._lingers_until_ms:
            return False
        self._lingered_to = newest
        return True

    def _send_due(self, now_ms: int) -> None:
        """Send what is due; after a timeout one batch as a probe, whichever waits longest."""
        due = [one for one in self._lanes.flights if one.state == DUE and one.due_ms <= now_ms]
        if self._unanswered:
            if [one for one in self._lanes.flights if one.state == SENT and one.tries > 1]:
                return
            due = in_order(due, _due_ms)[:1]
        for flight in due:
            if not self._broker.has_room() or not self._send(flight, now_ms):
                return

    def _answer_request(self) -> None:
        """Say what became of a gap request, once all that was found has been acknowledged."""
        if self._broker.has_room() and not [
                one for one in self._lanes.flights if one.lane == ASKED]:
            self._asked.finish(self._publish)

    def _send(self, flight: Flight, now_ms: int) -> bool:
        """Whether the broker took the schema, where it is needed, and the batch."""
        failure = None
        try:
            batch = flight.opened or opened_again(self._archive, flight, self._basis, now_ms)
            if batch is None:
                self._lanes.flights.remove(flight)
                return True
            opened, digest = batch
            if not self._send_schema(flight, now_ms) or not self._publish(BATCH, opened):
                return False
        except OSError as error:
            failure = error
        if failure is not None:
            flight.due_ms = now_ms + self._about(ANSWER_MS)
            self._log.warn("records %d..%d: not sent, flash fails: %s" % (
                flight.first, flight.last, told(failure)))
            return False
        wait_ms = self._broker.answer_ms
        for _ in range(flight.tries):
            wait_ms = min(2 * wait_ms, self._broker.answer_max_ms)
        flight.went_out(digest, now_ms, now_ms + self._about(wait_ms), self._broker.last)
        self._sent += 1
        self._log.batch(self._archive.incarnation, flight.first, flight.last, "sent")
        return True

    def _send_schema(self, flight: Flight, now_ms: int) -> bool:
        """Whether the head-end was told the schema in this session, or may know it."""
        if flight.schema_id in self._schemas_sent:
            return True
        encoded = self._archive.schema(flight.schema_id)
        if encoded is not None:
            if not self._publish(SCHEMA, encoded):
                return False
        elif flight.schema_wanted and not flight.as_lost:
            return self._give_up_schema(flight, now_ms)
        self._schemas_sent.append(flight.schema_id)
        return True

    def _give_up_schema(self, flight: Flight, now_ms: int) -> bool:
        """Nobody has the schema any more: without it the records mean nothing. Always False.

        They are reported as lost, under the present schema, so that what follows goes on.
        """
        flight.due_ms = now_ms + self._about(ANSWER_MS)
        if self._archive.latest_schema not in (b"", flight.schema_id):
            flight.as_lost = True
            flight.schema_id = self._archive.latest_schema
            self.events.append((EVENT_ARCHIVE_DAMAGED, "records %d..%d: their schema is damaged" % (
                flight.first, flight.last)))
            flight.due_ms = now_ms
        return False

    def _publish(self, stream: str, plaintext: bytes) -> bool:
        """Seal under a counter of its own and hand over. Raises OSError, CounterDoubtful."""
        keys = self._keys
        sealed = cose.seal(self._cipher, keys.uplink, keys.key_id, self._counter.take(),
                           plaintext, UP, keys.tenant, stream)
        return self._broker.publish(topic(keys.concentrator, UP, stream), sealed)

    def _flight_of(self, ack: Acknowledgement) -> Flight:
        numbers = (ack.first_sequence, ack.last_sequence)
        flights = [one for one in self._lanes.flights if (one.first, one.last) == numbers]
        for flight in flights:
            if ack.digest in flight.digests:
                return flight
        raise AnswerRefused(WRONG_DIGEST if flights else LATE, "records %d..%d" % numbers)

    def _taken(self, flight: Flight, ack: Acknowledgement, now_ms: int) -> None:
        self._answered += 1
        self._broker.answered(now_ms - flight.sent_ms)
        for copy in flight.copies:
            self._broker.withdraw(copy)
        if ack.answer == SET_ASIDE or ack.set_aside:
            self._tell(EVENT_BATCH_SET_ASIDE, "records %d..%d: %d set aside: %s" % (
                flight.first, flight.last, ack.set_aside, ack.note), now_ms)
        if ack.answer == STORED:
            self._basis.stored(ack.digest)
        flight.happens(TAKEN)
        self._log.batch(self._archive.incarnation, flight.first, flight.last, "acknowledged")
        cursor = self._lanes.done(flight, self._archive.cursor)
        if cursor > self._archive.cursor:
            self._archive.acknowledge(cursor)

    def _schema_wanted(self, flight: Flight, now_ms: int) -> None:
        flight.happens(SCHEMA_WANTED)
        self._schemas_sent = [s for s in self._schemas_sent if s != flight.schema_id]
        wait_ms = 0
        for _ in range(flight.schema_wanted):
            wait_ms = min(max(2 * wait_ms, SCHEMA_MS), ANSWER_MAX_MS)
        flight.schema_wanted += 1
        flight.due_ms = now_ms + self._about(wait_ms)

    def _base_wanted(self, flight: Flight, ack: Acknowledgement, now_ms: int) -> None:
        """Send the same records in full. An answer to another batch than the last sent is late."""
        self._basis.unknown()
        if ack.digest == flight.digests[-1]:
            flight.happens(BASE_WANTED)
            flight.due_ms = now_ms
            self._rebuilt += 1
            self._log.say("records %d..%d: the head-end lacks what they build on, sent in full" % (
                flight.first, flight.last))

    def _not_spoken(self, flight: Flight, ack: Acknowledgement, now_ms: int) -> None:
        flight.happens(NOT_SPOKEN)
        flight.due_ms = now_ms + self._about(VERSION_MS)
        self._log.warn("records %d..%d: the head-end does not speak our version of the contract; "
                       "update the head-end or this gateway. Tried again in an hour. %s" % (
                           flight.first, flight.last, ack.note))

    def _refuse(self, refused: AnswerRefused, now_ms: int) -> None:
        self._refused[refused.reason] += 1
        if refused.reason == LATE or (refused.reason == REPLAYED and refused.is_request):
            self._log.say(str(refused))
        else:
            self._tell(EVENT_ACK_REFUSED, str(refused), now_ms)

    def _tell(self, kind: int, note: str, now_ms: int) -> None:
        """An event that others can cause at will: the first at once, then one per spacing."""
        if now_ms < self._event_due_ms.get(kind, now_ms):
            self._held_back[kind] = self._held_back.get(kind, 0) + 1
            return
        self._event_due_ms[kind] = now_ms + EVENT_SPACING_MS
        held_back = self._held_back.pop(kind, 0)
        if held_back:
            note = "%d more before; now %s" % (held_back, note)
        self._log.warn(note)
        self.events.append((kind, note))

    def _about(self, wait_ms: int) -> int:
        """`wait_ms` give or take a quarter, so that a fleet does not act in step."""
        return wait_ms - wait_ms // 4 + self._dice.below(wait_ms // 2 + 1)


def _due_ms(flight: Flight) -> int:
    return flight.due_ms
