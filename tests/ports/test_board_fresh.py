"""A configuration with which a board does not live: tried three times, then taken back."""

import json
import re
import time

import pytest

from tests.ports.test_board_states import OF_FLASH
from wum_edge.configuration.kept import Kept
from wum_edge.ports.linux.flash import LinuxFlash
from wum_shared.configuration import Configuration
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import Board, Description, Supervisor

PATIENCE_S = 120             # A limit only: the machine may be busy.
FILES = {**OF_FLASH, "board.json": {"status_s": 1, "page_port": 0}}
# It does not live with a period of seven seconds.
MAIN = """
from change import change, held
from wum_edge.agent import Agent
from wum_edge.ports.micropython import main
change("wum_edge.ports.micropython.main", STEADY_MS=3000)
tick = Agent.tick
settings = held("wum_edge.ports.micropython.settings", "read_settings")
period = [0]
def read(*given):
    found = settings(*given)
    period[0] = found.config.schedule.period_s
    print("period", period[0])
    return found
change("wum_edge.ports.micropython.settings", read_settings=read)
def ticked(agent):
    if period[0] == 7:
        raise MemoryError("it does not live with that")
    tick(agent)
Agent.tick = ticked
main.start()
"""
CHANGEABLE = ("wum_edge.ports.micropython.main.STEADY_MS",
              "wum_edge.ports.micropython.settings.read_settings")


def said_periods(board):
    return re.findall(r"^period (\d+)$", board.said(), re.M)


@pytest.mark.parametrize(("period_s", "periods"), [(7, ["7", "7", "7", "5"]), (6, ["6"])])
def test_it_is_tried_three_times_and_then_the_one_before_is_in_force(tmp_path, period_s, periods):
    flash = tmp_path / "flash"
    flash.mkdir()
    for name, document in FILES.items():
        (flash / name).write_text(json.dumps(document))
    archive = LinuxFlash(flash / "archive")
    for number, period in ((1, 5), (2, period_s)):
        Kept(archive).keep(Configuration(number, {"schedule": {"period_s": period, "offset_s": 0}}))
    archive.replace("configuration-fresh", b"\0")
    archive.close()
    (tmp_path / "log").touch()
    board = Board(Description(main=MAIN, flash=flash, log=tmp_path / "log",
                              sources=gateway(MAIN, CHANGEABLE)))
    supervisor = Supervisor(board, None, lambda: int(time.time()))
    # As after the reset that follows an order.
    start, causes = board.start, [2]
    board.start = lambda cause, *more: start(causes.pop() if causes else cause, *more)
    supervisor.start()
    try:
        until = time.monotonic() + PATIENCE_S
        while (flash / "archive" / "configuration-fresh").exists() or (
                len(said_periods(board)) < len(periods)):
            assert time.monotonic() < until, board.said()
            time.sleep(0.1)
    finally:
        supervisor.stop()
    assert said_periods(board)[:len(periods)] == periods
    assert ("is taken back: 3 starts with it came to nothing" in board.said()) == (period_s == 7)
    archive = LinuxFlash(flash / "archive")
    try:
        assert Kept(archive).current.number == (1 if period_s == 7 else 2)
    finally:
        archive.close()
