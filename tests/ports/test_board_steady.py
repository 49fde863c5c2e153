"""A board that reads for long needs no more heap than at first: reads one after the other, in
compressed time, while nobody fetches what is archived.

Short here; `make board-day` reads 20,000 times and for 24 hours of the board's time.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import wum_edge
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import Board, Description, Uart

READS = int(os.environ.get("WUM_BOARD_READS", "600"))
HOURS = int(os.environ.get("WUM_BOARD_HOURS", "2"))
METERS, SPEED, PERIOD_S = 10, 720, 300
GROWTH_MAX = 24 * 1024       # What one sweep more or less under way makes of a difference.
PATIENCE_S = 600 + READS     # A limit only: the machine may be busy.
CATALOG = Path(wum_edge.__file__).parent / "catalog"
MAIN = """
import asyncio, gc
from wum_edge.agent import Agent
from wum_edge.ports.micropython import main
from wum_shared.rows import Row
reads = [0]
take = Agent.take
def counted(agent, record):
    if isinstance(record, Row):      # What was missed is none.
        reads[0] += 1
    take(agent, record)
Agent.take = counted
async def weighed(one):
    while True:
        await asyncio.sleep_ms(100)
        print("heap", one.clock.now_s(), reads[0], gc.mem_alloc())
main.Gateway._tell = weighed
main.start()
"""


def test_the_heap_is_as_large_after_many_reads_as_after_some(tmp_path):
    bus = tmp_path / "bus"
    with subprocess.Popen([str(Path(sys.executable).with_name("wum-simulator")), "serve", "--link",
                           str(bus), "--meters", str(METERS), "--model", "eastron-sdm630"]) as wire:
        try:
            _until(bus.exists, wire)
            board = Board(Description(
                main=MAIN, flash=_flash(tmp_path / "flash"), log=tmp_path / "log",
                sources=gateway(MAIN), uarts={1: Uart(str(bus), paced=False)}))
            board.start(clock_s=int(time.time()))
            try:
                _until(lambda: _is_over(_weighed(board)), wire, board)
            finally:
                board.cut()
        finally:
            wire.terminate()
    weighed = _weighed(board)
    assert "Traceback" not in board.said(), board.said()[-3000:]
    half, whole = weighed[len(weighed) // 4:len(weighed) // 2], weighed[len(weighed) // 2:]
    early, late = (max(heap for _, _, heap in part) for part in (half, whole))
    print("%d reads in %d h of its time: %d bytes at most before half of it, %d after" % (
        weighed[-1][1], (weighed[-1][0] - weighed[0][0]) // 3600, early, late))
    assert late <= early + GROWTH_MAX


def _weighed(board):
    """(the board's time, reads so far, bytes of heap in use), as it said them."""
    return [(int(at), int(reads), int(heap)) for at, reads, heap in re.findall(
        r"^heap (\d+) (\d+) (\d+)$", board.said(), re.M)]


def _is_over(weighed):
    return len(weighed) > 40 and weighed[-1][1] >= READS and (
        weighed[-1][0] - weighed[0][0] >= HOURS * 3600)


def _until(is_so, wire, board=None):
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert wire.poll() is None and time.monotonic() < until
        assert board is None or board.is_on(), board.said()[-3000:]
        time.sleep(0.2)


def _flash(folder):
    (folder / "catalog").mkdir(parents=True)
    now_s, key = int(time.time()), ["00" * 32, "00" * 12]
    (folder / "catalog" / "eastron-sdm630.json").write_text(
        (CATALOG / "eastron-sdm630.json").read_text())
    meters = [{"serial": "M-%d" % number, "delivery_point": "dp-%d" % number, "line": "a",
               "address": number, "model": "eastron-sdm630"} for number in range(1, METERS + 1)]
    for name, document in (
            ("gateway.json", {
                "concentrator": {"name": "long", "keys": "k", "archive": "a",
                                 "archive_limit_mb": 1},
                "broker": {"host": "127.0.0.1", "port": 9, "tls": False},
                "schedule": {"period_s": PERIOD_S, "offset_s": 0},
                "line": [{"name": "a", "port": "uart:1", "baud": 9600}], "meter": meters,
                "clock": {"start_s": now_s - 30 * 86400, "wall_s": now_s, "speed": SPEED}}),
            ("keys.json", {"id": "0a" * 8, "tenant": "t", "epoch": 1, "uplink": key,
                           "downlink": key, "broker_user": "u", "broker_password": "p"}),
            ("board.json", {})):
        (folder / name).write_text(json.dumps(document))
    return folder
