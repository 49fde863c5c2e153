"""Delivery: batches sent, awaited, sent again, and the cursor moved by what the head-end answers.

Portable and without I/O of its own: time is handed in, the broker, the cipher and the dice are
ports. Nothing but a genuine acknowledgement of a batch in flight moves the cursor. Work per call
is bounded by the window. One thread only.
"""

from collections import namedtuple

from wum_edge.archive.ring import Archive
from wum_edge.log import Log
from wum_edge.uplink.answer import LATE, REASONS, WRONG_DIGEST, AnswerRefused, Answers
from wum_edge.uplink.basis import Basis
from wum_edge.uplink.batch import build_again, build_lost, build_next
from wum_edge.uplink.broker import Broker, Dice
from wum_edge.uplink.counter import Counter
from wum_edge.uplink.flight import (
    BASE_WANTED,
    DONE,
    DUE,
    NOT_SPOKEN,
    SCHEMA_WANTED,
    SENT,
    TAKEN,
    TIMED_OUT,
    Flight,
)
from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_shared.cipher import Cipher
from wum_shared.messages import Acknowledgement
from wum_shared.status import (
    BASE_UNKNOWN,
    EVENT_ACK_REFUSED,
    EVENT_ARCHIVE_DAMAGED,
    EVENT_BATCH_SET_ASIDE,
    LOST_DAMAGED,
    SCHEMA_UNKNOWN,
    SET_ASIDE,
    STORED,
    VERSION_UNSUPPORTED,
)
from wum_shared.topics import BATCH, SCHEMA, UP, topic

WINDOW = 4                    # Batches in flight. One after a timeout, until an answer comes.
ANSWER_MS = 10000             # First wait for an answer; doubled by each try ...
ANSWER_MAX_MS = 40000         # ... up to this: a backlog moves within a minute of an outage.
RECONNECT_MS = 3000           # A broken connection may have swallowed batch or answer.
SCHEMA_MS = 2000              # Second wait before a schema is sent again; doubled by each try.
VERSION_MS = 3600000          # A head-end that does not speak our version: somebody has to act.
LINGER_MS = 2000              # A few records wait so long for more: a sweep gives rows singly.
LINGER_RECORDS = 256          # So many do not wait.
EVENT_SPACING_MS = 600000     # Events of one kind that others can cause: one in ten minutes.


class Progress(namedtuple("Progress", ("in_flight", "sent", "answered", "timed_out", "refused"))):
    """Batches in flight, and counts since the start; `refused` is by reason."""

    __slots__ = ()
    in_flight: int
    sent: int
    answered: int
    timed_out: int
    refused: dict[str, int]


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
        self._flights: list[Flight] = []
        self._basis = Basis()
        self._session = 0
        self._schemas_sent: list[bytes] = []     # In this session.
        self._unanswered = False                 # A batch timed out, and nothing was heard since.
        self._lingers_until_ms: int | None = None
        self._sent = self._answered = self._timed_out = 0
        self._refused = dict.fromkeys(REASONS, 0)
        self._event_due_ms: dict[int, int] = {}
        self._held_back: dict[int, int] = {}     # Events not made for their spacing, by kind.

    def progress(self) -> Progress:
        """Where delivery stands."""
        waiting = [flight for flight in self._flights if flight.state != DONE]
        return Progress(len(waiting), self._sent, self._answered, self._timed_out,
                        dict(self._refused))

    def tick(self, now_ms: int) -> None:
        """Send what is due. Raises CounterDoubtful: then nothing may be sent any more."""
        session = self._broker.session()
        if session != self._session:
            self._begin_session(session, now_ms)
        if session:
            self._time_out(now_ms)
            self._plan(now_ms)
            self._send_due(now_ms)

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

    def _begin_session(self, session: int, now_ms: int) -> None:
        self._session = session
        self._schemas_sent = []
        for flight in self._flights:
            if flight.state == SENT:
                flight.deadline_ms = min(
                    flight.deadline_ms, now_ms + self._about(RECONNECT_MS))

    def _time_out(self, now_ms: int) -> None:
        for flight in self._flights:
            if flight.state == SENT and flight.deadline_ms <= now_ms:
                flight.happens(TIMED_OUT)
                flight.due_ms = now_ms
                self._unanswered = True
                self._timed_out += 1
                self._log.say("records %d..%d: no acknowledgement yet, sent again (try %d)" % (
                    flight.first, flight.last, flight.tries + 1))

    def _plan(self, now_ms: int) -> None:
        """Fill the window with the next batches."""
        while len(self._flights) < WINDOW:
            last = self._flights[-1].last if self._flights else self._archive.cursor
            if not self._is_time_for(self._archive.next_sequence - 1 - last, now_ms):
                return
            built = build_next(self._archive, last + 1, self._basis, now_ms)
            if built is None:
                return
            flight = Flight(built.first_sequence, built.last_sequence, built.schema_id, now_ms)
            flight.opened = (built.opened, built.digest)
            self._flights.append(flight)
            self._lingers_until_ms = None

    def _is_time_for(self, records: int, now_ms: int) -> bool:
        """Whether so many new records make a batch now, or wait for more."""
        if not records:
            self._lingers_until_ms = None
            return False
        if self._lingers_until_ms is None:
            self._lingers_until_ms = now_ms + LINGER_MS
        return records >= LINGER_RECORDS or now_ms >= self._lingers_until_ms

    def _send_due(self, now_ms: int) -> None:
        """Send what is due within the window; after a timeout that is one batch, as a probe."""
        waiting = [flight for flight in self._flights if flight.state == SENT or (
            flight.state == DUE and flight.due_ms <= now_ms)]
        for flight in waiting[:1 if self._unanswered else WINDOW]:
            if flight.state == DUE and not self._send(flight, now_ms):
                return

    def _send(self, flight: Flight, now_ms: int) -> bool:
        """Whether the broker took the schema, where it is needed, and the batch."""
        failure = None
        try:
            opened, digest = self._opened(flight, now_ms)
            if not self._send_schema(flight, now_ms) or not self._publish(BATCH, opened):
                return False
        except OSError as error:
            failure = error
        if failure is not None:
            flight.due_ms = now_ms + self._about(ANSWER_MS)
            self._log.warn("records %d..%d: not sent, flash fails: %s" % (
                flight.first, flight.last, failure))
            return False
        wait_ms = ANSWER_MS
        for _ in range(flight.tries):
            wait_ms = min(2 * wait_ms, ANSWER_MAX_MS)
        flight.went_out(digest, now_ms + self._about(wait_ms))
        self._sent += 1
        return True

    def _opened(self, flight: Flight, now_ms: int) -> tuple[bytes, bytes]:
        """The opened batch and its digest, built again from the archive for a second sending."""
        if flight.opened is not None:
            return flight.opened
        if flight.as_lost:
            built = build_lost(self._archive, flight.first, flight.last, flight.schema_id,
                               LOST_DAMAGED)
        else:
            again = build_again(
                self._archive, flight.first, flight.last, self._basis, now_ms)
            assert again is not None and again.last_sequence == flight.last
            built = again
        flight.schema_id = built.schema_id
        return built.opened, built.digest

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
        for flight in self._flights:
            if (flight.first, flight.last) == (ack.first_sequence, ack.last_sequence):
                if ack.digest in flight.digests:
                    return flight
                raise AnswerRefused(WRONG_DIGEST, "records %d..%d" % (flight.first, flight.last))
        raise AnswerRefused(LATE, "records %d..%d" % (ack.first_sequence, ack.last_sequence))

    def _taken(self, flight: Flight, ack: Acknowledgement, now_ms: int) -> None:
        if flight.state != DONE:
            self._answered += 1
            if ack.answer == SET_ASIDE or ack.set_aside:
                self._tell(EVENT_BATCH_SET_ASIDE, "records %d..%d: %d set aside: %s" % (
                    flight.first, flight.last, ack.set_aside, ack.note), now_ms)
        if ack.answer == STORED:
            self._basis.stored(ack.digest)
        flight.happens(TAKEN)
        while self._flights and self._flights[0].state == DONE:
            self._archive.acknowledge(self._flights.pop(0).last)

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

    def _not_spoken(self, flight: Flight, ack: Acknowledgement, now_ms: int) -> None:
        flight.happens(NOT_SPOKEN)
        flight.due_ms = now_ms + self._about(VERSION_MS)
        self._log.warn("records %d..%d: the head-end does not speak our version of the contract; "
                       "update the head-end or this gateway. Tried again in an hour. %s" % (
                           flight.first, flight.last, ack.note))

    def _refuse(self, refused: AnswerRefused, now_ms: int) -> None:
        self._refused[refused.reason] += 1
        if refused.reason == LATE:
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
