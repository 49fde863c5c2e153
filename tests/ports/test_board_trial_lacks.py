"""A version on trial on a board, and what it has to show: records on flash, a row of a meter, the
head-end. Whichever is lacking, it goes back to the version before, which knows why.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from binascii import crc32
from pathlib import Path

import pytest

import wum_edge
from tests.ports.slot_main import SLOT_CHANGEABLE, slot_main
from tests.ports.test_board_trial import on_trial
from wum_edge.ports.linux import cipher as linux
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.update import boot
from wum_shared import enrolment
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import Board, Description, Supervisor, Uart

PATIENCE_S = 400
MODEL = "eastron-sdm630"
CATALOG = Path(wum_edge.__file__).parent / "catalog"
FLASH_BYTES = 2 * 1024 * 1024
BLOCK = 4096
LEFT_BLOCKS = 16             # For folders, and boot.py's own writes; too few for the archive.
# A trial is over as soon as it lacks what is looked for: of what never comes, after two seconds.
# The slot has no code, so that of the board runs.
MAIN = slot_main("""\
from wum_edge.update.trial import Trial
change("wum_edge.update.trial", TRIAL_MS=2000)
change("wum_edge.ports.micropython.updating", _check_home=lambda folder: None)
is_over = Trial.is_over
Trial.is_over = lambda one, now_ms: is_over(one, now_ms) and one.lacks == WANTED
""")
CHANGEABLE = (
    *SLOT_CHANGEABLE, "wum_edge.ports.micropython.updating._check_home",
    "wum_edge.update.trial.TRIAL_MS")


@pytest.mark.parametrize("lacks", [boot.NO_ARCHIVE, boot.NO_METER, boot.NO_HEADEND])
def test_a_trial_that_lacks_something_ends_in_the_version_before_which_says_what(tmp_path, lacks):
    bus, (folder, flash) = tmp_path / "bus", _claimed(tmp_path)
    on_trial(flash)
    if lacks == boot.NO_ARCHIVE:
        taken = sum(-(-path.stat().st_size // BLOCK) for path in folder.rglob("*"))
        (folder / "filler").write_bytes(bytes(
            FLASH_BYTES - BLOCK * (taken + LEFT_BLOCKS)))
    (tmp_path / "log").touch()
    with subprocess.Popen([str(Path(sys.executable).with_name("wum-simulator")), "serve", "--link",
                           str(bus), "--meters", "1", "--model", MODEL]) as wire:
        try:
            board = Board(Description(
                main=MAIN.replace("WANTED", str(lacks)), flash=folder, log=tmp_path / "log",
                flash_bytes=FLASH_BYTES, sources=gateway(MAIN, CHANGEABLE),
                uarts={1: Uart(str(tmp_path / "none" if lacks == boot.NO_METER else bus))}))
            supervisor = Supervisor(board, clock_s=lambda: int(time.time()))
            supervisor.start()
            until = time.monotonic() + PATIENCE_S
            while boot.read_boot(flash).trial is not None:
                assert time.monotonic() < until and supervisor.ended is None, board.said()
                time.sleep(0.2)
            supervisor.stop()
        finally:
            wire.terminate()
    record = boot.read_boot(flash)
    assert (record.home, record.failed, record.failed_why) == (boot.FACTORY, 7, lacks), board.said()


def _claimed(folder):
    """(the flash of a board that a head-end has let in, its slots)."""
    place = folder / "flash"
    for name in ("keys", "catalog"):
        (place / name).mkdir(parents=True)
    now_s = int(time.time())
    (place / "gateway.json").write_text(json.dumps({
        "concentrator": {"name": "b", "keys": "keys", "archive": "archive", "archive_limit_mb": 1},
        "broker": {"host": "127.0.0.1", "port": 1, "tls": False},
        "clock": {"start_s": now_s - 86400, "wall_s": now_s, "speed": 120},
        "schedule": {"period_s": 60}, "line": [{"name": "a", "port": "uart:1"}],
        "meter": [{"line": "a", "model": MODEL, "serial": "M-1", "address": 1}]}))
    (place / "board.json").write_text("{}")
    (place / "release-trust.json").write_text(json.dumps({
        "vendor": "01" * 16, "class": "02" * 16, "threshold": 1,
        "signers": {"one": linux.Signatures.public(b"s" * 32).hex()}}))
    shutil.copy(CATALOG / (MODEL + ".json"), place / "catalog")
    raw = json.dumps(own_of(now_s)).encode()
    (place / "keys" / "own").write_bytes(raw + b"\n%08x" % crc32(raw))
    return place, SlotFlash(place / "update")


def own_of(now_s, order_key=b"o" * 32):
    """What claiming.Own keeps once its keys are there."""
    seed, root = os.urandom(32), linux.Signatures.public(b"r" * 32)
    document = enrolment.sign_trust(linux.Signatures(), b"r" * 32, root, enrolment.Trust(
        1, linux.Agreement().public(b"u" * 32), (order_key,), root, (), 0))
    key = ["00" * 32, "00" * 12]
    return {"seed": seed.hex(), "key": linux.Signatures.public(seed).hex(), "code": "",
            "is_printed": True, "check": "00" * 32, "root": root.hex(),
            "document": document.hex(), "tenant": "t", "password": "p", "tried": 1, "epoch": 1,
            "uplink": key, "downlink": key, "opened_s": now_s}
