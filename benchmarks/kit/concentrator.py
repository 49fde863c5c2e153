"""The sending half of a concentrator, without meters and archive: sealed batches out, at most four
on their way, and for each the head-end's acknowledgement, opened and compared.
"""

import queue
import threading
from pathlib import Path

import nacl.bindings
from nacl.exceptions import CryptoError
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from wum_shared import cose, topics
from wum_shared.batch import Batch, encode_batch
from wum_shared.cipher import Cipher
from wum_shared.ids import batch_digest, id_to_text
from wum_shared.messages import (
    Acknowledgement,
    Registration,
    Schema,
    decode_acknowledgement,
    decode_registration,
    encode_schema,
)
from wum_shared.status import ANSWERS, STORED

WINDOW = 4                   # Batches in flight, as the gateway has it.
_WAIT_S = 30.0


class Sodium(Cipher):
    """ChaCha20/Poly1305 by libsodium, as every port on CPython has it."""

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext and tag."""
        return nacl.bindings.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
        """Plaintext, or None when it is not genuine."""
        try:
            return nacl.bindings.crypto_aead_chacha20poly1305_ietf_decrypt(
                ciphertext, aad, nonce, key)
        except CryptoError:
            return None


def provisioned(keys: Path) -> Registration:
    """What `wum-firmware provision` wrote into the folder."""
    signed = (keys / "registration.cose").read_bytes()
    registration: Registration = decode_registration(cose.peek_signed(signed)[1])
    return registration


class Device:
    """A registered concentrator's identity and keys: it seals, and opens acknowledgements."""

    def __init__(self, registration: Registration) -> None:
        self.registration = registration
        self._counter = 0

    def topic(self, stream: str) -> str:
        """Where its messages of this stream go; that of acknowledgements leads down to it."""
        down = stream == topics.ACKNOWLEDGEMENT
        return topics.topic(
            self.registration.concentrator, topics.DOWN if down else topics.UP, stream)

    def own(self, schema: Schema, number: int) -> Schema:
        """`schema` with meters that nobody else has, by the concentrator's number."""
        return schema._replace(
            concentrator=self.registration.concentrator,
            meters=tuple(m._replace(serial=f"C{number}-{m.serial}",
                                    delivery_point=f"C{number}-{m.delivery_point}")
                         for m in schema.meters))

    def sealed(self, content: bytes, stream: str) -> bytes:
        """`content` under the next message counter."""
        self._counter += 1
        own = self.registration
        return cose.seal(
            Sodium(), own.uplink, cose.key_id(own.concentrator, own.epoch), self._counter,
            content, topics.UP, own.tenant, stream)

    def message(self, batch: Batch) -> tuple[bytes, bytes]:
        """(digest, sealed batch)."""
        content = encode_batch(batch)
        return batch_digest(content), self.sealed(content, topics.BATCH)

    def acknowledgement(self, sealed: bytes) -> Acknowledgement:
        """What the head-end answered. Raises WireError when it is not genuine."""
        own = self.registration
        return decode_acknowledgement(cose.unseal(
            Sodium(), own.downlink, sealed, topics.DOWN, own.tenant, topics.ACKNOWLEDGEMENT))


class Concentrator(Device):
    """One registered concentrator with its connection. `refused` is what was not stored."""

    def __init__(self, keys: Path, port: int) -> None:
        super().__init__(provisioned(keys))
        self.refused: list[str] = []
        self._waiting: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
        self._in_flight: set[bytes] = set()
        self._left = 0
        self._done = threading.Event()
        user = id_to_text(self.registration.concentrator)
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=user)
        self._client.username_pw_set(user, self.registration.broker_password)
        self._client.on_message = self._on_message
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(self.topic(topics.ACKNOWLEDGEMENT), qos=1)
        if not subscribed.wait(_WAIT_S):
            raise SystemExit(f"the broker does not answer concentrator {user}")

    def announce(self, schema: Schema, batch: Batch) -> None:
        """Send the schema and one batch until they are stored: ingest may still be starting."""
        for _ in range(30):
            self._publish(topics.SCHEMA, self.sealed(encode_schema(schema), topics.SCHEMA))
            self.begin([self.message(batch)])
            if self._done.wait(1.0) and not self.refused:
                return
            self.refused.clear()
        raise SystemExit("the head-end does not store a first batch within 30 s")

    def begin(self, messages: list[tuple[bytes, bytes]]) -> None:
        """Send these; `wait` returns when each is acknowledged."""
        self._left = len(messages)
        self._done.clear()
        self._in_flight.clear()
        for message in messages:
            self._waiting.put(message)
        for _ in range(min(WINDOW, len(messages))):
            self._next()

    def wait(self, timeout_s: float) -> bool:
        """Whether all were acknowledged in time."""
        return self._done.wait(timeout_s)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _next(self) -> None:
        try:
            digest, sealed = self._waiting.get_nowait()
        except queue.Empty:
            return
        self._in_flight.add(digest)
        self._publish(topics.BATCH, sealed)

    def _publish(self, stream: str, sealed: bytes) -> None:
        self._client.publish(self.topic(stream), sealed, qos=1)

    def _on_message(self, client: Client, data: object, message: MQTTMessage) -> None:
        ack = self.acknowledgement(bytes(message.payload))
        if ack.digest not in self._in_flight:
            return           # Of a try before: it was answered already.
        self._in_flight.discard(ack.digest)
        if ack.answer != STORED or ack.set_aside:
            self.refused.append(f"{ANSWERS[ack.answer]}, {ack.set_aside} set aside: {ack.note}")
        self._left -= 1
        self._next()
        if not self._left:
            self._done.set()
