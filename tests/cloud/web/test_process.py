"""`wum-cloud web` as a process: it starts, or says in a sentence why not, and ends when told."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.usefixtures("vendor_files")

START_S = 180   # At most, on a machine that is busy with other tests.


def environment(url: str, port: int, **more: str) -> dict[str, str]:
    return {**os.environ, "WUM_DATABASE_URL": url, "WUM_WEB_PORT": str(port), **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refusal_of(url: str, port: int, **more: str) -> str:
    """What it says when it cannot start."""
    done = subprocess.run(
        [sys.executable, "-m", "wum_cloud", "web"], env=environment(url, port, **more),
        capture_output=True, text=True, check=False, timeout=START_S)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@contextmanager
def running(url: str, port: int, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "wum_cloud", "web"], env=environment(url, port, **more))
    try:
        wait_until_it_answers(process, port)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_S
    with httpx.Client() as one:  # To make one reads every authority: half a processor.
        while time.monotonic() < until:
            assert process.poll() is None, "it ended before it answered"
            try:
                one.get("http://127.0.0.1:%d/healthz" % port)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
    raise AssertionError("it did not answer within %d s" % START_S)


def test_an_empty_database_is_a_sentence_with_the_command_that_fills_it(
        empty_database_url: str) -> None:
    said = refusal_of(empty_database_url, free_port())
    assert "lacks 0001_registry" in said and "run `wum-cloud migrate`" in said


def test_a_database_that_is_away_is_a_sentence() -> None:
    said = refusal_of("postgresql://nobody@127.0.0.1:1/none", free_port())
    assert "The database does not answer" in said and "WUM_DATABASE_URL" in said


def test_a_password_file_that_cannot_be_written_is_a_sentence_and_makes_no_account(
        database_url: str, tmp_path: Path) -> None:
    said = refusal_of(database_url, free_port(),
                      WUM_WEB_FIRST_PASSWORD_FILE=str(tmp_path / "none" / "password"))
    assert "cannot be written" in said and "WUM_WEB_FIRST_PASSWORD_FILE" in said
    assert "First start" in refusal_after(database_url, tmp_path)


def refusal_after(url: str, folder: Path) -> str:
    """What the next start says: the account was not made the first time."""
    port = free_port()
    with running(url, port, WUM_WEB_FIRST_PASSWORD_FILE=str(folder / "password")):
        return "First start" if (folder / "password").exists() else "no account was made"


def test_a_busy_port_is_a_sentence_that_names_the_setting(
        database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = refusal_of(database_url, taken.getsockname()[1])
    assert "Address already in use" in said and "WUM_WEB_PORT" in said


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_session_is_good_at_every_worker_and_all_end_with_the_signal(
        database_url: str, tmp_path: Path, workers: str) -> None:
    port, file = free_port(), tmp_path / "password"
    address = "http://127.0.0.1:%d" % port
    with running(database_url, port, WUM_WEB_WORKERS=workers,
                 WUM_WEB_FIRST_PASSWORD_FILE=str(file)) as process:
        with httpx.Client(base_url=address) as browser:
            answer = browser.post(
                "/sign-in", data={"name": "admin", "password": file.read_text().strip()},
                headers={"Origin": address})
            assert answer.status_code == 303
            cookies = dict(browser.cookies)
        for _ in range(12):  # Each over a connection of its own, which any worker may take.
            page = httpx.get(address + "/", cookies=cookies)
            assert page.status_code == 200 and "Overview" in page.text
        family = [process.pid, *children_of(process.pid)]
        assert len(family) >= int(workers)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=START_S) in (0, -signal.SIGTERM)
        wait_until_gone(family)


def test_workers_do_not_outlive_a_parent_that_was_killed(
        database_url: str, tmp_path: Path) -> None:
    port = free_port()
    with running(database_url, port, WUM_WEB_WORKERS="2",
                 WUM_WEB_FIRST_PASSWORD_FILE=str(tmp_path / "password")) as process:
        children = children_of(process.pid)
        assert len(children) >= 2
        process.kill()
        process.wait()
        wait_until_gone(children)
    with running(database_url, port):
        pass  # The port is free again.


def wait_until_gone(processes: list[int]) -> None:
    until = time.monotonic() + START_S
    while any(Path("/proc/%d" % pid).exists() for pid in processes):
        assert time.monotonic() < until, "a process lives on"
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """Processes below this one, the resource tracker of multiprocessing among them."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:  # It has ended meanwhile.
            continue
        if re.search(r"^PPid:\t%d$" % pid, text, re.MULTILINE):
            child = int(status.parent.name)
            found += [child, *children_of(child)]
    return found
