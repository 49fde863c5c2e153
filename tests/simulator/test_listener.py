"""A line on TCP: every master hears every answer, and one that goes is not missed."""

import re
import socket
import subprocess
import sys

from tests.simulator.running import START_S, framed


def test_meters_answer_on_tcp() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "wum_simulator", "serve", "--listen", "127.0.0.1:0", "--meters",
         "2", "--start-s", str(START_S), "--speed", "0"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = re.search(r"tcp://127.0.0.1:(\d+)", process.stderr.readline())
        assert found
        request = framed(bytes.fromhex("020400000002"))
        with socket.create_connection(("127.0.0.1", int(found[1])), 10) as one:
            with socket.create_connection(("127.0.0.1", int(found[1])), 10) as other:
                other.settimeout(10)
                one.sendall(request)
                heard = other.recv(100)
                assert heard[:3] == b"\x02\x04\x04" and framed(heard[:-2]) == heard
            assert one.recv(100) == heard
            one.sendall(request)
            assert one.recv(100) == heard
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()
