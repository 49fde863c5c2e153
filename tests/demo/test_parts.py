"""A part of the demo: started, started again when it dies, ended with all it holds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.errors import StepFailed
from demo.parts import Part
from demo.steps import run_step
from tests.demo.processes import is_alive, wait_until_gone

ROOT = Path(__file__).parents[2]
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


def part(tmp_path: Path, command: list[str]) -> Part:
    return Part("sleeper", command, os.environ, tmp_path / "sleeper.log", tmp_path)


def test_a_killed_part_is_started_again_and_that_is_said(tmp_path):
    sleeper = part(tmp_path, SLEEP)
    sleeper.start()
    first = sleeper.pid
    assert sleeper.revived() is None
    os.kill(first, signal.SIGKILL)
    said = None
    deadline = time.monotonic() + 8
    while said is None:
        assert time.monotonic() < deadline
        said = sleeper.revived()
    assert said == (
        f"sleeper (process {first}) was ended by SIGKILL; started again as {sleeper.pid}"
    )
    assert sleeper.is_running()
    sleeper.ask_to_end()
    assert sleeper.await_end(time.monotonic() + 8)


def test_a_part_that_fails_is_told_with_its_last_words(tmp_path):
    failing = part(tmp_path, [sys.executable, "-c", "import sys; sys.exit('no such bus')"])
    failing.start()
    failing.await_end(time.monotonic() + 8)
    said = None
    while said is None:
        said = failing.revived()
    assert "ended with code 1 (no such bus); started again as" in said
    failing.await_end(time.monotonic() + 8)


def test_a_part_that_does_not_listen_is_ended_by_force_in_time(tmp_path):
    deaf = part(tmp_path, [sys.executable, "-c", DEAF])
    deaf.start()
    while "deaf" not in deaf.last_words():
        assert deaf.is_running()
    deaf.ask_to_end()
    assert not deaf.await_end(time.monotonic() + 0.2)
    assert not is_alive(deaf.pid)


def test_a_part_dies_with_the_program_that_started_it(tmp_path):
    text = (
        "import os, sys, time; from pathlib import Path; from demo.parts import Part; "
        "p = Part('s', [sys.executable, '-c', 'import time; time.sleep(600)'], os.environ, "
        "Path(sys.argv[1]), Path('/')); p.start(); print(p.pid, flush=True); time.sleep(600)"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", text, str(tmp_path / "log")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(runner.stdout.readline())
    runner.kill()
    runner.communicate()
    wait_until_gone(pid)


def test_the_log_is_for_its_owner_only_and_kept_within_bounds(tmp_path):
    (tmp_path / "sleeper.log").write_bytes(b"x" * 8_000_001)
    sleeper = part(tmp_path, [sys.executable, "-c", "print('fresh')"])
    sleeper.start()
    sleeper.await_end(time.monotonic() + 8)
    assert (tmp_path / "sleeper.log").read_text() == "fresh\n"
    assert (tmp_path / "sleeper.log").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "sleeper.log.1").stat().st_size == 8_000_001


def test_a_step_that_fails_speaks_its_own_words(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.exit('the disk is on fire')"]
    with pytest.raises(StepFailed, match="looking: python.* says: the disk is on fire"):
        run_step("looking", command, os.environ, tmp_path)


def test_a_step_that_is_interrupted_leaves_no_grandchild(tmp_path):
    text = (
        "import subprocess, sys, pathlib; child = subprocess.Popen([sys.executable, '-c', "
        "'import time; time.sleep(600)']); pathlib.Path(sys.argv[1]).write_text(str(child.pid)); "
        "child.wait()"
    )
    note = tmp_path / "pid"

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(KeyboardInterrupt):
            run_step("waiting", [sys.executable, "-c", text, str(note)], os.environ, tmp_path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    wait_until_gone(int(note.read_text()))
