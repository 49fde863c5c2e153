"""Virtual boards in the street's cabinets: made of what Linux has there, started, cut, judged.

Left out: what such a board is (wum_simulator.board) and what is asked of it.
"""

import itertools
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import wum_edge
from demo.releases import Step
from demo.steps import run_step
from demo.street import Cabinet
from tests.system.ends import HANG, RESET, End
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import (
    Board,
    Description,
    Life,
    Supervisor,
    Uart,
)

START = "from wum_edge.ports.micropython import main"
_ENDLESS = End()
_CATALOG = Path(wum_edge.__file__).parent / "catalog"
# Waits of a board, compressed as its hour is, and batches for as many rows as come then; after
# `seconds` it is reset, or hangs in a turn.
_HASTE = START + """
from change import change
from wum_edge.ports.micropython import broker
change("wum_edge.ports.micropython.main", WATCHDOG_MS=5000)
change("wum_edge.uplink.reconnect", WINDOW_MS=400, LEAST_MS=100)
change("wum_edge.agent", HOLD_MS=200)
broker.BoardBroker.batch_bytes = 8192
"""
_TROUBLE = """
import machine
import time
from wum_edge.agent import Agent
began_ms = time.ticks_ms()
tick = Agent.tick
def troubled(agent):
    tick(agent)
    if time.ticks_diff(time.ticks_ms(), began_ms) > {ms}:
        {what}
Agent.tick = troubled
"""
# Power goes at a commit after the one that put this start's event on flash.
_CUT_AFTER_START = """
import _board
from wum_edge.ports.marks import MarksFile
archived = MarksFile.archived
commits = [{commits}]
def first(marks, records, last):
    if commits:
        _board.cut_in(commits.pop())
    archived(marks, records, last)
MarksFile.archived = first
"""
_CHANGEABLE = (
    "wum_edge.agent.HOLD_MS", "wum_edge.enrolment.renewal.ASK_MS",
    "wum_edge.ports.micropython.boot.WATCHDOG_MS", "wum_edge.ports.micropython.boot._put_before",
    "wum_edge.ports.micropython.enrolling.AGAIN_MS",
    "wum_edge.ports.micropython.enrolling.SOON_MS", "wum_edge.ports.micropython.main.TICK_MS",
    "wum_edge.ports.micropython.main.WATCHDOG_MS", "wum_edge.ports.micropython.renewing.EPOCH_S",
    "wum_edge.ports.micropython.renewing.FIRST_S", "wum_edge.update.courier.ASK_MS",
    "wum_edge.uplink.reconnect.LEAST_MS", "wum_edge.uplink.reconnect.WINDOW_MS")
# The same of what runs from a slot: a release is joined, and what it was built with is all it has.
_HASTY = {
    "ports/micropython/main.py": {"WATCHDOG_MS": 60000, "TICK_MS": 50},
    "ports/micropython/renewing.py": {"EPOCH_S": 20}, "enrolment/renewal.py": {"ASK_MS": 2000},
    "update/courier.py": {"ASK_MS": 3000}, "agent.py": {"HOLD_MS": 200},
    "uplink/reconnect.py": {"WINDOW_MS": 400, "LEAST_MS": 100}}
_WHAT = {HANG: "while True: pass", RESET: "machine.reset()"}


def image_of_boards() -> tuple[tuple[Path, str], ...]:
    """What is frozen into the boards of these tests."""
    return gateway(_HASTE, _CHANGEABLE)


def hasty_sources(folder: Path, repository: Path, step: Step) -> Path:
    """A copy of `repository` in `folder`, whose releases are for these tests. `step` runs a
    command line.
    """
    step("", ["git", "clone", "--quiet", "--shared", str(repository), str(folder)])
    for name, values in _HASTY.items():
        path = folder / "edge" / "wum_edge" / name
        text = path.read_text()
        for constant, value in values.items():
            text, count = re.subn(r"(?m)^%s = [0-9_]+" % constant, f"{constant} = {value}", text)
            assert count == 1, (name, constant)
        path.write_text(text)
    step("", ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", "-c",
              "commit.gpgsign=false", "commit", "--quiet", "--all", "--message", "Hasty."])
    return folder


def life(end: End = _ENDLESS) -> Life:
    """One life of a board's gateway."""
    more = _TROUBLE.format(ms=end.after_ms, what=_WHAT[end.trouble]) if end.trouble else ""
    more += _CUT_AFTER_START.format(commits=end.cut_in) if end.cut_in else ""
    return Life(end.cut_at, _HASTE + more + "main.start()\n")


def with_access(text: str, access: Mapping[str, str]) -> str:
    """A configuration whose meters have the access of their model."""
    return "".join(
        table + "".join(own for model, own in access.items() if f'"{model}"' in table)
        for table in re.split(r"(?m)^(?=\[)", text))


class CabinetBoard:
    """The board of a cabinet, in place of `wum-edge run`."""

    def __init__(self, cabinet: Cabinet, environment: Mapping[str, str],
                 access: Mapping[str, str]) -> None:
        """Of the cabinet's configuration, which is written already; `access` is by model."""
        self.flash = cabinet.folder / "flash"
        text = cabinet.configuration.read_text().replace(str(cabinet.bus), "uart:1")
        configuration = cabinet.folder / "board.toml"
        text = text.replace("archive_limit_mb = 64", "archive_limit_mb = 1")
        configuration.write_text(with_access(text, access))
        run_step("wum-firmware", [
            str(Path(sys.executable).parent / "wum-firmware"), "board", "--keys", str(cabinet.keys),
            "--page-port", "0", "--config", str(configuration), "--catalog", str(_CATALOG),
            *(["--radio", "1,cs=8,busy=13"] if cabinet.mesh is not None else []),
            "--out", str(self.flash)], environment, cabinet.folder)
        self.board = Board(Description(
            main=life().main, flash=self.flash, log=cabinet.folder / "board.log",
            sources=image_of_boards(), uarts={1: Uart(str(cabinet.bus), paced=False)},
            radio=str(cabinet.modem) if cabinet.mesh is not None else "",
            flash_bytes=4 * 1024 * 1024, unique_id="%012x" % cabinet.number))
        self.supervisor: Supervisor | None = None

    def start(self) -> None:
        """Switch on, undisturbed and with its clock set; after a reset it goes on by itself."""
        self.supervisor = Supervisor(self.board, itertools.repeat(life()), lambda: int(time.time()))
        self.supervisor.start()

    def stop(self) -> None:
        """Pull the plug: a board knows no other end."""
        if self.supervisor is not None:
            self.supervisor.stop()
            self.supervisor = None

    @property
    def archive(self) -> Path:
        return self.flash / "archive"
