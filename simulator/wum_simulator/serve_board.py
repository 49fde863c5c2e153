"""One run of `wum-simulator board`: a gateway on a virtual MicroPython board, until a signal.

What it says on its serial console goes to stdout. After a reset, a bite of the watchdog or a power
cut (SIGUSR1) it starts again on the same flash, its clock set as by a battery. Left out: what it
finds on its flash (`wum-firmware board` writes that).
"""

import itertools
import signal
import sys
import threading
from pathlib import Path

from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import POWER_ON, Board, Description, Life, Supervisor, Uart
from wum_simulator.world import World

_LOOK_S = 0.3
_PIECE = 65536


class _Console:
    """What the board has printed since it was looked at last."""

    def __init__(self, log: Path) -> None:
        log.write_bytes(b"")
        self._log, self._at = log, 0

    def pass_on(self) -> None:
        with self._log.open("rb") as file:
            file.seek(self._at)
            data = file.read(_PIECE)
        self._at += len(data)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def run_board(
        world: World, flash: Path, uarts: dict[int, str], radio: str, flash_bytes: int) -> int:
    """Until SIGINT or SIGTERM; the exit code: 1 where its program has ended or crashed. Raises
    OSError, NoInterpreter."""
    log = flash.parent / (flash.name + ".log")
    board = Board(Description(
        main="from wum_edge.ports.micropython import main\nmain.start()", flash=flash, log=log,
        sources=gateway(), uarts={number: Uart(to, paced=False) for number, to in uarts.items()},
        radio=radio, flash_bytes=flash_bytes))
    console = _Console(log)
    ending, cut = threading.Event(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ending.set())
    signal.signal(signal.SIGUSR1, lambda *_: cut.set())
    supervisor = Supervisor(board, itertools.repeat(Life()), lambda: int(world.now_s()))
    supervisor.start()
    try:
        while not ending.wait(_LOOK_S) and supervisor.ended is None:
            if cut.is_set():
                cut.clear()
                board.cut()
            console.pass_on()
    finally:
        supervisor.stop()
        console.pass_on()
    assert supervisor.causes[0] == POWER_ON
    return 0 if supervisor.ended is None else 1
