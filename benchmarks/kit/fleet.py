"""A fleet of concentrators as the head-end sees it: thousands of registered identities, their
sealed batches, and one connection that carries them to the broker and hears every acknowledgement.

Left out: ten thousand connections; a broker that holds those is not what is measured.
"""

import asyncio
import os
import threading
import time
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from kit.concentrator import Device
from kit.head_end import LOAD
from kit.recorded import METERS, Recorded
from wum_cloud.database import connect
from wum_cloud.registry import store
from wum_cloud.registry.keys import open_vault
from wum_shared.batch import encode_batch
from wum_shared.ids import batch_digest, schema_id
from wum_shared.messages import DirectionKey, Registration, encode_schema
from wum_shared.status import ANSWERS, STORED
from wum_shared.topics import ACKNOWLEDGEMENT, BATCH, DOWN, ROOT, SCHEMA

HOUR_S = 3600
WAIT_S = 120.0
_SIZE_ID, _SIZE_KEY, _SIZE_IV = 8, 32, 12


def registered(url: str, key_file: Path, count: int) -> list[Device]:
    """So many new concentrators, in the database as `wum-cloud register` puts them there."""
    return asyncio.run(_registered(url, key_file, count))


async def _registered(url: str, key_file: Path, count: int) -> list[Device]:
    vault = open_vault(key_file)
    devices = []
    async with await connect(url) as connection:
        tenant = await store.tenant_id(connection, "default")
        for _ in range(count):
            own = Registration(
                os.urandom(_SIZE_ID), os.urandom(_SIZE_KEY), "default", 0, _key(), _key(),
                "nobody connects with it")
            number = await store.save_concentrator(
                connection, own, tenant=tenant, name=None, site=None, password_hash="-")
            await store.save_keys(connection, number, own.epoch, vault.seal(
                own.concentrator, own.epoch, own.uplink, own.downlink))
            devices.append(Device(own))
    return devices


def _key() -> DirectionKey:
    return DirectionKey(os.urandom(_SIZE_KEY), os.urandom(_SIZE_IV))


class Message:
    """One sealed message; `key` is what its acknowledgement names, empty where none comes."""

    def __init__(self, topic: str, payload: bytes, key: bytes) -> None:
        self.topic = topic
        self.payload = payload
        self.key = key


class Fleet:
    """Devices with schemas of their own; makes their messages and checks their answers."""

    def __init__(self, devices: list[Device], source: Recorded) -> None:
        self.devices = devices
        self._source = source
        self._by_topic = {device.topic(ACKNOWLEDGEMENT): device for device in devices}
        self._schemas = [encode_schema(device.own(source.schema, number))
                         for number, device in enumerate(devices)]
        self._names = [schema_id(schema) for schema in self._schemas]

    def schemas(self) -> list[Message]:
        """Each one's schema."""
        return [Message(device.topic(SCHEMA), device.sealed(schema, SCHEMA), b"")
                for device, schema in zip(self.devices, self._schemas, strict=True)]

    def batches(self, first_hour: int, hours: int) -> list[Message]:
        """One batch of each: all its meters, so many hours from `first_hour` on."""
        batch = self._source.batch(
            first_s=self._source.start_s + first_hour * HOUR_S,
            last_s=self._source.start_s + (first_hour + hours) * HOUR_S,
            first_sequence=1 + first_hour * METERS)
        # Encoded once: two names of eight bytes are all that differs from one to the next.
        draft = encode_batch(batch)
        if draft.count(batch.schema_id) != 1 or draft.count(batch.incarnation) != 1:
            raise SystemExit("a name of the batch stands in it twice, or by chance")
        found = []
        for device, name in zip(self.devices, self._names, strict=True):
            own = batch._replace(schema_id=name, incarnation=device.registration.concentrator)
            content = draft.replace(batch.schema_id, name).replace(
                batch.incarnation, device.registration.concentrator)
            if not found and content != encode_batch(own):
                raise SystemExit("the draft of a batch is none")
            found.append(Message(device.topic(BATCH), device.sealed(content, BATCH),
                                 batch_digest(content)))
        return found

    def answered(self, topic: str, sealed: bytes) -> bytes:
        """Which batch this acknowledgement is for. Ends the benchmark where it was not stored."""
        answer = self._by_topic[topic].acknowledgement(sealed)
        if answer.answer != STORED or answer.set_aside:
            raise SystemExit(f"not stored: {ANSWERS[answer.answer]}, {answer.set_aside} set "
                             f"aside: {answer.note}")
        return bytes(answer.digest)


class Link:
    """The connection of the whole fleet. Acknowledgements are kept with the time they came at."""

    def __init__(self, port: int, password: str) -> None:
        self.heard: list[tuple[float, str, bytes]] = []
        self.said: dict[bytes, float] = {}
        self._awaited = 0            # Messages said of which each gets one acknowledgement.
        self._news = threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="load")
        self._client.username_pw_set(LOAD, password)
        self._client.max_inflight_messages_set(20_000)
        self._client.max_queued_messages_set(0)
        self._client.on_message = self._on_message
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(f"{ROOT}/+/{DOWN}/{ACKNOWLEDGEMENT}", qos=1)
        if not subscribed.wait(WAIT_S):
            raise SystemExit("the broker does not answer")

    def say(self, message: Message) -> None:
        """Publish, and note when."""
        with self._news:
            self._awaited += bool(message.key)
        self.said[message.key] = time.perf_counter()
        self._client.publish(message.topic, message.payload, qos=1)

    def wait_for(self, count: int) -> None:
        """Return when so many acknowledgements came since the start. A silence ends it."""
        with self._news:
            while (heard := len(self.heard)) < count:
                if not self._news.wait(WAIT_S) and len(self.heard) == heard:
                    raise SystemExit(f"{heard} of {count} acknowledgements, then none for "
                                     f"{WAIT_S:.0f} s")

    def wait_for_room(self, unanswered_max: int) -> None:
        """Return when fewer than so many of all that was said have no acknowledgement yet."""
        self.wait_for(self._awaited - unanswered_max + 1)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client: Client, data: object, message: MQTTMessage) -> None:
        with self._news:
            self.heard.append((time.perf_counter(), message.topic, bytes(message.payload)))
            self._news.notify()
