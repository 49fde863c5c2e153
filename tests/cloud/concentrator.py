"""A concentrator for tests of the head-end: made of the contract alone, with a line to nowhere."""

import secrets
from dataclasses import dataclass, field

import nacl.bindings

from wum_cloud.broker import Delivery
from wum_cloud.registry.cipher import SodiumCipher
from wum_shared import cose, topics
from wum_shared.batch import Batch, Event, Lost, Missed, Row, encode_batch
from wum_shared.cipher import Signer
from wum_shared.ids import batch_digest, concentrator_id, schema_id
from wum_shared.messages import (
    Acknowledgement,
    DirectionKey,
    Meter,
    Register,
    RegisterSet,
    Registration,
    Schedule,
    Schema,
    decode_acknowledgement,
    encode_registration,
    encode_schema,
)
from wum_shared.obis import obis_from_text
from wum_shared.status import ABSENT, LATE

HOUR_S = 1_789_999_200          # 2026-09-21T14:00:00Z, a full hour.
NOW_S = HOUR_S + 48 * 3600
CODES = ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0", "1-0:32.7.0", "1-0:52.7.0",
         "1-0:72.7.0", "1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0", "1-0:16.7.0", "1-0:14.7.0")
CIPHER = SodiumCipher()


class SodiumSigner(Signer):
    """Ed25519, private side: only a concentrator signs."""

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Signature (64 bytes)."""
        _, secret = nacl.bindings.crypto_sign_seed_keypair(seed)
        return nacl.bindings.crypto_sign(message, secret)[:64]


def register_set(*codes: str, profile: int = 0, scaler: int = 0) -> RegisterSet:
    """A register set of these OBIS codes, all in Wh for simplicity."""
    return RegisterSet(profile, tuple([Register(obis_from_text(c), scaler, 30) for c in codes]))


def schema_of(
        device_id: bytes, serials: list[str], sets: list[RegisterSet], *, model: str = "test",
        tenant: str = "default", valid_from_s: int = HOUR_S,
) -> Schema:
    """Meters with these serials, each with all register sets, read every hour."""
    return Schema(
        tenant, device_id, valid_from_s,
        tuple([Meter(s, "dp-" + s, model, tuple(range(len(sets))), (0,) * len(sets))
               for s in serials]),
        tuple(sets), (Schedule(3600, 0),))


@dataclass
class Concentrator:
    """Seals what a test wants to send and opens what the head-end answers."""

    serials: list[str] = field(default_factory=lambda: ["M-1", "M-2"])
    sets: list[RegisterSet] = field(default_factory=lambda: [register_set(*CODES)])
    tenant: str = "default"
    epoch: int = 0
    incarnation: bytes = field(default_factory=lambda: secrets.token_bytes(8))
    counter: int = 0
    sequence: int = 1

    def __post_init__(self) -> None:
        self.seed = secrets.token_bytes(32)
        self.identity_key, _ = nacl.bindings.crypto_sign_seed_keypair(self.seed)
        self.id = concentrator_id(self.identity_key)
        self.uplink = DirectionKey(secrets.token_bytes(32), secrets.token_bytes(12))
        self.downlink = DirectionKey(secrets.token_bytes(32), secrets.token_bytes(12))
        self.password = secrets.token_urlsafe(24)
        self.use_schema(schema_of(self.id, self.serials, self.sets, tenant=self.tenant))

    def use_schema(self, schema: Schema) -> None:
        """Batches from now on are by this schema."""
        self.schema = schema
        self.schema_id = schema_id(encode_schema(schema))

    def registration(self) -> Registration:
        """What provisioning would hand over."""
        return Registration(
            self.id, self.identity_key, self.tenant, self.epoch, self.uplink, self.downlink,
            self.password)

    def registration_file(self) -> bytes:
        """The same, signed."""
        return cose.sign(SodiumSigner(), self.seed, self.id, encode_registration(
            self.registration()))

    def row(
            self, meter: int = 0, hour: int = 0, values: list[int | None] | None = None, *,
            at_s: int | None = None, quality: int = 0, set_: int = 0, late: bool = False,
    ) -> Row:
        """The next row; a value that is None is absent. By default every value tells its place."""
        width = len(self.schema.register_sets[set_].registers)
        if values is None:
            values = [1000 * (hour + 1) + 100 * meter + place for place in range(width)]
        statuses = [ABSENT if value is None else LATE if late else 0 for value in values]
        row = Row(
            self.sequence, meter, set_, HOUR_S + 3600 * hour if at_s is None else at_s, quality,
            tuple(values), tuple(statuses))
        self.sequence += 1
        return row

    def batch(self, *records: Row | Missed | Event | Lost) -> Batch:
        """A batch of records made one after the other."""
        rows = tuple([r for r in records if isinstance(r, Row)])
        missed = tuple([r for r in records if isinstance(r, Missed)])
        events = tuple([r for r in records if isinstance(r, Event)])
        lost = tuple([r for r in records if isinstance(r, Lost)])
        firsts = [r.sequence for r in rows + missed + events] + [x.first_sequence for x in lost]
        lasts = [r.sequence for r in rows + missed + events] + [x.last_sequence for x in lost]
        return Batch(
            self.incarnation, min(firsts), max(lasts), self.schema_id, rows, missed, events, lost)

    def send(self, content: Batch | Schema | bytes, stream: str = topics.BATCH) -> Delivery:
        """Seal with the next message counter."""
        if isinstance(content, Schema):
            content, stream = encode_schema(content), topics.SCHEMA
        elif isinstance(content, Batch):
            content = encode_batch(content)
        self.counter += 1
        sealed = cose.seal(
            CIPHER, self.uplink, cose.key_id(self.id, self.epoch), self.counter, content, "up",
            self.tenant, stream)
        return delivery(topics.topic(self.id, topics.UP, stream), sealed)

    def send_rows(self, *records: Row | Missed | Event | Lost) -> Delivery:
        """A sealed batch of these records."""
        return self.send(self.batch(*records))

    def send_schema(self) -> Delivery:
        """The sealed schema."""
        return self.send(self.schema)

    def opened(self, answer: tuple[str, bytes]) -> Acknowledgement:
        """The acknowledgement in an answer: must be genuine and on our topic."""
        topic, sealed = answer
        assert topic == topics.topic(self.id, topics.DOWN, topics.ACKNOWLEDGEMENT)
        return decode_acknowledgement(cose.unseal(
            CIPHER, self.downlink, sealed, topics.DOWN, self.tenant, topics.ACKNOWLEDGEMENT))


def delivery(topic: str, payload: bytes) -> Delivery:
    """A message as the broker hands it over."""
    return Delivery(topic, payload, session=1, message_id=1, qos=1)


def digest_of(batch: Batch) -> bytes:
    """What an acknowledgement of `batch` must repeat."""
    return batch_digest(encode_batch(batch))
