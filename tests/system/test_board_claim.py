"""A virtual board from its box to its first reading, by a person's steps; then it is ordered about
and updated, while power goes at commits of its flash. All else is real: mosquitto, head-end,
console, PostgreSQL, workbench.

What its archive took is in the database exactly once, and no order was begun twice. The seed is
printed; WUM_SEED replays one.
"""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import wum_edge
from demo.releases import BETTER, CRASHING_BOARD, prepare
from tests.system.boards import hasty_sources, image_of_boards, life
from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import ROOT
from tests.system.test_commands import Lent, agree, ask, do
from tests.system.test_commands import states as command_ends
from tests.system.test_configuration import Console, console, newest, states
from tests.system.test_enrolment import Place, command_states, order, place
from tests.system.test_updates import Api, asked_for, campaign
from wum_cloud.audit.acts import Actor
from wum_cloud.campaigns import faults
from wum_cloud.commands.groups import managing
from wum_cloud.registry.reach import Reach
from wum_shared.status import EVENT_STARTED
from wum_simulator.board.supervisor import POWER_ON, Board, Description, Life, Supervisor, Uart

__all__ = ["console", "place"]     # The fixtures: a head-end and its broker, somebody signed in.
_BIN = Path(sys.executable).parent
_CATALOG = Path(wum_edge.__file__).parent / "catalog"
_MODEL = "eastron-sdm630"
_CLAIM_CUTS, _CLAIM_LATEST = 4, 6
# Commits from where an act is put on record as begun, which takes three: before it, or within it.
_ORDER_CUTS = ((1, 3), (4, 5))
_OVER = {"done", "failed", "unknown"}
_HEAP_BYTES = 8 * 1024 * 1024        # As an ESP32-S3 has with PSRAM: a slot is hashed in one turn.
_PATIENCE_S = 400
_HASTE = """
from change import change
# Nothing hangs here, but a machine may be busy. Keys change all the time.
change("wum_edge.ports.micropython.main", WATCHDOG_MS=60000, TICK_MS=50)
change("wum_edge.ports.micropython.enrolling", SOON_MS=600, AGAIN_MS=2000)
change("wum_edge.ports.micropython.renewing", EPOCH_S={epoch_s})
change("wum_edge.enrolment.renewal", ASK_MS=2000)
change("wum_edge.update.courier", ASK_MS=3000)
"""
_CUT_AT_AN_ORDER = """
import _board
from wum_edge.orders import journal
change = journal.Journal.change
commits = [{commits}]
def first(one, entry):
    if commits and entry.state == journal.BEGUN:
        _board.cut_in(commits.pop())
    change(one, entry)
journal.Journal.change = first
"""
# Where power goes in an update: pieces are put on flash, files are written to the slot.
_UPDATE_CUTS = (("fetch.Fetch", "sync", 6), ("install.Installer", "step", 70))
_CUT_IN_AN_UPDATE = """
import _board
from wum_edge.update import {module}
act = {module}.{kind}.{act}
left = [{times}]
def counted(one):
    if left[0] and not ({idle}):
        left[0] -= 1
        if not left[0]:
            _board.cut_in({commits})
    return act(one)
{module}.{kind}.{act} = counted
"""
# The board starts as a real one does, by boot.py; `haste` is for whatever slot it starts. Native
# code of a release is an ESP32's: here the same stands for it as for what is frozen.
_BOOTED = """
import sys
import _chacha
import _ghash
import _sha512
from change import change, held
from wum_edge.ports.micropython import boot
put_before = held("wum_edge.ports.micropython.boot", "_put_before")
def put(slot):
    put_before(slot)
    sys.modules["wum_edge.ports.micropython.chacha_viper"] = _chacha
    sys.modules["wum_edge.ports.micropython.ghash_viper"] = _ghash
    sys.modules["wum_edge.ports.micropython.sha512_viper"] = _sha512
    exec({haste!r}, {{}})
change("wum_edge.ports.micropython.boot", _put_before=put, WATCHDOG_MS=60000)
boot.start()
"""


class Plug:
    """Lives of the board: the first ones end at early commits of its flash, and after `trouble`
    some at orders, after `trouble_updates` some in an update.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._early = _CLAIM_CUTS
        self._orders: list[tuple[int, int]] = []
        self._updates: list[tuple[str, str, int]] = []
        self._is_updated = False     # What is sealed for keys before the last is lost to it.

    def lives(self) -> Iterator[Life]:
        """As long as the test lasts."""
        while True:
            cut_at, more = 0, _HASTE.format(epoch_s=20 if self._is_updated else 5)
            if self._early:
                self._early -= 1
                cut_at = self._dice.randint(1, _CLAIM_LATEST)
            elif self._orders:
                more += _CUT_AT_AN_ORDER.format(commits=self._dice.randint(*self._orders.pop(0)))
            elif self._updates:
                kind, act, most = self._updates.pop(0)
                module, _, kind = kind.partition(".")
                more += _CUT_IN_AN_UPDATE.format(
                    module=module, kind=kind, act=act, times=self._dice.randint(2, most),
                    commits=self._dice.randint(1, 4),
                    idle="not one._unsynced" if act == "sync" else "False")
            haste = life().main.replace("main.start()", more)
            yield Life(cut_at, _BOOTED.format(haste=haste))

    def trouble(self, board: Board) -> None:
        """Pull the plug; more of it comes."""
        self._orders = list(_ORDER_CUTS)
        board.cut()

    def trouble_updates(self, board: Board) -> None:
        """Pull the plug; more of it comes in the next update."""
        self._updates, self._is_updated = list(_UPDATE_CUTS), True
        board.cut()

    def is_quiet(self) -> bool:
        """Whether the last planned life has begun."""
        return not self._orders and not self._updates


@pytest.fixture
def releases(place: Place) -> Path:
    """For boards, and the head-end knows whose are taken before it starts."""
    folder = place.folder / "releases"

    def step(_: str, words: list[str]) -> None:
        program = words[0] if words[0] == "git" else str(_BIN / words[0])
        subprocess.run([program, *words[1:]], check=True, capture_output=True,
                       env=place.environment)
    hasty = hasty_sources(place.folder / "hasty", ROOT, step)
    prepare(folder, hasty, step, (BETTER, CRASHING_BOARD), "micropython-xtensawin")
    place.environment["WUM_RELEASE_TRUST"] = str(folder / "release-trust.json")
    return folder


def registry_file(place: Place, device: str, *models: str) -> str:
    """A UART with a meter for each model, which are read every two seconds."""
    file = place.folder / "registry.csv"
    file.write_text(
        "kind,name,concentrator,port,period_s,model,delivery_point,bus,address,schedule\n"
        "schedule,often,,,2,,,,,\n"
        f"bus,rs485,{device},uart:1,,,,,,\n" + "".join(
            f"meter,SDM-{n},{device},,,{model},P-{n},rs485,{n},often\n"
            for n, model in enumerate(models, 1)))
    return str(file)


def board_of(place: Place, bus: Path, releases: Path) -> Board:
    """Set up on the workbench without any key, and without a line."""
    file = place.folder / "board.toml"
    file.write_text(
        '[concentrator]\nname = "cellar"\nkeys = "keys"\narchive = "archive"\n'
        'archive_limit_mb = 1\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {place.plain_port}\ntls = false\n')
    flash = place.folder / "flash"
    place.run("wum-firmware", "board", "--config", str(file), "--catalog", str(_CATALOG),
              "--model", _MODEL, "--status-s", "1", "--page-port", "0", "--release-trust",
              str(releases / "release-trust.json"), "--out", str(flash))
    assert not (flash / "keys.json").exists()
    (place.folder / "board.log").touch()
    return Board(Description(main=life().main, flash=flash, log=place.folder / "board.log",
                             sources=image_of_boards(), uarts={1: Uart(str(bus), paced=False)},
                             flash_bytes=8 * 1024 * 1024, heap_bytes=_HEAP_BYTES))


def test_a_board_is_claimed_reads_is_ordered_about_and_updated_whatever_happens_to_its_power(
        place: Place, releases: Path, console: Console) -> None:
    seed = int(os.environ.get("WUM_SEED", random.randrange(10**6)))
    print("WUM_SEED=%d" % seed)
    bus = place.folder / "bus"
    with place.started("meters", [str(_BIN / "wum-simulator"), "serve", "--link", str(bus),
                                  "--meters", "2", "--model", _MODEL]):
        place.wait_for("line", bus.exists)
        board, plug = board_of(place, bus, releases), Plug(random.Random(seed))
        supervisor = Supervisor(board, plug.lives(), lambda: int(time.time()))
        supervisor.start()
        try:
            device = claimed(place, console, board)
            ordered(place, console, board, device)
            plug.trouble(board)
            ordered_in_trouble(place, plug)
            updated(place, console, plug, board, releases)
            lent_to_others(place, device)
            supervisor.stop()
            judge(place, board, supervisor)
        finally:
            supervisor.stop()
            print(board.said()[-5000:])
            print(place.ask("select kind, state, told from command"))


def claimed(place: Place, console: Console, board: Board) -> str:
    """Planned, its code typed in: it reads by itself. Its id."""
    place.wait_for("claim code", lambda: "claim code: " in board.said())
    console.post("/claims/plan", "/claims", name="cellar")
    plan = str(place.ask("select encode(device_id, 'hex') from concentrator")[0][0])
    place.run("wum-cloud", "registry", "import", registry_file(place, plan, _MODEL))
    code = re.findall(r"claim code: (\S+)", board.said())[-1]
    answer = console.post("/claims", "/claims", code=code, planned=plan)
    assert "it is let in as soon as it comes" in answer, answer
    place.wait_for("first reading", lambda: newest(place))
    place.wait_for("receipt of the first configuration", lambda: states(place) == ["done"])
    assert code not in board.said().partition("claimed: ")[2], "it is burned"
    assert (place.folder / "flash" / "keys" / "own").read_text().count(code) == 0
    device = str(place.ask("select encode(device_id, 'hex') from concentrator")[0][0])
    assert device != plan and "claimed: " + device in board.said()
    return device


def ordered(place: Place, console: Console, board: Board, device: str) -> None:
    """Another meter comes by order; what a board has no entry for is refused whole, with words; a
    meter is read when it is asked for, and what its model cannot is refused by its name.
    """
    page = "/concentrators/%s/configuration" % device
    place.run("wum-cloud", "registry", "import", registry_file(place, device, _MODEL, _MODEL))
    console.post("/configuration/send", page, concentrator=device, reason="a second meter")
    place.wait_for("reading of the second meter", lambda: newest(place, "SDM-2"))
    place.wait_for("second receipt", lambda: states(place) == ["done", "done"])
    place.run("wum-cloud", "registry", "import",
              registry_file(place, device, _MODEL, "chint-dtsu666"))
    console.post("/configuration/send", page, concentrator=device, reason="a slip of a pen")
    place.wait_for("refusal", lambda: states(place) == ["done", "done", "failed"])
    shown = console.get(page)
    assert "meter[1].model" in shown and "chint-dtsu666" in shown, shown
    order(place, "fetch-log", device, lines=20)
    order(place, "read", "SDM-2")
    order(place, "set-clock", "SDM-1")
    place.wait_for("ends of commands", lambda: of_kinds(place) == {
        "fetch-log": "done", "read": "done", "set-clock": "failed"})
    ((log,),) = place.ask("select convert_from(content, 'UTF8') from command"
                          " where content is not null and kind <> 11")
    # Which lines the newest are, how busy it was decides; that they are its own is what counts.
    said, lines = board.said(), str(log).splitlines()
    assert len(lines) > 4 and all(line in said for line in lines)
    in_a_group(place)
    order(place, "restart", device)
    place.wait_for("end of the restart", lambda: of_kinds(place)["restart"] == "done")


def in_a_group(place: Place) -> None:
    """One order for both meters, which the board opens by the group's key, and answers for each."""
    do(place, lambda connection: managing.set_group(
        connection, Reach(1), Actor(1, "dora", ""), "houses", ["SDM-1", "SDM-2"]))
    place.wait_for("member", lambda: place.ask(
        "select from command_group_member where is_confirmed"))
    made = ask(place, "disconnect", group="houses")
    place.wait_for("ends of the group's order", lambda: command_ends(place, made) == [
        (serial, "failed", "it cannot be done here: eastron-sdm630 has no switch")
        for serial in ("SDM-1", "SDM-2")])
    assert len(place.ask("select distinct o.sequence from command_order o join command using"
                         " (command_id) where request_id = %d and o.to_group"
                         % made.request_id)) == 1


def of_kinds(place: Place) -> dict[str, str]:
    """States of commands by kind, but for configurations."""
    return {kind: state for kind, state in command_states(place).items() if kind != "configure"}


def ordered_in_trouble(place: Place, plug: Plug) -> None:
    """While power goes: each has an end, and is never begun twice."""
    before = newest(place)
    for number in range(len(_ORDER_CUTS) + 1):
        order(place, "read", "SDM-%d" % (1 + number % 2))
        place.wait_for("an end of every command", lambda: {
            str(state) for (state,) in place.ask("select state from command")} <= _OVER)
    assert plug.is_quiet()
    assert place.ask("select state from command where kind = 1 order by command_id") == [
        ("done",), ("failed",), ("unknown",), ("done",)], "asked for, cut before, cut within, again"
    place.wait_for("readings after it", lambda: newest(place) > before + 3)
    place.wait_for("keys of later epochs in use", lambda: place.ask(
        "select from concentrator_epoch where epoch > 3 and not isempty(uplink_seen)"))


def updated(place: Place, console: Console, plug: Plug, board: Board, releases: Path) -> None:
    """To another version while it reads and power goes, and back from one that crashes."""
    port = int(place.environment["WUM_WEB_PORT"])
    ada, bob = Api(place, port, "admin"), Api(place, port, "bob")
    assert place.ask("select sequence from update_standing") == [(0,)], "the factory's"
    plug.trouble_updates(board)
    (begun_at,), = place.ask("select now()::text")
    assert campaign(place, ada, bob, asked_for(place, ada, releases / BETTER.name),
                    _PATIENCE_S) == "done"
    assert plug.is_quiet(), "power went in the update"
    assert place.ask("select state, fault from campaign_member") == [("good", "")]
    assert place.ask("select sequence from update_standing") == [(BETTER.sequence,)]
    place.wait_for("event of its start", lambda: place.ask(starts_of(BETTER.sequence)))
    assert place.ask(
        "select count(distinct captured_at) > 3 from reading where captured_at > '%s' and"
        " captured_at < (select min(at) from (%s) as started)" % (
            begun_at, starts_of(BETTER.sequence))) == [(True,)], "it read meanwhile"
    assert campaign(place, ada, bob, asked_for(place, ada, releases / CRASHING_BOARD.name),
                    _PATIENCE_S) == "stopped"
    assert place.ask("select state, fault from campaign_member where campaign_id = 2") == [
        ("failed", faults.CRASHED)]
    assert "it ended before it could tell" in console.get("/campaigns/2")
    place.wait_for("its way back", lambda: place.ask(
        "select from update_standing where sequence = %d and state in (3, 4, 5)"
        % BETTER.sequence))
    assert len(re.findall(r"^SystemExit: this release was made to crash", board.said(), re.M)) == 3
    before = newest(place)
    place.wait_for("readings after it", lambda: newest(place) > before + 3)


def lent_to_others(place: Place, device: str) -> None:
    """Whoever has a client of his own speaks with a meter; the board does what else it is told."""
    made = ask(place, "session", "SDM-2", seconds=300)
    agree(place, made)
    place.wait_for("session", lambda: command_ends(place, made)[0][1] == "received")
    lent = Lent(place, made.command_ids[0])
    with lent.running() as process:
        lent.says("Open: connect the tool")
        with socket.create_connection(("127.0.0.1", lent.port), timeout=_PATIENCE_S) as client:
            client.sendall(framed(bytes([2, 4, 0, 0, 0, 2])))        # Two registers: volts.
            heard = b""
            while len(heard) < 9:
                more = client.recv(64)
                assert more, "the session ended"
                heard += more
        assert heard == framed(heard[:-2]) and heard[:3] == bytes([2, 4, 4]), heard.hex()
        logs = "select state from command where kind = 8 order by command_id desc limit 1"
        order(place, "fetch-log", device, lines=5)
        place.wait_for("log, while the line is lent", lambda: place.ask(logs) == [("done",)])
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE_S) == 0
    place.wait_for("its end", lambda: command_ends(place, made)[0][1] == "done")
    before = newest(place)
    place.wait_for("readings after it", lambda: newest(place) > before + 3)


def framed(data: bytes) -> bytes:
    """With the CRC of Modbus RTU."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return data + crc.to_bytes(2, "little")


def starts_of(sequence: int) -> str:
    """Events of starts of a release."""
    return "select at from event where kind = %d and note like '%%board release %d in slot %%'" % (
        EVENT_STARTED, sequence)


def judge(place: Place, board: Board, supervisor: Supervisor) -> None:
    """Archive against database, and what was begun."""
    rows = place.ask("select incarnation, upper(span) - 1 from archive, "
                     "unnest(received) as span where lower(span) = 1")
    last = {bytes(name): int(number) for name, number in rows}   # type: ignore[call-overload]
    folder = [place.folder / "flash" / "archive"]
    must, may = read_archives(folder, last), read_archives(folder)
    begun = Counter(re.findall(r"^order (\d+) begun", board.said(), re.M))
    cuts = supervisor.causes.count(POWER_ON) - 1
    print("%d starts, %d cuts; %d orders begun, %d rows" % (
        len(supervisor.causes), cuts, len(begun), must.rows))
    assert cuts >= _CLAIM_CUTS + len(_ORDER_CUTS) + len(_UPDATE_CUTS), "not every cut came"
    assert len(begun) >= 5 and set(begun.values()) == {1}, begun
    assert must.rows > 5 and len(last) == 1
    assert differences(must, may, read_database(place.url)) == []
