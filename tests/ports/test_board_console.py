"""A board is set up over its serial console, on a UART, by somebody who knows its claim code."""

import contextlib
import json
import re
import socket
import time

import pytest

from tests.ports.modem import Modem
from wum_edge.ports.micropython.setting_up import SettingUp
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import Board, Description, Supervisor, Uart

START = ("from change import change\nfrom wum_edge.ports.micropython import main\n"
         "change('wum_edge.ports.micropython.waiting', AGAIN_MS=1000)\nmain.start()")
PATIENCE_S = 120             # A limit only: the machine may be busy.
PEM = ("-----BEGIN CERTIFICATE-----", "MIIBszCCAVmgAwIBAgIUFake", "-----END CERTIFICATE-----")


class Typing:
    """A terminal at the console's UART, over all starts of the board."""

    def __init__(self, folder, flash=None, uarts=None):
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
            main=START, flash=place, log=folder / "log", sources=gateway(
                START, ("wum_edge.ports.micropython.waiting.AGAIN_MS",)),
            uarts={**(uarts or {}), 2: Uart("tcp://127.0.0.1:%d" % self._server.getsockname()[1],
                                            paced=False)}))
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


LINES = {"gateway.json": {
    "concentrator": {"name": "cellar", "keys": "keys", "archive": "archive"},
    "broker": {"host": "127.0.0.1", "port": 1, "tls": False},
    "line": [{"name": "rs485", "port": "uart:3"}]}}


@pytest.mark.parametrize(("answers", "words"), [
    (("two",), "the modem's UART: wanted a number, got two"),
    (("2",), "UART 2 is this console's"),
    (("3",), "UART 3 is the line rs485's"),
    (("1", "17", ""), "tx and rx: wanted both pins, or none, got 17 and none"),
    (("1", "", "", "quick"), "baud: wanted a number, got quick"),
    (("1", "", "", "", ""), "access point: wanted the name that is in the contract, got none"),
    (("1", "", "", "", "a b"), "access point: wanted the name that is in the contract, got a b"),
    (("1", "", "", "", "internet", "12a4"), "PIN: wanted 4 to 8 digits, got 4 characters"),
    (("1", "", "", "", "internet", "123"), "PIN: wanted 4 to 8 digits, got 3 characters")])
def test_a_modem_that_cannot_be_is_refused_with_why(answers, words):
    said, files = [], Files({**LINES, "board.json": {"console": {"uart": 2}}})
    one = SettingUp(files, None, lambda code: True, said.append, None)
    for line in ("lte", "the code", *answers, *[""] * (7 - len(answers))):
        one.typed(line, 0)
    assert said[-1] == "not written: " + words and "lte" not in files.json("board.json")


def test_a_modem_is_set_up_as_the_workbench_would_and_taken_away_again():
    said, files = [], Files({"board.json": {"console": {"uart": 2}}})
    one = SettingUp(files, None, lambda code: True, said.append, None)
    for line in ("lte", "the code", "1", "17", "16", "9600", "internet", "1234", "me", "its key"):
        one.typed(line, 0)
    assert files.json("board.json") == {"console": {"uart": 2}, "lte": {
        "uart": 1, "tx": 17, "rx": 16, "baud": 9600, "apn": "internet", "pin": "1234",
        "user": "me", "key": "its key"}}
    one.typed("show", 0)
    assert "LTE        internet, by the modem at UART 1" in said
    assert not [line for line in said if "1234" in line or "its key" in line]
    for line in ("lte", "1", "", "", "", "internet", "", ""):
        one.typed(line, 0)
    assert files.json("board.json")["lte"] == {"uart": 1, "apn": "internet"}
    for line in ("lte", ""):
        one.typed(line, 0)
    assert "lte" not in files.json("board.json")


def test_a_name_server_is_an_address_and_none_is_the_networks():
    said, files = [], Files({})
    one = SettingUp(files, None, lambda code: True, said.append, None)
    for line in ("dns", "the code", "192.0.2.53"):
        one.typed(line, 0)
    assert files.json("board.json") == {"dns": ["192.0.2.53"]}
    for line in ("dns", "dns.example"):
        one.typed(line, 0)
    assert said[-1] == "not written: name server: wanted an IPv4 address, got dns.example"
    for line in ("dns", ""):
        one.typed(line, 0)
    assert files.json("board.json") == {}


def test_a_board_goes_by_the_modem_that_was_typed(tmp_path):
    with Modem() as one_modem, Typing(tmp_path, uarts={
            1: Uart(one_modem.pty.path, paced=False)}) as one:
        one.says("claim code: ")
        code = re.findall(r"claim code: (\S+)", one.board.said())[0]
        one.type("broker", code, "127.0.0.1", "1", "lte", "1", "", "", "", "internet", "", "")
        one.until(lambda: "lte" in one.json("board.json"), "a modem")
        one._wire.sendall(b"restart\r\n")
        one.says("LTE: connected, as 10.64.0.2")


class Files:
    """A flash of files of JSON."""

    def __init__(self, documents):
        self._files = {name: json.dumps(one).encode() for name, one in documents.items()}

    def names(self):
        return list(self._files)

    def size(self, name):
        return len(self._files[name])

    def read(self, name, start, end):
        return self._files[name][start:end]

    def replace(self, name, data):
        self._files[name] = data

    def json(self, name):
        return json.loads(self._files[name])


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
