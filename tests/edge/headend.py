"""The other end of the uplink, scripted: real seals both ways, answers when the test says."""

from tests.edge.records import CONCENTRATOR
from tests.shared.quick_cipher import QuickCipher
from wum_edge.log import Log
from wum_edge.uplink.broker import Broker, Dice
from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_shared.bases import heads_after
from wum_shared.batch import decode_batch, peek_base, peek_batch
from wum_shared.gaps import GapRequest, decode_gap_answer, encode_gap_request
from wum_shared.ids import batch_digest, schema_id
from wum_shared.messages import (
    Acknowledgement,
    DirectionKey,
    decode_schema,
    encode_acknowledgement,
)
from wum_shared.status import BASE_UNKNOWN, SCHEMA_UNKNOWN, STORED
from wum_shared.topics import ANSWER, BATCH, SCHEMA, parse_topic

KEYS = Keys(CONCENTRATOR, "default", 0, DirectionKey(b"u" * 32, b"U" * 12),
            DirectionKey(b"d" * 32, b"D" * 12))
NEXT = Keys(CONCENTRATOR, "default", 1, DirectionKey(b"v" * 32, b"V" * 12),
            DirectionKey(b"e" * 32, b"E" * 12))
EPOCHS = {0: KEYS, 1: NEXT}
OTHER_KEY = DirectionKey(b"x" * 32, b"X" * 12)


class EvenDice(Dice):
    """No jitter: always the middle."""

    def below(self, limit):
        """The middle of 0..limit-1."""
        return limit // 2


class Sentences(Log):
    """Keeps what was said."""

    def __init__(self):
        self.said = []
        self.warned = []

    def say(self, text):
        """Keep it."""
        self.said.append(text)

    def warn(self, text):
        """Keep it."""
        self.warned.append(text)


class Arrival:
    """A message as the head-end opened it."""

    def __init__(self, stream, counter, sealed, opened):
        self.stream = stream
        self.sealed = sealed
        self.counter = counter
        self.opened = opened
        if stream == BATCH:
            self.incarnation, self.first, self.last, self.schema = peek_batch(opened)


class HeadEnd(Broker):
    """A broker whose only subscriber is a head-end. `connected` and `takes` are the test's."""

    def __init__(self, cipher=None):
        self.number = 1
        self.connected = True
        self.takes = True
        self.arrivals = []
        self.schemas = {}
        self.committed = {}      # Sequence number -> record, of everything that was stored.
        self.lost = []
        self.heads = {}          # Digest -> what a delta on that batch builds on.
        self._cipher = cipher or QuickCipher()
        self._counters = []
        self._next_counter = 0

    def session(self):
        """The test's connection."""
        return self.number if self.connected else 0

    def publish(self, topic, payload):
        """Open what comes; a counter that comes twice is the end of the test."""
        if not self.connected or not self.takes:
            return False
        concentrator, direction, stream = parse_topic(topic)
        named, epoch, counter = cose.peek(payload)
        assert (concentrator, direction, named) == (CONCENTRATOR, "up", CONCENTRATOR)
        assert (epoch, counter) not in self._counters, "counter %d was used twice" % counter
        self._counters.append((epoch, counter))
        opened = cose.unseal(
            self._cipher, EPOCHS[epoch].uplink, payload, "up", KEYS.tenant, stream)
        self.arrivals.append(Arrival(stream, counter, payload, opened))
        if stream == SCHEMA:
            self.schemas[schema_id(opened)] = decode_schema(opened)
        return True

    def ask(self, *ranges, number=None, key=KEYS.downlink, stream="request",
            concentrator=CONCENTRATOR, counter=None):
        """A gap request, sealed, with whatever the test wants to be wrong."""
        if counter is None:
            counter = self._next_counter
            self._next_counter += 1
        request = GapRequest(concentrator, number or counter + 1, ranges)
        return cose.seal(self._cipher, key, KEYS.key_id, counter, encode_gap_request(request),
                         "down", KEYS.tenant, stream)

    def answers(self):
        """Gap answers that have arrived so far, oldest first."""
        return [decode_gap_answer(a.opened) for a in self.arrivals if a.stream == ANSWER]

    def batches(self):
        """Batches that have arrived so far, oldest first."""
        return [arrival for arrival in self.arrivals if arrival.stream == BATCH]

    def store(self, arrival):
        """Commit a batch and return its acknowledgement, sealed."""
        if arrival.schema not in self.schemas:
            return self.acknowledgement(arrival, answer=SCHEMA_UNKNOWN)
        base = peek_base(arrival.opened)
        if base is not None and base.digest not in self.heads:
            return self.acknowledgement(arrival, answer=BASE_UNKNOWN)
        heads = None if base is None else self.heads[base.digest]
        batch = decode_batch(arrival.opened, self.schemas[arrival.schema], heads)
        self.heads[batch_digest(arrival.opened)] = heads_after(heads, batch.rows)
        for record in batch.rows + batch.missed + batch.events:
            known = self.committed.get(record.sequence)
            assert known is None or known == record, "number %d came twice" % record.sequence
            self.committed[record.sequence] = record
        for lost in batch.lost:
            if lost not in self.lost:
                self.lost.append(lost)
        return self.acknowledgement(arrival)

    def acknowledgement(self, arrival, answer=STORED, key=KEYS.downlink, kid=KEYS.key_id,
                        stream="ack", direction="down", tenant=KEYS.tenant, counter=None,
                        concentrator=CONCENTRATOR, incarnation=None, first=None, last=None,
                        digest=None, set_aside=0, note=""):
        """A sealed acknowledgement of `arrival`, with whatever the test wants to be wrong."""
        if counter is None:
            counter = self._next_counter
            self._next_counter += 1
        ack = Acknowledgement(
            concentrator, incarnation or arrival.incarnation, first or arrival.first,
            last or arrival.last, digest or batch_digest(arrival.opened), answer, set_aside, note)
        return cose.seal(self._cipher, key, kid, counter, encode_acknowledgement(ack),
                         direction, tenant, stream)
