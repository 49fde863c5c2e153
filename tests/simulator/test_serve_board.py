"""`wum-simulator board`: a gateway's board as a process: its console, a cut, its end."""

import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE_S = 300             # A limit only: the machine may be busy.


def test_a_board_says_on_stdout_what_its_console_does_is_cut_by_a_signal_and_ends(tmp_path):
    words = [str(Path(sys.executable).with_name("wum-simulator")), "board", "--flash",
             str(tmp_path / "flash"), "--uart", "1=tcp://127.0.0.1:9"]
    said = tmp_path / "said"
    with said.open("wb") as out, subprocess.Popen(words, stdout=out, stderr=out) as board:
        try:
            _until(board, said, 1)
            board.send_signal(signal.SIGUSR1)
            _until(board, said, 2)
            board.send_signal(signal.SIGTERM)
            assert board.wait(PATIENCE_S) == 0
        finally:
            board.kill()
    assert (tmp_path / "flash").is_dir()


def _until(board, said, starts):
    until = time.monotonic() + PATIENCE_S
    while said.read_text().count("! not set up: /flash/gateway.json cannot be read") < starts:
        assert board.poll() is None and time.monotonic() < until, said.read_text()
        time.sleep(0.1)


def test_a_wire_that_is_none_is_refused_by_name(tmp_path):
    tried = subprocess.run(
        [str(Path(sys.executable).with_name("wum-simulator")), "board", "--flash", str(tmp_path),
         "--uart", "one"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert tried.returncode != 0 and "--uart: wanted NUMBER=PATH" in tried.stderr
