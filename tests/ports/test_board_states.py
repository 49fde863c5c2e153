"""Every state of a board that a person has to mend, in its own words: on console and page."""

import json
import re
import shutil
import socket
import time
import urllib.error
import urllib.request
from itertools import count
from types import SimpleNamespace

import pytest

from wum_edge.archive.ring import Archive, Stamp
from wum_edge.config import check
from wum_edge.ports.linux.flash import LinuxFlash
from wum_edge.ports.linux.journal import Journal
from wum_edge.ports.marks import SAVE_MS, MarksFile
from wum_shared.batch import Row
from wum_shared.claim import code_from_text, code_to_text
from wum_shared.status import FREE_RUNNING
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import CRASHED, POWER_ON, Board, Description

START = "from wum_edge.ports.micropython import main\nmain.start()"
PATIENCE_S = 300             # A limit only: the machine may be busy.
KEY = ["00" * 32, "00" * 12]
OF_FLASH = {
    "gateway.json": {"concentrator": {"name": "cellar", "keys": "k", "archive": "a"},
                     "broker": {"host": "127.0.0.1", "port": 1, "tls": False}},
    "keys.json": {"id": "0a" * 8, "tenant": "t", "epoch": 1, "uplink": KEY, "downlink": KEY,
                  "broker_user": "u", "broker_password": "a password"},
}


class Tried:
    """A board that is on, with its console and its page."""

    def __init__(self, folder, flash=None, wifi=None, clock_s=None, pins=None,
                 time=None, dns=None, lte=None, cause=POWER_ON, start=START, sources=None, **more):
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        place = folder / "flash"
        place.mkdir(exist_ok=True)
        files = {**OF_FLASH, **(flash or {}), "board.json": {
            "status_s": 1, "page_port": self.port, "radios": {"1": pins or {}},
            **({"wifi": wifi} if wifi else {}), **({"time": time} if time else {}),
            **({"dns": dns} if dns else {}), **({"lte": lte} if lte else {})}}
        for name, text in files.items():
            if text is not None:
                (place / name).write_text(text if isinstance(text, str) else json.dumps(text))
        self.board = Board(Description(main=start, flash=place, log=folder / "log",
                                       sources=sources or gateway(), **more))
        self.board.start(cause, clock_s=clock_s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self.board.is_on(), self.board.said()
        self.board.cut()

    def says(self, words):
        """Wait until the console has it."""
        self._until(lambda: words in self.board.said(), words)

    def shows(self, words):
        """Wait until the page has it."""
        self._until(lambda: words in self.page(), words)

    def page(self):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/" % self.port, timeout=60) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, ConnectionError):    # It is not up yet.
            return ""

    def _until(self, is_so, words):
        until = time.monotonic() + PATIENCE_S
        while not is_so():
            assert self.board.is_on() and time.monotonic() < until, (words, self.board.said())
            time.sleep(0.1)


def test_a_page_tells_how_it_stands_takes_nothing_else_and_shows_no_secret(tmp_path):
    with Tried(tmp_path, clock_s=int(time.time())) as one:
        one.says("no connection to the broker 127.0.0.1:1")
        one.shows("! no connection to the broker 127.0.0.1:1")
        page = one.page()
        assert page.startswith("WUM concentrator cellar, 0a0a0a0a0a0a0a0a\n")
        assert "- the clock runs by itself" in page and "started after power on" in page
        assert "a password" not in page and "00" * 8 not in page
        for words, status in ((b"POST / HTTP/1.0\r\n\r\n", b"405"), (b"GET /x HTTP/1.0\r\n\r\n",
                              b"404"), (b"\r\n\r\n", b"405"), (b"G" * 3000, b"405")):
            assert asked(one.port, words).startswith(b"HTTP/1.0 " + status), words
        idle = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(3)]
        for them in idle:
            with them:
                assert them.makefile("rb").read() == b""     # It hangs up on who says nothing.
        one.shows("archived ")


def asked(port, words):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(words)
        return connection.makefile("rb").read()


@pytest.mark.parametrize(("flash", "words"), [
    ({"keys.json": "{}"}, "! not set up: keys.json: "),
    ({"gateway.json": '{"concentrator": '}, "! not set up: /flash/gateway.json is no JSON"),
    ({"gateway.json": {"concentrator": {"name": "b"}}}, "! not set up: gateway.json: "),
    ({"gateway.json": {**OF_FLASH["gateway.json"], "mesh": {
        "role": "standby", "modem": {"kind": "rui3", "port": "uart:1"}}}},
     'mesh: a board has a radio, [mesh.modem] with kind = "sx126x", and no [mesh.udp]'),
    ({"gateway.json": {**OF_FLASH["gateway.json"], "mesh": {
        "role": "gateway", "modem": {"kind": "sx126x", "port": "spi:1"}}}},
     "keys.json has no key of the mesh that gateway.json names: wum-firmware mesh"),
])
def test_a_missing_file_and_a_corrupt_configuration_are_said_by_name(tmp_path, flash, words):
    with Tried(tmp_path, flash) as one:
        one.says(words)
        one.shows(words)


def test_a_board_without_keys_shows_its_claim_code_on_the_console_alone(tmp_path):
    with Tried(tmp_path, {"keys.json": None}) as one:
        one.says("! not claimed yet: type its claim code in the console")
        one.says("claim code: ")
        one.shows("! not claimed yet: type its claim code in the console")
        code = re.findall(r"^claim code: (\S+)$", one.board.said(), re.M)[0]
        assert len(code_from_text(code)) == 16 and code not in one.page()
    keys = json.loads((tmp_path / "flash" / "keys" / "own").read_text().splitlines()[0])
    assert keys["seed"] not in one.board.said()
    with Tried(tmp_path, {"keys.json": None}) as one:        # It is the same in the next start.
        one._until(lambda: one.board.said().count("claim code: " + code) > 1, "its code again")
        assert set(re.findall(r"^claim code: (\S+)$", one.board.said(), re.M)) == {code}
    (tmp_path / "flash" / "keys" / "own").write_text("{}")
    with Tried(tmp_path, {"keys.json": None}) as one:
        one.says("! not set up: keys/own is damaged")


def test_a_code_on_a_label_is_not_printed(tmp_path):
    (tmp_path / "flash" / "keys").mkdir(parents=True)
    (tmp_path / "flash" / "keys" / "claim.code").write_text(code_to_text(bytes(range(16))))
    with Tried(tmp_path, {"keys.json": None}) as one:
        one.says("claim code: see its label")
        assert code_to_text(bytes(range(16))) not in one.board.said()


def test_no_wifi_is_said_with_why(tmp_path):
    with Tried(tmp_path, wifi={"ssid": "Cellar", "key": "its key"}, has_network=False) as one:
        one.says("! no Wi-Fi: Cellar: nobody of that name is heard")
        one.shows("! no Wi-Fi: Cellar: nobody of that name is heard")
        assert "its key" not in one.page() + one.board.said()


def test_a_full_flash_is_said_and_what_is_archived_stays(tmp_path):
    (tmp_path / "flash").mkdir()
    (tmp_path / "flash" / "filler").write_bytes(bytes(80 * 1024))
    with Tried(tmp_path, clock_s=int(time.time()), flash_bytes=128 * 1024) as one:
        one.says("the disk is full")
        one.shows("! the disk is full; ")


def test_a_clock_that_was_never_set_or_lost_its_time_is_said(tmp_path):
    with Tried(tmp_path) as one:
        one.says("the clock was never set")
        one.shows("! the clock was never set")
    with Tried(tmp_path, clock_s=int(time.time())) as one:
        _archived(one, tmp_path)
    with Tried(tmp_path, clock_s=int(time.time()) - 5 * 3600) as one:
        one.says("the clock is behind the newest record")
        one.shows("! the clock is behind the newest record")


def _archived(one, folder):
    """Wait until its start is on flash."""
    def is_so():
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        try:
            shutil.copytree(folder / "flash" / "archive", copy)
        except shutil.Error:                 # A file was replaced meanwhile: the next time.
            return False
        flash = LinuxFlash(copy)
        try:
            return Archive(flash, 1 << 20, bytes(8)).next_sequence > 1
        finally:
            flash.close()
    one.says("records archived")
    one._until(is_so, "an archive")


def test_a_start_reads_no_more_of_a_long_archive_than_its_heap_takes(tmp_path):
    """What a turn leaves is not collected within it: reading all of it again would take 8 MB."""
    flash = LinuxFlash(tmp_path / "flash" / "archive")
    try:
        archive, marks = Archive(flash, 1 << 20, bytes(8)), marks_of(flash)
        for at_s in range(250):
            archive.append([
                Row(0, meter, 0, 1_760_000_000 + at_s, FREE_RUNNING,
                    tuple(2**33 + place * at_s for place in range(24)), (0,) * 24)
                for meter in range(16)], bytes(8), Stamp(1_760_000_000, FREE_RUNNING))
            marks.archived([], archive.next_sequence - 1)
    finally:
        flash.close()
    with Tried(tmp_path) as one:
        one.says("4000 records, 4000 wait for the head-end")


def marks_of(flash):
    """As a gateway without a meter keeps them; a minute passes between any two moments."""
    clock = SimpleNamespace(monotonic_ms=count(step=SAVE_MS).__next__)
    return MarksFile(flash, clock, Journal(), check(OF_FLASH["gateway.json"], {}), {})


def test_a_crash_is_none_of_them(tmp_path):
    with Tried(tmp_path) as one:
        one.says("the clock was never set")
    assert one.board.wait() != CRASHED


@pytest.mark.parametrize(("pins", "why"), [
    ({"cs": 8, "busy": 13}, "Invalid initial status"),
    ({"cs": 8}, "board.json has no pin busy for it"),
])
def test_a_radio_that_does_not_answer_is_said_and_the_rest_goes_on(tmp_path, pins, why):
    mesh = {"network": 1, "epoch": 1, "address": 1, "key": "00" * 16}
    flash = {
        "gateway.json": {**OF_FLASH["gateway.json"], "mesh": {
            "role": "gateway", "modem": {"kind": "sx126x", "port": "spi:1"}}},
        "keys.json": {**OF_FLASH["keys.json"], "mesh": mesh, "provisioned_s": int(time.time())}}
    with Tried(tmp_path, flash, clock_s=int(time.time()), pins=pins) as one:
        one.says("! the radio does not answer: " + why)
        one.shows("! the radio does not answer: " + why)
        _archived(one, tmp_path)
        assert one.board.said().count("It is set up again every 5 s") == 1
