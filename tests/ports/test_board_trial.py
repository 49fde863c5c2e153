"""A version on trial on a board never waits for a person: it comes to its end, or back."""

import json
import re
import time
from hashlib import sha256

import pytest

from tests.ports.slot_main import SLOT_CHANGEABLE, slot_main
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.update import boot, slots
from wum_shared import bundle
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import RESET, Board, Description, Supervisor, Uart

PATIENCE_S = 400
MAIN = slot_main('change("wum_edge.ports.micropython.waiting", AGAIN_MS=1000)\n')
CHANGEABLE = (
    *SLOT_CHANGEABLE, "wum_edge.ports.micropython.boot.PROGRAM",
    "wum_edge.ports.micropython.trial_timer.TRIAL_MS",
    "wum_edge.ports.micropython.waiting.AGAIN_MS")
GATEWAY = {"concentrator": {"name": "b", "keys": "keys", "archive": "archive",
                            "archive_limit_mb": 1},
           "broker": {"host": "127.0.0.1", "port": 1, "tls": False}}


FEEDS = """
import machine, time
def start():
    print("feeds")
    watchdog = machine.WDT(timeout=60000)
    while True:
        watchdog.feed()
        time.sleep_ms(10)
"""


def on_trial(flash, name="release.json", text="{}"):
    """Slot a holds a release, and is on trial. With one file that is no code that of the board runs
    then."""
    data = bundle.content_of([(name, text.encode(), bundle.PLAIN)])
    end = bundle.table_size(data)
    flash.replace("a/" + name, data[end:])
    flash.replace(slots.table_name(boot.A), data[:end])
    boot.keep_boot(flash, boot.read_boot(flash).armed(7, sha256(data).digest(), 0))


@pytest.mark.parametrize(("files", "words"), [
    ({}, "gateway.json cannot be read"),
    ({"gateway.json": GATEWAY, "board.json": {}}, "it finds no keys"),
])
def test_what_it_would_wait_for_a_person_with_is_a_failure_of_the_version(tmp_path, files, words):
    (tmp_path / "log").touch()
    (tmp_path / "flash").mkdir()
    for name, document in files.items():
        (tmp_path / "flash" / name).write_text(json.dumps(document))
    flash = SlotFlash(tmp_path / "flash" / "update")
    on_trial(flash)
    board = Board(Description(
        main=MAIN, flash=tmp_path / "flash", log=tmp_path / "log",
        sources=gateway(MAIN, CHANGEABLE),
        uarts={1: Uart(str(tmp_path / "none"))}))
    supervisor = Supervisor(board)
    supervisor.start()
    until = time.monotonic() + PATIENCE_S
    while not re.search(r"^! not (set up|claimed)", board.said(), re.M):
        assert time.monotonic() < until and supervisor.ended is None, board.said()
        time.sleep(0.2)
    supervisor.stop()
    tries = re.findall(r"^! this version is on trial, and cannot go on: .*$", board.said(), re.M)
    assert len(tries) == boot.TRIES and all(words in one for one in tries), board.said()
    assert supervisor.causes[1:] == [RESET] * boot.TRIES
    record = boot.read_boot(flash)
    assert (record.trial, record.home, record.failed) == (None, boot.FACTORY, 7)


def test_what_feeds_the_watchdog_and_comes_to_nothing_is_ended_by_the_timer(tmp_path):
    (tmp_path / "log").touch()
    (tmp_path / "flash").mkdir()
    (tmp_path / "app.py").write_text("def start():\n    print('home')\n    raise SystemExit\n")
    flash = SlotFlash(tmp_path / "flash" / "update")
    on_trial(flash, "app.py", FEEDS)
    board = Board(Description(
        main=("from change import change\nfrom wum_edge.ports.micropython import boot\n"
              "change('wum_edge.ports.micropython.trial_timer', TRIAL_MS=500)\n"
              "change('wum_edge.ports.micropython.boot', WATCHDOG_MS=60000, PROGRAM='app')\n"
              "boot.start()"),
        flash=tmp_path / "flash", log=tmp_path / "log",
        sources=(*gateway(MAIN, CHANGEABLE), (tmp_path / "app.py", "/app.py"))))
    supervisor = Supervisor(board)
    supervisor.start()
    until = time.monotonic() + PATIENCE_S
    while "home" not in board.said():
        assert time.monotonic() < until and supervisor.ended is None, board.said()
        time.sleep(0.1)
    supervisor.stop()
    said = board.said().partition("home")[0]
    assert said.count("feeds") == said.count("on trial for too long") == boot.TRIES, said
    assert supervisor.causes[1:boot.TRIES + 1] == [RESET] * boot.TRIES
    assert boot.read_boot(flash).failed == 7
