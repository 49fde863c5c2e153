"""boot.py on the virtual board: from release to release, good ones and bad ones, with power cuts.

It is the real MicroPython and the image that is frozen into a board; a release is one file that
says how it behaves (tests/ports/board/boot_life.py).
"""

import re
import time
from pathlib import Path

import pytest

import wum_edge
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import (
    POWER_ON,
    WATCHDOG,
    Board,
    Description,
    Life,
    Supervisor,
)

CHECKS = Path(__file__).resolve().parent / "board"
BOOT = Path(wum_edge.__file__).resolve().parent / "ports" / "micropython" / "boot.py"
PATIENCE_S = 400
MAIN = """
import machine
from change import change
from wum_edge.ports.micropython import boot
from wum_edge.ports.micropython.slot_flash import SlotFlash
from wum_edge.update import boot as records

armed = machine.WDT

def told(timeout):
    trial = records.read_boot(SlotFlash(boot.FOLDER)).trial
    print("watchdog", timeout)
    hangs = trial is not None and "hangs" in open(
        boot.FOLDER + ("/a" if trial == records.A else "/b") + "/app.py").read()
    return armed(timeout=1000 if hangs else 60000)       # Hanging takes no longer than that.

machine.WDT = {watchdog}
change("wum_edge.ports.micropython.boot", PROGRAM="app")
boot.start()
"""
CHANGEABLE = ("wum_edge.ports.micropython.boot.PROGRAM",)


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """The image, and the life that it is put through; the factory's program is release 0."""
    folder = tmp_path_factory.mktemp("mpy")
    (folder / "app.py").write_text("import boot_life\ndef start():\n    boot_life.lives(0)\n")
    life = CHECKS / "boot_life.py"
    return (*gateway(MAIN + life.read_text(), CHANGEABLE), (life, "/boot_life.py"),
            (folder / "app.py", "/app.py"))


def board(folder, core, watchdog="told"):
    """A board; `watchdog` is what it has for one."""
    (folder / "log").touch()
    return Board(Description(
        main=MAIN.replace("{watchdog}", watchdog), flash=folder / "flash", log=folder / "log",
        flash_bytes=512 * 1024, sources=core))


def lived(one, lives=()):
    """(all it said until its life was over, the causes of its starts)."""
    supervisor = Supervisor(one, iter(lives))
    supervisor.start()
    until = time.monotonic() + PATIENCE_S
    while "done 6" not in one.said() and supervisor.ended is None:
        assert time.monotonic() < until, one.said()
        time.sleep(0.1)
    supervisor.stop()
    said = one.said()
    assert "done 6" in said, said
    return said.partition("done 6")[0], supervisor.causes


def assert_sane(said):
    """No release was tried too often, and what runs is never below what was confirmed."""
    for sequence, tries in ((2, 3), (4, 3), (5, 3)):
        assert len(re.findall(rf"^(?:crashes|hangs|ends) {sequence}$", said, re.M)) <= tries
    best = 0
    for line in said.splitlines():
        if match := re.fullmatch(r"lives (\d) in \d home \d is (\d) floor (\d)", line):
            sequence, home, floor = map(int, match.groups())
            assert floor <= home and sequence >= (0 if best == 7 else best), said
        elif match := re.fullmatch(r"(?:confirmed|fell back to) (\d)", line):
            best = int(match[1])
    for wanted in ("confirmed 1", "confirmed 3", "confirmed 6"):
        assert wanted in said, said


def test_it_has_fewer_than_80_lines():
    assert len(BOOT.read_text().splitlines()) < 80


def test_good_releases_stay_and_bad_ones_come_back_each_after_its_counted_tries(core, tmp_path):
    said, causes = lived(board(tmp_path, core))
    assert_sane(said)
    story = re.findall(r"^((?:confirmed|crashes|hangs|ends|fell back to) \d)$", said, re.M)
    assert story == ["confirmed 1", *["crashes 2"] * 3, "confirmed 3", *["hangs 4"] * 3,
                     *["ends 5"] * 3, "confirmed 6", "confirmed 7",
                     *["crashes 7"] * (len(story) - 14), "fell back to 6"]
    assert 5 <= story.count("crashes 7") <= 6
    assert causes.count(WATCHDOG) == 3
    # Before anything of a slot is imported, the watchdog watches.
    assert not re.search(r"^(?!watchdog 8000)[^\n]*\n(lives|hangs|ends) ", said, re.M), said


def test_power_that_goes_at_any_commit_leaves_a_board_that_starts_and_goes_on(core, tmp_path):
    said, causes = lived(board(tmp_path, core), map(Life, (
        1, 5, 9, 2, 7, 12, 1, 3, 14, 1)))
    assert_sane(said)
    assert causes.count(POWER_ON) > 6, causes


def test_without_the_watchdog_it_would_hang_for_ever(core, tmp_path):
    """The premise of the test above."""
    one = board(tmp_path, core, "lambda timeout: None")
    supervisor = Supervisor(one)
    supervisor.start()
    until = time.monotonic() + PATIENCE_S
    while "hangs 4" not in one.said() and time.monotonic() < until:
        time.sleep(0.1)
    supervisor.stop()
    assert one.said().count("hangs 4") == 1 and "watchdog" not in one.said()
