"""mosquitto with the configuration that the head-end writes, over TLS: nobody reaches another."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.broker import mosquitto_program
from demo.loopback import free_port
from tests.cloud.concentrator import Concentrator
from tests.cloud.mosquitto import Device, started
from tests.cloud.test_broker import write_files
from wum_cloud.registry.broker_files import Listeners, read_password, write_configuration
from wum_shared import topics
from wum_shared.ids import id_to_text


@dataclass
class Town:
    """A broker with TLS, and two concentrators that it lets in."""

    folder: Path
    port: int
    head_end_port: int
    one: Concentrator
    two: Concentrator
    process: subprocess.Popen[bytes]

    async def device(self, who: Concentrator, client_id: str | None = None) -> Device:
        device = Device(self.port, id_to_text(who.id), who.password, client_id=client_id,
                        certificate=self.folder / "cert.pem", host="localhost")
        assert await device.connect()
        return device

    async def head_end(self, client_id: str) -> Device:
        device = Device(self.head_end_port, "head-end", read_password(self.folder / "head-end"),
                        client_id=client_id, certificate=self.folder / "cert.pem",
                        host="localhost")
        assert await device.connect()
        return device


@contextmanager
def _running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = mosquitto_program()
    assert program is not None
    configuration = folder / "mosquitto.conf"
    if os.geteuid() == 0:    # So that it may read its files again.
        configuration.write_text("user root\n" + configuration.read_text())
    with started(folder, program) as process:
        yield process


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    if mosquitto_program() is None or shutil.which("openssl") is None:
        pytest.skip("mosquitto or openssl is not installed (apt install mosquitto openssl)")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-keyout", str(tmp_path / "key.pem"), "-out",
         str(tmp_path / "cert.pem"), "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    one, two = Concentrator(), Concentrator(serials=["X-1"])
    write_files(tmp_path, one, two)
    ports = free_port(), free_port()
    write_configuration(tmp_path, Listeners(
        tmp_path / "cert.pem", tmp_path / "key.pem", ports[0], ports[1]))
    with _running(tmp_path) as process:
        yield Town(tmp_path, *ports, one, two, process)


async def test_over_tls_a_concentrator_neither_reads_nor_writes_anothers_topics(
        town: Town) -> None:
    """The premise first: on its own topics everything gets through."""
    up_one, up_two = [topics.topic(c.id, "up", "batch") for c in (town.one, town.two)]
    down_one, down_two = [topics.topic(c.id, "down", "ack") for c in (town.one, town.two)]
    one, two, head_end = await town.device(town.one), await town.device(town.two), (
        await town.head_end("all ears"))
    assert await head_end.subscribe(topics.EVERY_UPLINK)
    assert await two.subscribe(down_two)
    for topic in (down_one, down_two, up_two, "#", "wum/#", "+/+/+/+/+", "$SYS/#",
                  "$share/group/wum/0/+/down/#"):
        await one.subscribe(topic)
    for topic in (up_two, down_two, "wum/0/%s/up/enrol" % id_to_text(town.two.id), "anything"):
        await one.publish(topic, b"in another's name")
    await one.publish(up_one, b"mine")
    assert await head_end.hear() == (up_one, b"mine")
    await head_end.publish(down_two, b"for two")
    assert await two.hear() == (down_two, b"for two")
    await two.publish(up_two, b"of two")
    assert await head_end.hear() == (up_two, b"of two")
    await head_end.publish(down_one, b"for one")
    assert await one.hear() == (down_one, b"for one")
    assert one.heard.empty() and two.heard.empty() and head_end.heard.empty()
    for device in (one, two, head_end):
        device.close()


async def test_nobody_ends_anothers_session_by_its_client_id(town: Town) -> None:
    """And the head-end connects several times as one user."""
    two = await town.device(town.two)
    assert await two.subscribe(topics.topic(town.two.id, "down", "ack"))
    one = await town.device(town.one, client_id=id_to_text(town.two.id))
    ears = [await town.head_end("first"), await town.head_end("second")]
    for each in ears:
        assert await each.subscribe(topics.EVERY_UPLINK)
    await one.publish(topics.topic(town.one.id, "up", "batch"), b"still here")
    await two.publish(topics.topic(town.two.id, "up", "batch"), b"so am I")
    for each in ears:
        assert {(await each.hear())[1] for _ in range(2)} == {b"still here", b"so am I"}
    await ears[0].publish(topics.topic(town.two.id, "down", "ack"), b"for two")
    assert (await two.hear())[1] == b"for two", "its session was not ended"
    for device in (one, two, *ears):
        device.close()


async def test_who_is_no_longer_named_is_put_out_at_once(town: Town) -> None:
    one, two = await town.device(town.one), await town.device(town.two)
    write_files(town.folder, town.two)
    town.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(15):
        while one.is_connected():
            await asyncio.sleep(0.01)
    assert two.is_connected()
    for device in (one, two):
        device.close()


async def test_without_a_password_nobody_comes_in(town: Town) -> None:
    stranger = Device(town.port, "", "", client_id=id_to_text(town.one.id),
                      certificate=town.folder / "cert.pem", host="localhost")
    assert not await stranger.connect()
    stranger.close()
