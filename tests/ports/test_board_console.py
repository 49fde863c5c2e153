"""A board is set up over its serial console, on a UART, by somebody who knows its claim code."""

import contextlib
import json
import re
import socket
import time

from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import Board, Description, Supervisor, Uart

START = ("from wum_edge.ports.micropython import main, waiting\n"
         "waiting.AGAIN_MS = 1000\nmain.start()")
PATIENCE_S = 120             # A limit only: the machine may be busy.
PEM = ("-----BEGIN CERTIFICATE-----", "MIIBszCCAVmgAwIBAgIUFake", "-----END CERTIFICATE-----")


class Typing:
    """A terminal at the console's UART, over all starts of the board."""

    def __init__(self, folder, flash=None):
        place = folder / "flash"
        place.mkdir()
        (place / "board.json").write_text(json.dumps({
            "status_s": 1, "page_port": 0, "console": {"uart": 2}}))
        for name, document in (flash or {}).items():
            (place / name).write_text(json.dumps(document))
        (folder / "log").touch()
        self.flash, self.heard = place, ""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.board = Board(Description(
            main=START, flash=place, log=folder / "log", sources=gateway(),
            uarts={2: Uart("tcp://127.0.0.1:%d" % self._server.getsockname()[1], paced=False)}))
        self._supervisor = Supervisor(self.board, None, lambda: int(time.time()))
        self._wire = None

    def __enter__(self):
        self._supervisor.start()
        self._accept()
        return self

    def __exit__(self, *_):
        self._supervisor.stop()
        self._wire.close()
        self._server.close()

    def _accept(self):
        self._server.settimeout(PATIENCE_S)
        self._wire, _ = self._server.accept()
        self._wire.settimeout(0.1)

    def type(self, *lines):
        """Say them, each when something was answered to the one before."""
        for line in lines:
            before = len(self.heard)
            self._wire.sendall(line.encode() + b"\r\n")
            self.until(lambda before=before: len(self.heard) > before, "an answer to " + line)

    def hears(self, words):
        """Wait until the console has answered that."""
        self.until(lambda: words in self.heard, words)

    def says(self, words):
        """Wait until the log has it."""
        self.until(lambda: words in self.board.said(), words)

    def until(self, is_so, words):
        until = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < until, (words, self.heard, self.board.said()[-2000:])
            with contextlib.suppress(TimeoutError):
                heard = self._wire.recv(4096).decode()
                self.heard += heard
                if not heard:                # It started anew.
                    self._wire.close()
                    self._accept()

    def json(self, name):
        return json.loads((self.flash / name).read_text())


def test_from_an_empty_flash_to_a_board_that_asks_to_be_let_in(tmp_path):
    with Typing(tmp_path) as one:
        one.says("! not set up: /flash/gateway.json cannot be read")
        one.says("claim code: ")
        code = re.findall(r"claim code: (\S+)", one.board.said())[0]
        one.type("what now")
        one.hears("show: what is set, without secrets")
        one.type("broker", "0000-0000-0000")
        one.hears("that is not its claim code")
        assert not (one.flash / "gateway.json").exists()
        one.type("broker", code.lower(), "127.0.0.1", "1883")
        one.hears("written; restart, when all is set")
        assert one.json("gateway.json")["broker"] == {
            "host": "127.0.0.1", "port": 1883, "tls": False}
        one.type("name", "cellar 7", "wifi", "Cellar", "its key", "time", "192.0.2.1")
        assert one.json("gateway.json")["concentrator"]["name"] == "cellar 7"
        board = one.json("board.json")
        assert board["wifi"] == {"ssid": "Cellar", "key": "its key"}
        assert board["time"] == {"host": "192.0.2.1"} and board["console"] == {"uart": 2}
        one.type("authority")
        one._wire.sendall("\r\n".join((*PEM, "")).encode())
        one.until((one.flash / "ca.pem").exists, "the authority")
        assert (one.flash / "ca.pem").read_text().splitlines() == list(PEM)
        one.type("wifi", "")
        one._wire.sendall(b"\r\n")
        one.until(lambda: "wifi" not in one.json("board.json"), "a wired board")
        one.type("broker", "192.0.2.9", "many")
        one.hears("not written: ")
        one.type("show")
        one.hears("127.0.0.1:1883")
        assert "its key" not in one.heard and code not in one.heard
        one._wire.sendall(b"restart\r\n")
        one.says("! not claimed yet: type its claim code")
        one.says("claim code: " + code)
        one.type("show")
        one.hears("cellar 7")


def test_who_does_not_know_the_code_changes_nothing_and_is_not_heard_for_a_while(tmp_path):
    with Typing(tmp_path) as one:
        one.says("claim code: ")
        for _ in range(3):
            one.type("wifi", "my guess")
        one.hears("nothing is heard for 60 s")
        code = re.findall(r"claim code: (\S+)", one.board.said())[0]
        one._wire.sendall(b"wifi\r\n" + code.encode() + b"\r\nTheirs\r\nkey\r\n")
        starts = one.board.said().count("not set up")
        one.until(lambda: one.board.said().count("not set up") > starts, "some seconds")
        assert "wifi" not in one.json("board.json")


def test_a_board_with_keys_of_the_workbench_is_set_up_there(tmp_path):
    key = ["00" * 32, "00" * 12]
    with Typing(tmp_path, {
            "gateway.json": {"concentrator": {"name": "cellar", "keys": "k", "archive": "a"},
                             "broker": {"host": "127.0.0.1", "port": 1, "tls": False}},
            "keys.json": {"id": "0a" * 8, "tenant": "t", "epoch": 1, "uplink": key,
                          "downlink": key, "broker_user": "u", "broker_password": "p"}}) as one:
        one.type("authority")
        one.hears("this board has keys of the workbench")
        one.type("show")
        one.hears("127.0.0.1:1")
        assert not (one.flash / "keys").exists()
