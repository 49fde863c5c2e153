"""The real mosquitto, started with the files that `wum-cloud broker-files` wrote."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from demo.broker import mosquitto_program
from demo.loopback import free_port
from demo.tether import tethered

_WAIT_S = 60


@contextmanager
def mosquitto(folder: Path, *, port: int | None = None, more: str = "") -> Iterator[int]:
    """A broker that lets in whom `folder` (passwords, acl) names; gives its port."""
    program = mosquitto_program()
    if program is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    port = port or free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\npersistence false\n"
        f"password_file {folder}/passwords\nacl_file {folder}/acl\nlog_dest stderr\n{more}\n"
        + ("user root\n" if os.geteuid() == 0 else ""))
    with started(folder, program):
        yield port


@contextmanager
def started(folder: Path, program: str) -> Iterator[subprocess.Popen[bytes]]:
    """mosquitto with the mosquitto.conf of `folder`, and its log there, until the block ends."""
    with (folder / "mosquitto.log").open("ab") as log:
        process = subprocess.Popen(
            tethered([program, "-c", str(folder / "mosquitto.conf")], signal.SIGKILL),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Device:
    """A concentrator's side of the broker: connects, publishes, hears. Waits for answers."""

    def __init__(
            self, port: int, user: str, password: str, *, client_id: str | None = None,
            certificate: Path | None = None, host: str = "127.0.0.1") -> None:
        self._loop = asyncio.get_running_loop()
        self._where = (host, port)
        self.heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._answers: asyncio.Queue[object] = asyncio.Queue()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id or user,
                              reconnect_on_failure=False)
        if user:
            self._client.username_pw_set(user, password)
        if certificate is not None:
            self._client.tls_set(str(certificate))
        self._client.on_connect = lambda _, __, ___, reason, ____: self._tell(reason.is_failure)
        self._client.on_subscribe = lambda _, __, ___, reasons, ____: self._tell(
            reasons[0].is_failure)
        self._client.on_publish = lambda _, __, mid, ___, ____: self._tell(mid)
        self._client.on_message = self._hear

    def _hear(self, _: Client, __: object, message: MQTTMessage) -> None:
        self._loop.call_soon_threadsafe(
            self.heard.put_nowait, (message.topic, bytes(message.payload)))

    def _tell(self, what: object) -> None:
        self._loop.call_soon_threadsafe(self._answers.put_nowait, what)

    async def _answer(self) -> object:
        return await asyncio.wait_for(self._answers.get(), _WAIT_S)

    def is_connected(self) -> bool:
        """Whether the broker has not put us out."""
        return self._client.is_connected()

    async def connect(self) -> bool:
        """Whether the broker lets the user in."""
        for _ in range(200):  # It may not listen yet.
            try:
                await asyncio.to_thread(self._client.connect, *self._where)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
        self._client.loop_start()
        return not await self._answer()

    async def subscribe(self, topic: str) -> bool:
        """Whether the broker takes the subscription."""
        self._client.subscribe(topic, qos=1)
        return not await self._answer()

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish, and wait for the broker's PUBACK (which it also gives for what it drops)."""
        self._client.publish(topic, payload, qos=1)
        await self._answer()

    async def hear(self) -> tuple[str, bytes]:
        """The next message."""
        return await asyncio.wait_for(self.heard.get(), _WAIT_S)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()
