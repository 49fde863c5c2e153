"""How a virtual board finds its broker by name: servers in turn, what is kept, what is believed."""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from tests.ports.name_server import NameServer, address, code, forged, silent
from tests.ports.test_board_states import OF_FLASH, START, Tried
from tests.services.broker import Broker
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import ENDED, RESET, Board, Description

# A board at a cable: what its firmware tells of the network, which no test's name server can have
# the port of.
WIRED = """
import network
{tells}
from change import change
change("wum_edge.ports.micropython.names", PORT={port})
""" + START
PATIENCE_S = 300             # A limit only: the machine may be busy.
SEARCHES = """
import asyncio
from change import change
from wum_edge.ports.micropython import names
change("wum_edge.ports.micropython.searching", ANSWER_MS={answer_ms})
class Clock:
    def __init__(self):
        self.more_ms = 0
    def monotonic_ms(self):
        return {ticks} + self.more_ms
class Log:
    def warn(self, text):
        print("!", text)
import time
clock = Clock()
known = names.Names(lambda: {servers!r}, clock, Log())
async def find(host):
    is_kept, search = known.kept(host) == known.kept(host, True) is not None, known.search(host)
    try:
        found = search.tick()
        while found is None:
            await asyncio.sleep_ms(5)
            found = search.tick()
        print(host, found, "kept" if is_kept else "")
    except OSError as error:
        print(host, "OSError", error)
    search.close()
async def main():
{steps}
asyncio.run(main())
"""


def said(folder: Path, servers: list[NameServer], steps: list[str], answer_ms: int = 60000,
         ticks: str = "time.ticks_ms()") -> str:
    """What a board says of some searches, by a clock of these ticks and what a step moves it by."""
    board = Board(Description(main=SEARCHES.format(
        servers=[["127.0.0.1", one.port] for one in servers], answer_ms=answer_ms, ticks=ticks,
        steps="\n".join("    " + step for step in steps)),
        flash=folder / "flash", log=folder / "log", sources=gateway(
            "from wum_edge.ports.micropython.names import Names",
            ("wum_edge.ports.micropython.searching.ANSWER_MS",))))
    board.start()
    assert board.wait(PATIENCE_S) == ENDED, board.said()
    text = board.said()
    for number, one in enumerate(servers):
        text = text.replace("127.0.0.1:%d" % one.port, "server %d" % number)
    return text


FIND = "await find('broker.example')"


def test_an_answer_is_kept_for_as_long_as_it_is_good_within_bounds(tmp_path: Path) -> None:
    good_s = {b"a": 100, b"b": 0, b"c": 2**31}
    with NameServer(lambda asked: address("10.0.0.5", good_s[asked[13:14]])(asked)) as server:
        steps = []
        for host, good_for_s in (("a", 100), ("b", 30), ("c", 3600)):
            steps += ["await find(%r)" % host, "clock.more_ms += %d" % (good_for_s * 1000 - 1),
                      "await find(%r)" % host, "clock.more_ms += 1", "await find(%r)" % host]
        assert said(tmp_path, [server], [*steps, "await find('10.1.2.3')"],
                    ticks="0").splitlines() == [
            line for host in "abc" for line in (
                host + " 10.0.0.5 ", host + " 10.0.0.5 kept", host + " 10.0.0.5 ")] + [
                    "10.1.2.3 10.1.2.3 "]
        assert server.asked == 6


def test_whoever_is_silent_or_fails_is_told_of_and_another_is_asked(tmp_path: Path) -> None:
    with NameServer(silent) as one, NameServer(code(2)) as two, NameServer(
            address("10.0.0.6")) as three:
        assert said(tmp_path, [one, two, three], [FIND], 3000).splitlines() == [
            "! broker.example, asked of name server server 0: it is silent",
            "! broker.example, asked of name server server 1: it failed",
            "broker.example 10.0.0.6 "]
        assert (one.asked, two.asked, three.asked) == (1, 1, 1)


def test_what_is_forged_is_told_and_passed_over_and_the_answer_believed(tmp_path: Path) -> None:
    with NameServer(forged("6.6.6.6", address("10.0.0.7"))) as server:
        assert said(tmp_path, [server], [FIND]).splitlines() == [
            ("! broker.example, asked of name server server 0: what came is no answer to it: "
             "another number; passed over"), "broker.example 10.0.0.7 "]


def test_an_answer_of_somebody_else_is_told_and_passed_over(tmp_path: Path) -> None:
    """Though it names the question and its number."""
    with NameServer(silent) as server, socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))

        def overtaken(asked: bytes) -> list[bytes]:
            (false,) = address("6.6.6.6")(asked)
            other.sendto(false, server.asker)
            return address("10.0.0.9")(asked)

        server.reply = overtaken
        assert said(tmp_path, [server], [FIND]).splitlines() == [
            ("! broker.example, asked of name server server 0: what came is no answer to it: "
             "of 127.0.0.1:%d; passed over" % other.getsockname()[1]),
            "broker.example 10.0.0.9 "]


def test_what_does_not_exist_is_asked_for_once_and_nobody_is_asked_for_ever(
        tmp_path: Path) -> None:
    with NameServer(code(3)) as no, NameServer(silent) as nobody:
        assert said(tmp_path, [no, nobody], [FIND, "await find('no host')",
                                             "await find('a' * 64)"]).splitlines() == [
            ("broker.example OSError broker.example, asked of name server server 0: there is no "
             "such name"),
            "no host OSError no host, asked of name server server 0: there is no such name",
            "%s OSError %s, asked of name server server 0: %s is no host name" % (
                ("a" * 64,) * 3)]
        assert (no.asked, nobody.asked) == (2, 0)
        no.reply = silent
        text = said(tmp_path / "more", [no, nobody], [FIND], 200)
        assert text.splitlines()[-1] == (
            "broker.example OSError broker.example, asked of name server server 1: it is silent")
        assert (no.asked, nobody.asked) == (4, 2)


def test_while_no_server_answers_the_address_of_before_is_used_and_said_to_be(
        tmp_path: Path) -> None:
    with NameServer(address("10.0.0.8")) as server:
        steps = [FIND, "clock.more_ms += 3700000", "known._servers = lambda: [('127.0.0.1', 9)]"]
        text = said(tmp_path, [server], [*steps, FIND, "clock.more_ms += 86400000", FIND], 2000)
        lines = text.splitlines()
        assert lines[0] == lines[3] == "broker.example 10.0.0.8 "
        assert lines[2].endswith("; the address of before is used")
        assert "OSError" in lines[-1]


def test_a_board_finds_its_broker_by_name_and_says_why_where_it_does_not(
        tmp_path: Path, broker: Broker) -> None:
    with NameServer(code(3)) as server, Tried(
            tmp_path, flash_of(broker), clock_s=int(time.time()), cause=RESET,
            dns=[["127.0.0.1", server.port]]) as one:
        one.says("no connection: localhost, asked of name server 127.0.0.1:%d: there is no "
                 "such name" % server.port)
        one.shows("! no connection to the broker localhost:%d: no connection: localhost, asked"
                  % broker.port)
        server.reply = address("127.0.0.1")
        one.says("connected to localhost:%d" % broker.port)


@pytest.mark.parametrize("tells", [
    "network.ipconfig = lambda what: {'dns': '127.0.0.1'}[what]",
    ("class Lan:\n    def ifconfig(self):\n"
     "        return '192.0.2.7', '255.255.255.0', '192.0.2.1', '127.0.0.1'\n"
     "del network.ipconfig\nnetwork.LAN = Lan")], ids=["firmware since 1.24", "before"])
def test_a_board_at_a_cable_asks_the_name_server_that_its_network_tells(
        tmp_path: Path, broker: Broker, tells: str) -> None:
    with contextlib.ExitStack() as held:
        server = held.enter_context(NameServer(address("127.0.0.1")))
        start = WIRED.format(tells=tells, port=server.port)
        one = held.enter_context(Tried(
            tmp_path, flash_of(broker), clock_s=int(time.time()), cause=RESET, start=start,
            sources=gateway(start, ("wum_edge.ports.micropython.names.PORT",))))
        one.says("connected to localhost:%d" % broker.port)
        assert server.asked


def test_a_board_that_knows_no_name_server_says_so_and_does_not_block(
        tmp_path: Path, broker: Broker) -> None:
    with Tried(tmp_path, flash_of(broker), clock_s=int(time.time()), cause=RESET) as one:
        one.shows("! no connection to the broker localhost:%d: no connection: localhost: no name "
                  "server is known: the network has told none (--dns names one)" % broker.port)


def flash_of(broker: Broker) -> dict[str, object]:
    """Of a board that goes to it by name: any other would need TLS."""
    password = broker.account("0a" * 8)
    return {"gateway.json": {**OF_FLASH["gateway.json"], "broker": {
                "host": "localhost", "port": broker.port, "tls": False}},
            "keys.json": {**OF_FLASH["keys.json"], "broker_user": "0a" * 8,
                          "broker_password": password}}
