"""The whole demo with a short street: it shows readings, ends at a word, and survives a kill -9."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from demo.loopback import free_port
from tests.demo.processes import descendants, describe, processes_below, wait_until_gone

ROOT = Path(__file__).parents[2]
_READY_S, _READING_S, _END_S = 120, 60, 8
Result = TypeVar("Result")


class Demo:
    """A running `python -m demo run` and what it printed so far."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.output = folder.with_suffix(".out")
        command = [sys.executable, "-m", "demo", "--folder", str(folder), "run", *words]
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "--concentrators", "1", "--meters", "2"],
                cwd=ROOT,
                env={k: v for k, v in os.environ.items() if k != "WUM_TEST_DATABASE_URL"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, what: str, look: Callable[[], Result | None], patience_s: float) -> Result:
        """Wait until `look` finds something."""
        deadline = time.monotonic() + patience_s
        while (found := look()) is None:
            assert self.process.poll() is None, f"it ended before {what}:\n{self.said()}"
            assert time.monotonic() < deadline, f"no {what}:\n{self.said()}\n{self.logs()}"
            time.sleep(0.1)
        return found

    def address(self) -> str:
        found = self.wait_for(
            "console", lambda: re.search(r"Console +(http://\S+)", self.said()), _READY_S
        )
        return found[1]

    def readings(self, least: int) -> int:
        """Wait until the database has `least` rows; how many it has."""
        url = json.loads((self.folder / "postgres" / "access.json").read_text())["url"]

        def count() -> int | None:
            try:
                with psycopg.connect(url) as connection:
                    rows = connection.execute("select count(*) from reading").fetchone()[0]
            except psycopg.OperationalError:
                return None
            return rows if rows >= least else None

        return self.wait_for(f"{least} readings", count, _READING_S)

    def logs(self) -> str:
        texts = []
        for log in sorted((self.folder / "logs").glob("*.log")):
            texts.append(f"-- {log.name}\n" + log.read_text(errors="replace")[-1500:])
        return "\n".join(texts)

    def parts(self) -> dict[str, int]:
        return json.loads((self.folder / "parts.json").read_text())

    def end(self, number: int = signal.SIGTERM) -> float:
        """Send a signal to the runner alone; how many seconds it took to end."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        return time.monotonic() - began


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts the demo in one and the same folder, as often as it is called."""
    started: list[Demo] = []

    def start(*words: str) -> Demo:
        started.append(Demo(tmp_path / "demo", *words))
        return started[-1]

    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()
    forget = [sys.executable, "-m", "demo", "--folder", str(tmp_path / "demo"), "forget"]
    subprocess.run(forget, cwd=ROOT, check=False, capture_output=True)


def test_readings_arrive_and_the_end_leaves_no_process(street):
    demo = street()
    with urllib.request.urlopen(demo.address(), timeout=60) as answer:
        assert answer.status == 200
    assert re.search(r"Password +\S{12,}", demo.said())
    demo.readings(least=4)
    below = descendants(demo.process.pid)
    assert len(below) >= 6
    assert demo.end(signal.SIGTERM) < _END_S
    assert demo.process.returncode == 0
    wait_until_gone(*below, patience_s=0.5)
    assert [describe(pid) for pid in processes_below(demo.folder)] == []


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_each_signal_ends_it_while_it_starts_too(street, name):
    demo = street()
    demo.wait_for("database", lambda: "database:" in demo.said() or None, _READY_S)
    assert demo.end(signal.Signals[name]) < _END_S
    wait_until_gone(*processes_below(demo.folder), patience_s=1)


def test_a_killed_runner_leaves_nothing_and_the_next_start_has_the_data(street):
    demo = street()
    demo.address()
    before = demo.readings(least=2)
    password = re.search(r"Password +(\S+)", demo.said())[1]
    below = descendants(demo.process.pid)
    demo.process.kill()
    demo.process.wait()
    wait_until_gone(*below)
    demo.output.write_text("")
    again = street()
    again.address()
    assert again.readings(least=before) >= before
    assert re.search(r"Password +(\S+)", again.said())[1] == password
    assert again.end() < _END_S


def test_what_is_killed_comes_back_and_readings_go_on(street):
    demo = street()
    demo.address()
    demo.readings(least=2)
    for what in ("broker", "ingest", "edge-1", "database"):
        killed = subprocess.run(
            [sys.executable, "-m", "demo", "--folder", str(demo.folder), "kill", what],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert killed.returncode == 0, killed.stderr
    demo.wait_for("four revivals", lambda: demo.said().count("started again") >= 4 or None, 60)
    demo.readings(least=demo.readings(least=0) + 4)
    assert demo.end() < _END_S


def test_a_second_demo_in_the_same_folder_is_refused_with_a_sentence(street):
    demo = street()
    demo.wait_for("claim", lambda: (demo.folder / "runner.pid").exists() or None, _READY_S)
    second = street()
    assert second.process.wait(30) == 1
    assert f"runs in {demo.folder} already (process {demo.process.pid})" in second.said()
    demo.end()


def test_a_port_that_was_asked_for_and_is_busy_is_a_sentence(street, tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        demo = street("--port", str(port))
        assert demo.process.wait(_READY_S) == 1
    assert f"port {port} is in use by another program" in demo.said()
    assert "Traceback" not in demo.said()


def test_compressed_time_starts_in_the_past_and_stays_behind_the_clock(street):
    demo = street("--speed", "60", "--port", str(free_port()))
    demo.address()
    demo.readings(least=4)
    url = json.loads((demo.folder / "postgres" / "access.json").read_text())["url"]
    with psycopg.connect(url) as connection:
        oldest, newest = connection.execute(
            "select extract(epoch from now() - min(captured_at)), "
            "extract(epoch from now() - max(captured_at)) from reading"
        ).fetchone()
    assert 0 < newest < oldest <= 86_400 + 60
    assert demo.end() < _END_S
