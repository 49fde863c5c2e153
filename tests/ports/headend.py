"""A head-end in a thread: opens what comes over a real broker, keeps it, and acknowledges."""

import threading
from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.services.broker import Broker
from wum_edge.ports.linux.cipher import Cipher
from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_shared.bases import heads_after
from wum_shared.batch import (
    Batch,
    Event,
    Lost,
    Missed,
    Row,
    decode_batch,
    peek_base,
    peek_batch,
)
from wum_shared.ids import batch_digest, schema_id
from wum_shared.messages import (
    Acknowledgement,
    Schema,
    decode_schema,
    encode_acknowledgement,
)
from wum_shared.status import BASE_UNKNOWN, SCHEMA_UNKNOWN, STORED
from wum_shared.topics import ACKNOWLEDGEMENT, BATCH, DOWN, SCHEMA, parse_topic, topic

PATIENCE_S = 60


class HeadEnd:
    """Everything that arrived, by sequence number. `answers` tells which batches it answers."""

    def __init__(self, broker: Broker, keys: Keys) -> None:
        self.answers: Callable[[int], bool] = lambda number: True
        self.committed: dict[int, Row | Missed | Event] = {}
        self.lost: list[Lost] = []
        self.counters: list[int] = []
        self.incarnations: set[bytes] = set()
        self.mistakes: list[str] = []
        self.batches = 0
        self._schemas: dict[bytes, Schema] = {}
        self._heads: dict[bytes, dict[tuple[int, int], tuple[int, ...]]] = {}
        self._keys = keys
        self._cipher = Cipher()
        self._next_counter = 0
        self._changed = threading.Condition()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.username_pw_set("head-end", broker.account("head-end"))
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("wum/0/+/up/+", qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._hear
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert subscribed.wait(PATIENCE_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for(self, holds: Callable[["HeadEnd"], object]) -> None:
        """Until `holds`, looked at after every message."""
        with self._changed:
            held = self._changed.wait_for(lambda: holds(self), timeout=PATIENCE_S)
        assert held, f"waited in vain: {len(self.committed)} records, {self.mistakes}"

    def _hear(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            try:
                self._open(client, message.topic, bytes(message.payload))
            except Exception as error:     # paho would swallow it.
                self.mistakes.append(repr(error))
            self._changed.notify_all()

    def _open(self, client: mqtt.Client, name: str, sealed: bytes) -> None:
        stream = parse_topic(name)[2]
        counter = cose.peek(sealed)[2]
        if counter in self.counters:
            self.mistakes.append(f"counter {counter} came twice")
        self.counters.append(counter)
        opened = cose.unseal(
            self._cipher, self._keys.uplink, sealed, "up", self._keys.tenant, stream)
        if stream == SCHEMA:
            self._schemas[schema_id(opened)] = decode_schema(opened)
            return
        if stream != BATCH:      # What it says of itself is no record.
            return
        self.batches += 1
        incarnation, first, last, schema = peek_batch(opened)
        answer = STORED if schema in self._schemas else SCHEMA_UNKNOWN
        base = peek_base(opened)
        if answer == STORED and base is not None and base.digest not in self._heads:
            answer = BASE_UNKNOWN
        if answer == STORED:
            heads = None if base is None else self._heads[base.digest]
            batch = decode_batch(opened, self._schemas[schema], heads)
            self._heads[batch_digest(opened)] = heads_after(heads, batch.rows)
            self._keep(batch)
        if not self.answers(self.batches):
            return
        ack = encode_acknowledgement(Acknowledgement(
            self._keys.concentrator, incarnation, first, last, batch_digest(opened), answer, 0,
            ""))
        client.publish(topic(self._keys.concentrator, DOWN, ACKNOWLEDGEMENT), cose.seal(
            self._cipher, self._keys.downlink, self._keys.key_id, self._next_counter, ack, DOWN,
            self._keys.tenant, ACKNOWLEDGEMENT), qos=1)
        self._next_counter += 1

    def _keep(self, batch: Batch) -> None:
        self.incarnations.add(batch.incarnation)
        for record in (*batch.rows, *batch.missed, *batch.events):
            known = self.committed.setdefault(record.sequence, record)
            if known != record:
                self.mistakes.append(f"number {record.sequence} has two records")
        self.lost.extend(batch.lost)


def started_at(head_end: HeadEnd) -> list[int]:
    """Sequence numbers of the events that say that the agent started."""
    return sorted(n for n, r in head_end.committed.items() if type(r) is Event and r.kind == 1)


def has_no_gap(head_end: HeadEnd) -> bool:
    """Whether every number from 1 to the highest is there."""
    return len(head_end.committed) == max(head_end.committed, default=0)


