"""What ends the demo, however the signal was sent and whoever set it to be ignored."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.processes import wait_until_gone

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, sys, time
from demo.endings import Ended, Make, end_with_parent, raise_on_signals
raise_on_signals()
end_with_parent()
make = Make()
try:
    print(os.getpid(), flush=True)
    while not make.is_ending():
        time.sleep(0.02)
    print("make is ending")
except Ended as end:
    print("ended by", end)
"""
ENDING = ["SIGINT", "SIGTERM", "SIGHUP"]


def ignoring(command: list[str]) -> list[str]:
    """The command, started by somebody who ignores INT and HUP, as `nohup ... &` does."""
    text = "import os, signal, sys; [signal.signal(s, signal.SIG_IGN) for s in (1, 2)]; "
    return [sys.executable, "-c", text + "os.execv(sys.argv[1], sys.argv[1:])", *command]


def heeding(command: list[str]) -> list[str]:
    """The command, started by somebody who ignores nothing, whoever runs these tests."""
    text = "import os, signal, sys; [signal.signal(s, signal.SIG_DFL) for s in (1, 2)]; "
    return [sys.executable, "-c", text + "os.execvp(sys.argv[1], sys.argv[1:])", *command]


def started(command: list[str]) -> tuple[subprocess.Popen, int]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("name", ENDING)
def test_each_signal_ends_it_even_if_ignored_before(name):
    process, _ = started(ignoring([sys.executable, "-c", PROGRAM]))
    process.send_signal(signal.Signals[name])
    said, _ = process.communicate(timeout=8)
    assert said == f"ended by {name}\n"


@pytest.fixture
def makefile(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "Makefile").write_text(
        f"all:\n\t@exec env PYTHONPATH={ROOT} {sys.executable} {tmp_path / 'program.py'}\n"
    )
    return heeding(["make", "--no-print-directory", "-f", str(tmp_path / "Makefile")])


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_sent_to_make_alone_ends_it_too(makefile, name):
    make, pid = started(makefile)
    os.kill(make.pid, signal.Signals[name])
    make.communicate(timeout=8)
    wait_until_gone(pid)


def test_it_ends_when_make_is_killed(makefile):
    make, pid = started(makefile)
    make.kill()
    make.communicate(timeout=8)
    wait_until_gone(pid)
