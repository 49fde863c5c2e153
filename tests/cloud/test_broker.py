"""The head-end on a real mosquitto: who comes in, who hears what, and when messages are let go."""

import asyncio
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.loopback import free_port
from tests.cloud.concentrator import CIPHER, NOW_S, Concentrator
from tests.cloud.conftest import HeadEnd
from tests.cloud.mosquitto import Device, mosquitto
from wum_cloud.broker import Broker, Delivery, LoginRefused, check_login
from wum_cloud.ingest.process import Ingest
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.broker_files import read_password, write_broker_files
from wum_cloud.registry.registration import mosquitto_hash
from wum_cloud.registry.store import BrokerAccount
from wum_cloud.settings import Settings, settings_from
from wum_shared import topics
from wum_shared.ids import id_to_text
from wum_shared.status import STORED

_WAIT_S = 60


@dataclass
class Town:
    """A broker with two concentrators' accounts and the head-end's."""

    port: int
    folder: Path
    one: Concentrator
    two: Concentrator

    @property
    def password(self) -> str:
        return read_password(self.folder / "head-end")

    def settings(self, **more: str) -> Settings:
        return settings_from({
            "WUM_DATABASE_URL": "unused", "WUM_BROKER_PORT": str(self.port),
            "WUM_BROKER_PASSWORD_FILE": str(self.folder / "head-end"), **more})

    async def device(self, who: Concentrator, password: str | None = None) -> Device:
        device = Device(self.port, id_to_text(who.id), password or who.password)
        assert await device.connect()
        return device


def write_files(folder: Path, *concentrators: Concentrator) -> None:
    write_broker_files(
        folder,
        [BrokerAccount(c.id, mosquitto_hash(c.password, secrets.token_bytes(12)))
         for c in concentrators], "head-end", folder / "head-end")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    one, two = Concentrator(), Concentrator(serials=["X-1"])
    write_files(tmp_path, one, two)
    with mosquitto(tmp_path, more="max_inflight_messages 1") as port:
        yield Town(port, tmp_path, one, two)


async def test_only_the_right_password_comes_in(town: Town) -> None:
    device = await town.device(town.one)
    device.close()
    for user, password in ((id_to_text(town.one.id), "wrong"), ("nobody", "x"),
                           (id_to_text(town.one.id), town.two.password)):
        refused = Device(town.port, user, password)
        assert not await refused.connect()
        refused.close()
    check_login(town.settings(), town.password)
    with pytest.raises(LoginRefused, match="refuses the head-end"):
        check_login(town.settings(), "wrong")


async def test_a_concentrator_reaches_its_own_topics_only(town: Town) -> None:
    """The premise first: on its own topics everything gets through."""
    up_one, up_two = [topics.topic(c.id, "up", "batch") for c in (town.one, town.two)]
    down_one, down_two = [topics.topic(c.id, "down", "ack") for c in (town.one, town.two)]
    one = await town.device(town.one)
    head_end = Device(town.port, "head-end", town.password)
    assert await head_end.connect()
    assert await head_end.subscribe(topics.EVERY_UPLINK)
    for topic in (down_one, down_two, "#", "wum/0/+/down/#", up_two):
        await one.subscribe(topic)
    await one.publish(up_two, b"in another's name")
    await one.publish(down_two, b"as if from the head-end")
    await one.publish(up_one, b"mine")
    assert await head_end.hear() == (up_one, b"mine")
    await head_end.publish(down_two, b"for two")
    await head_end.publish(down_one, b"for one")
    assert await one.hear() == (down_one, b"for one")
    assert head_end.heard.empty() and one.heard.empty()
    one.close()
    head_end.close()


async def test_a_message_is_let_go_only_when_we_say_so(town: Town) -> None:
    """This mosquitto has one message in flight: the second waits for the first one's PUBACK."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    subscribed = asyncio.Event()
    broker = Broker(
        town.settings(), town.password, topics.EVERY_UPLINK,
        lambda d: loop.call_soon_threadsafe(arrived.put_nowait, d),
        lambda: loop.call_soon_threadsafe(subscribed.set))
    broker.start()
    await asyncio.wait_for(subscribed.wait(), _WAIT_S)
    device = await town.device(town.one)
    topic = topics.topic(town.one.id, "up", "batch")
    for payload in (b"first", b"second"):
        await device.publish(topic, payload)
    first = await asyncio.wait_for(arrived.get(), _WAIT_S)
    # A round trip through the broker on the same connection: nothing else was sent before it.
    await asyncio.to_thread(check_login, town.settings(), town.password)
    assert (first.payload, arrived.empty()) == (b"first", True)
    broker.acknowledge(first)
    second = await asyncio.wait_for(arrived.get(), _WAIT_S)
    assert second.payload == b"second"
    subscribed.clear()
    broker.connect_anew()
    await asyncio.wait_for(subscribed.wait(), _WAIT_S)
    broker.acknowledge(second)  # Of a session that is gone: must not let go anything of this one.
    await device.publish(topic, b"third")
    assert (await asyncio.wait_for(arrived.get(), _WAIT_S)).payload == b"third"
    device.close()
    await asyncio.to_thread(broker.stop)


@asynccontextmanager
async def _running(head_end: HeadEnd, settings: Settings, password: str) -> AsyncIterator[Ingest]:
    ingest = Ingest(settings, password, head_end.pool, Worker(
        PostgresStore(head_end.pool), head_end.vault, CIPHER, ahead_s=300, now_s=lambda: NOW_S))
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    try:
        yield ingest
    finally:
        stop.set()
        await asyncio.wait_for(task, _WAIT_S)


async def test_a_batch_goes_through_broker_worker_and_database_and_back(
        head_end: HeadEnd, town: Town) -> None:
    await head_end.register(town.one, town.two)
    async with _running(head_end, town.settings(), town.password) as ingest:
        await asyncio.wait_for(ingest.subscribed.wait(), _WAIT_S)
        for who in (town.one, town.two):
            device = await town.device(who)
            assert await device.subscribe(topics.topic(who.id, "down", "ack"))
            for message in (who.send_schema(), who.send_rows(who.row(0, 0)),
                            who.send_rows(who.row(0, 1))):
                await device.publish(message.topic, message.payload)
            answers = [who.opened(await device.hear()) for _ in range(2)]
            assert [(a.answer, a.first_sequence) for a in answers] == [(STORED, 1), (STORED, 2)]
            device.close()
    assert [(serial, hour) for serial, hour, _ in head_end.rows()] == [
        ("M-1", 0), ("M-1", 1), ("X-1", 0), ("X-1", 1)]


async def test_nothing_is_answered_while_the_commit_waits(head_end: HeadEnd, town: Town) -> None:
    """Somebody holds the concentrator's row: rows are written, and COMMIT cannot come yet."""
    one = town.one
    await head_end.welcome(one)
    async with _running(head_end, town.settings(), town.password) as ingest:
        await asyncio.wait_for(ingest.subscribed.wait(), _WAIT_S)
        device = await town.device(one)
        assert await device.subscribe(topics.topic(one.id, "down", "ack"))
        async with head_end.pool.connection() as holder, holder.transaction():
            await holder.execute("select from concentrator for update")
            message = one.send_rows(one.row(0, 0))
            await device.publish(message.topic, message.payload)
            while head_end.ask("select count(*) from pg_stat_activity where wait_event_type = "
                               "'Lock' and datname = current_database()") == [0]:
                await asyncio.sleep(0.01)
            assert device.heard.empty()
            assert head_end.rows() == []
        assert one.opened(await device.hear()).answer == STORED
        device.close()


async def test_two_processes_share_the_messages_of_one_group(
        head_end: HeadEnd, town: Town) -> None:
    await head_end.welcome(town.one)
    settings = town.settings(WUM_SHARED_GROUP="ingest")
    async with (_running(head_end, settings, town.password) as left,
                _running(head_end, settings, town.password) as right):
        await asyncio.wait_for(asyncio.gather(
            left.subscribed.wait(), right.subscribed.wait()), _WAIT_S)
        device = await town.device(town.one)
        assert await device.subscribe(topics.topic(town.one.id, "down", "ack"))
        for hour in range(10):
            message = town.one.send_rows(town.one.row(0, hour))
            await device.publish(message.topic, message.payload)
        answers = [town.one.opened(await device.hear()) for _ in range(10)]
        device.close()
    assert {a.first_sequence for a in answers} == set(range(1, 11))
    assert head_end.count("batches") == 10, "each message went to one of them"
    assert len(head_end.rows()) == 10


async def test_a_group_divides_the_messages_and_is_handed_many_at_once(town: Town) -> None:
    """This mosquitto hands out one at a time; MQTT 5 lets the group ask for more."""
    loop = asyncio.get_running_loop()
    settings = town.settings(WUM_SHARED_GROUP="ingest")
    heard: list[list[bytes]] = [[], []]
    ready = [asyncio.Event(), asyncio.Event()]

    def member(number: int) -> Broker:
        return Broker(
            settings, town.password, topics.EVERY_UPLINK,
            lambda d: loop.call_soon_threadsafe(heard[number].append, d.payload),
            lambda: loop.call_soon_threadsafe(ready[number].set))

    members = [member(0), member(1)]
    for one in members:
        one.start()
    await asyncio.wait_for(asyncio.gather(*[event.wait() for event in ready]), _WAIT_S)
    device = await town.device(town.one)
    sent = [b"%d" % number for number in range(40)]
    for payload in sent:
        await device.publish(topics.topic(town.one.id, "up", "batch"), payload)
    async with asyncio.timeout(_WAIT_S):
        while len(heard[0]) + len(heard[1]) < len(sent):
            await asyncio.sleep(0.01)
    assert sorted(heard[0] + heard[1]) == sorted(sent), "nothing was let go, and each came once"
    assert min(len(heard[0]), len(heard[1])) > 5
    device.close()
    for one in members:
        await asyncio.to_thread(one.stop)


@contextmanager
def _says(answer: bytes) -> Iterator[int]:
    """A broker that answers every CONNECT with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve() -> None:
            with suppress(OSError):  # Closed at the end.
                while True:
                    client, _ = server.accept()
                    with client:
                        client.recv(4096)
                        client.sendall(answer)
                        client.recv(4096)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(("answer", "said"), [
    (b"\x20\x05\x00\x00\x02\x2a\x00", "shares no subscriptions, as it says itself"),
    (b"\x20\x02\x00\x01", "refuses the head-end .Unsupported protocol version"),
], ids=["shares nothing", "speaks 3.1.1 only"])
async def test_a_group_is_refused_where_the_broker_does_not_share(
        town: Town, caplog: pytest.LogCaptureFixture, answer: bytes, said: str) -> None:
    """MQTT 5.0, 3.2.2.3.13. Over 3.1.1 such brokers grant the subscription and deliver nothing."""
    with _says(answer) as port:
        settings = town.settings(WUM_SHARED_GROUP="g", WUM_BROKER_PORT=str(port))
        with pytest.raises(LoginRefused, match=said + ".*WUM_SHARED_GROUP needs a broker"):
            await asyncio.to_thread(check_login, settings, town.password)
        subscribed: list[bool] = []
        broker = Broker(settings, town.password, topics.EVERY_UPLINK, lambda _: None,
                        lambda: subscribed.append(True))
        broker.start()
        async with asyncio.timeout(_WAIT_S):
            while caplog.text.count("WUM_SHARED_GROUP needs a broker") < 2:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(broker.stop)
    assert not subscribed
    assert "next attempt in" in caplog.text


async def test_ingest_finds_its_broker_again(head_end: HeadEnd, tmp_path: Path) -> None:
    """It starts before the broker, and the broker is killed once."""
    one = Concentrator()
    await head_end.welcome(one)
    write_files(tmp_path, one)
    town = Town(free_port(), tmp_path, one, one)
    async with _running(head_end, town.settings(), town.password) as ingest:
        for hour in range(2):
            ingest.subscribed.clear()
            with mosquitto(tmp_path, port=town.port):
                await asyncio.wait_for(ingest.subscribed.wait(), 60)
                device = await town.device(one)
                assert await device.subscribe(topics.topic(one.id, "down", "ack"))
                message = one.send_rows(one.row(0, hour))
                await device.publish(message.topic, message.payload)
                assert one.opened(await device.hear()).answer == STORED
                device.close()
    assert len(head_end.rows()) == 2
