"""`wum-cloud ingest` as a process: it waits for what may come, and ends when it is told to."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.cloud.concentrator import Concentrator
from tests.cloud.mosquitto import Device, mosquitto
from wum_cloud.__main__ import run
from wum_shared import topics
from wum_shared.ids import id_to_text
from wum_shared.status import STORED

_ENDS_WITHIN_S = 8


@pytest.fixture
def one(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Concentrator:
    """A registered concentrator; the environment and the broker's files know it."""
    monkeypatch.setenv("WUM_DATABASE_URL", database_url)
    monkeypatch.setenv("WUM_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("WUM_BROKER_PASSWORD_FILE", str(tmp_path / "head-end"))
    concentrator = Concentrator()
    (tmp_path / "registration").write_bytes(concentrator.registration_file())
    assert run(["migrate"]) == 0
    assert run(["register", str(tmp_path / "registration")]) == 0
    assert run(["broker-files", str(tmp_path)]) == 0
    return concentrator


@contextmanager
def ingest(port: int, **more: str) -> Iterator["subprocess.Popen[str]"]:
    """The process; killed at the end, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wum_cloud", "ingest"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "WUM_BROKER_PORT": str(port), **more})
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError("the process ended without saying %r" % text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_at_once_and_what_was_stored_stays(
        one: Concentrator, tmp_path: Path, number: signal.Signals) -> None:
    with mosquitto(tmp_path) as port, ingest(port) as process:
        await asyncio.to_thread(_wait_for, process, "Subscribed to wum/0/+/up/+")
        device = Device(port, id_to_text(one.id), one.password)
        assert await device.connect()
        assert await device.subscribe(topics.topic(one.id, "down", "ack"))
        for message in (one.send_schema(), one.send_rows(one.row())):
            await device.publish(message.topic, message.payload)
        assert one.opened(await device.hear()).answer == STORED
        device.close()
        process.send_signal(number)
        assert await asyncio.to_thread(process.wait, _ENDS_WITHIN_S) == 0


async def test_a_signal_ends_it_while_it_waits_for_the_database(
        one: Concentrator, tmp_path: Path) -> None:
    with ingest(1, WUM_DATABASE_URL="postgresql://127.0.0.1:1/wum") as process:
        await asyncio.to_thread(_wait_for, process, "The database does not answer")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, _ENDS_WITHIN_S) == 0


async def test_a_worker_of_a_group_that_is_killed_hands_over(
        one: Concentrator, tmp_path: Path) -> None:
    """What it held is sent again, as a gateway does, and goes to the other; all is there once."""
    group = {"WUM_SHARED_GROUP": "ingest"}
    with mosquitto(tmp_path) as port, ingest(port, **group) as left, ingest(port, **group) as right:
        for process in (left, right):
            await asyncio.to_thread(_wait_for, process, "Subscribed to $share/ingest/wum/0/+/up/+")
        device = Device(port, id_to_text(one.id), one.password)
        assert await device.connect()
        assert await device.subscribe(topics.topic(one.id, "down", "ack"))
        first = one.batch(one.row(1))
        for message in (one.send_schema(), one.send(first)):
            await device.publish(message.topic, message.payload)
        while one.opened(await device.hear()).answer != STORED:  # The other was faster.
            again = one.send(first)
            await device.publish(again.topic, again.payload)
        open_batches = [one.batch(one.row(0, hour)) for hour in range(60)]
        left.send_signal(signal.SIGSTOP)        # Half of what follows is its own, and stays.
        rounds = 0
        while open_batches:
            rounds += 1
            assert rounds < 6
            for batch in open_batches:
                message = one.send(batch)
                await device.publish(message.topic, message.payload)
            try:
                while open_batches:
                    answer = one.opened(await asyncio.wait_for(device.hear(), 1.5))
                    if answer.answer == STORED:
                        open_batches = [batch for batch in open_batches
                                        if batch.first_sequence != answer.first_sequence]
            except TimeoutError:
                if rounds == 1:
                    assert 10 < len(open_batches) < 50, "the group divided the work"
                    left.kill()
                    left.wait()
        device.close()
    with psycopg.connect(os.environ["WUM_DATABASE_URL"]) as connection:
        assert connection.execute(
            "select count(*), count(distinct captured_at) from reading").fetchone() == (61, 60)


def test_a_database_without_tables_is_a_sentence(
        one: Concentrator, empty_database_url: str) -> None:
    with ingest(1, WUM_DATABASE_URL=empty_database_url) as process:
        said, _ = process.communicate(timeout=180)
        assert process.returncode == 1
    assert said.startswith("The database lacks 0001_registry")
    assert said.endswith("run `wum-cloud migrate`.\n")


def test_a_foreign_key_file_is_a_sentence(one: Concentrator, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("22" * 32)
    with ingest(1) as process:
        said, _ = process.communicate(timeout=180)
        assert process.returncode == 1
    assert "another key than that of WUM_KEY_FILE" in said
    assert "Traceback" not in said
