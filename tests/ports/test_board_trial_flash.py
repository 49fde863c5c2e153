"""A version on trial on a board whose flash has no free block, or refuses from then on: it ends in
the version before, in words.
"""

import time

from tests.ports.test_board_trial import on_trial
from tests.ports.test_board_trial_lacks import BLOCK, CHANGEABLE, FLASH_BYTES, MAIN, _claimed
from wum_edge.update import boot
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import POWER_ON, RESET, Board, Description, Supervisor, Uart

PATIENCE_S = 400             # A limit only: the machine may be busy.
# From where the version on trial is begun flash takes nothing more of anybody.
REFUSES = MAIN.replace("    is_over =", """\
    from wum_edge.ports.micropython.flash import BoardFlash
    change("wum_edge.ports.micropython.main", STEADY_MS=500)     # Then it says so on flash, too.
    def refuse(*given):
        raise OSError(28)
    for name in ("append", "replace", "remove", "sync"):
        setattr(BoardFlash, name, refuse)
    is_over =""")
STEADY = (*CHANGEABLE, "wum_edge.ports.micropython.main.STEADY_MS")


def board(folder, place, main):
    (folder / "log").touch()
    return Board(Description(
        main=main.replace("WANTED", str(boot.NO_ARCHIVE)), flash=place, log=folder / "log",
        flash_bytes=FLASH_BYTES, sources=gateway(REFUSES, STEADY),
        uarts={1: Uart(str(folder / "none"))}))


def until(supervisor, is_so):
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends and supervisor.ended is None, supervisor.said()
        time.sleep(0.2)


def test_a_board_without_a_free_block_runs_the_version_before_and_says_which_it_does_not(tmp_path):
    place, flash = _claimed(tmp_path)
    on_trial(flash)
    taken = sum(2 if path.is_dir() else -(-path.stat().st_size // BLOCK)
                for path in place.rglob("*"))
    (place / "filler").write_bytes(bytes(FLASH_BYTES - BLOCK * (taken + 2)))     # 2 of its root.
    one = board(tmp_path, place, MAIN)
    supervisor = Supervisor(one, clock_s=lambda: int(time.time()))
    supervisor.start()
    until(supervisor, lambda: "the disk is full" in one.said())
    supervisor.stop()
    assert ("! release 7: %s; what was home runs" % boot.WHYS[boot.NO_FLASH]) in one.said()
    assert supervisor.causes == [POWER_ON], "it runs on"
    record = boot.read_boot(flash)
    assert (record.home, record.trial, record.tries) == (boot.FACTORY, boot.A, boot.TRIES)


def test_a_trial_that_finds_flash_refusing_ends_after_its_tries(tmp_path):
    place, flash = _claimed(tmp_path)
    on_trial(flash)
    one = board(tmp_path, place, REFUSES)
    supervisor = Supervisor(one, clock_s=lambda: int(time.time()))
    supervisor.start()
    until(supervisor, lambda: boot.read_boot(flash).trial is None)
    supervisor.stop()
    assert supervisor.causes[1:boot.TRIES + 1] == [RESET] * boot.TRIES
    assert one.said().count("! this version gives up: flash refused") == boot.TRIES
    assert "! flash refuses the count of starts: " in one.said()
    assert "Traceback" not in one.said()
    record = boot.read_boot(flash)
    assert (record.home, record.failed) == (boot.FACTORY, 7)
