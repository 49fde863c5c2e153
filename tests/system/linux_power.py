"""Whoever holds the plug of a gateway on Linux, and minds its watchdog, as systemd does.

    python -m tests.system.linux_power CONFIGURATION SEED EPOCH_S

Each line of its input is an End as JSON: it forks `wum-edge run`, lets it end so, and says how that
was by a board's number of causes. A cut is SIGKILL at a commit of the flash; before, what was
written and not synced is lost, but for a beginning that chance chooses. Left out: torn blocks
(SimulatedFlash).
"""

import ctypes
import json
import os
import random
import resource
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from tests.system.ends import HANG, End
from wum_edge import agent
from wum_edge.ports.linux import starting
from wum_edge.ports.linux.flash import LinuxFlash
from wum_edge.ports.marks import MarksFile
from wum_edge.uplink import reconnect
from wum_simulator.board.supervisor import CRASHED, POWER_ON, RESET, WATCHDOG

_WATCHDOG_S = 8.0            # Twice in that time a gateway says that it lives.
_RESET_CODE = 102
_PR_SET_PDEATHSIG = 1


class Power:
    """Counts the commits of all flash of this process."""

    def __init__(self, cut_at: int, dice: random.Random) -> None:
        self._left, self._dice = cut_at, dice
        self._durable: dict[Path, int] = {}  # Of files with something that is not; -1: no file.

    def cut_in(self, commits: int) -> None:
        """Power goes at the so many-th from here on."""
        self._left = commits

    def writes(self, path: Path) -> None:
        """Something is added to this file."""
        self._durable.setdefault(path, path.stat().st_size if path.exists() else -1)

    def commit(self, path: Path) -> None:
        """This file is to be durable, as it is or as it is then. Power goes before that, or not."""
        self._left -= 1
        if self._left == 0:
            self.lose()
            os.kill(os.getpid(), signal.SIGKILL)
        self._durable.pop(path, None)

    def lose(self) -> None:
        """What a disk loses that has no power."""
        for path, size in self._durable.items():
            kept = self._dice.randint(size, path.stat().st_size)
            if kept < 0:
                path.unlink()
            else:
                os.truncate(path, kept)


def _wire(power: Power) -> None:
    """Let the port's flash tell of each commit."""
    append, sync = LinuxFlash.append, LinuxFlash.sync
    replace, remove = LinuxFlash.replace, LinuxFlash.remove

    def appended(flash: LinuxFlash, name: str, data: bytes) -> None:
        power.writes(flash._folder / name)
        append(flash, name, data)

    def synced(flash: LinuxFlash, name: str) -> None:
        power.commit(flash._folder / name)
        sync(flash, name)

    def replaced(flash: LinuxFlash, name: str, data: bytes) -> None:
        power.commit(flash._folder / name)
        replace(flash, name, data)

    def removed(flash: LinuxFlash, name: str) -> None:
        power.commit(flash._folder / name)
        remove(flash, name)
    LinuxFlash.append, LinuxFlash.sync = appended, synced  # type: ignore[method-assign]
    LinuxFlash.replace, LinuxFlash.remove = replaced, removed  # type: ignore[method-assign]


def _trouble(end: End, power: Power) -> None:
    """What comes to it by itself, from its main loop."""
    tick, began_s = agent.Agent.tick, time.monotonic()

    def troubled(one: agent.Agent) -> None:
        tick(one)
        if time.monotonic() - began_s > end.after_ms / 1000:
            while end.trouble == HANG:
                time.sleep(1)
            power.lose()
            os._exit(_RESET_CODE)
    agent.Agent.tick = troubled  # type: ignore[method-assign]


def _cut_after_start(commits: int, power: Power) -> None:
    """Power goes at a commit after the one that put this start's event on flash."""
    archived, left = MarksFile.archived, [commits]

    def first(marks: MarksFile, records: list[object], last: int) -> None:
        if left:
            power.cut_in(left.pop())
        archived(marks, records, last)
    MarksFile.archived = first  # type: ignore[method-assign]


def _live(configuration: Path, epoch_s: int, end: End, dice: random.Random) -> int:
    """One life, in the forked process; the exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    power = Power(end.cut_at, dice)
    _wire(power)
    # Waits, compressed as the hour is.
    reconnect.WINDOW_MS, reconnect.LEAST_MS, agent.HOLD_MS = 400, 100, 200
    if end.trouble:
        _trouble(end, power)
    if end.cut_in:
        _cut_after_start(end.cut_in, power)
    return starting.run(configuration, epoch_s=epoch_s)


def _forked(configuration: Path, epoch_s: int, end: End, dice: random.Random) -> int:
    """The process of a life. What it says goes to the log."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.dup(1)            # Whoever reads that to its end knows that this process ended, too.
        os.dup2(2, 1)
        code = _live(configuration, epoch_s, end, dice)
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _ended(pid: int, ear: socket.socket) -> int:
    """How it ended; whoever promised to live and does not say so any more is ended."""
    until_s = None
    watched = os.pidfd_open(pid)
    while True:
        wait_s = None if until_s is None else max(0.0, until_s - time.monotonic())
        heard, _, _ = select.select([watched, ear], [], [], wait_s)
        if watched in heard:
            break
        if ear in heard:
            ear.recv(4096)
            until_s = time.monotonic() + _WATCHDOG_S
        else:
            os.kill(pid, signal.SIGABRT)
            until_s = None
    os.close(watched)
    _, status = os.waitpid(pid, 0)
    return {-signal.SIGKILL: POWER_ON, -signal.SIGABRT: WATCHDOG, _RESET_CODE: RESET}.get(
        os.waitstatus_to_exitcode(status), CRASHED)


def main(configuration: Path, seed: int, epoch_s: int) -> None:
    """Lives, one after another, until nobody wants more."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(folder + "/notify")
        os.environ["NOTIFY_SOCKET"] = folder + "/notify"
        os.environ["WATCHDOG_USEC"] = "%d" % (_WATCHDOG_S * 1_000_000)
        for line in sys.stdin:
            end = End(**json.loads(line))
            pid = _forked(configuration, epoch_s, end, random.Random(dice.getrandbits(64)))
            print(_ended(pid, ear), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
