"""Starts the gateway from the slot that the boot record names, and watches a version on trial.

It belongs to the installation, as does all that it imports, and no update ever writes it; what is
installed is the last resort, too, and starts where no slot can. Left out: which slot
(update/start.py), what a new version has to show (update/trial.py). docs/updates.md says how to set
it up.

usage: python -m wum_edge.ports.linux.launcher FOLDER run --config FILE
"""

import argparse
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import FrameType

from wum_edge.ports.linux.flash import FolderInUse, lock_folder
from wum_edge.ports.linux.slot_environment import NAMES, environment
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.update.boot import FACTORY, HUNG, keep_boot, read_boot
from wum_edge.update.start import begin

RESTART = 75                  # The exit code of a gateway that asks to be started again at once.
TRIAL_S = 1800.0              # A trial that is not confirmed by then hangs: it gives up earlier.
QUICK_S = 60.0                # Who ends before that, ended at once;
QUICK_MAX = 5                 # and who does so often in a row is passed over.
PAUSE_MAX_S = 30.0
END_S = 15.0
_DIE_WITH_PARENT = 1          # prctl(2), PR_SET_PDEATHSIG.
_C = ctypes.CDLL(None)        # Loaded before the fork, after which little is safe.


class Launcher:
    """Starts one gateway after another until it is told to end."""

    def __init__(self, folder: Path, command: list[str], trial_s: float = TRIAL_S) -> None:
        self._folder = folder
        self._command = [sys.executable, "-P", "-m", "wum_edge.ports.linux", *command]
        self._trial_s = trial_s
        self._flash = SlotFlash(folder)
        self._quick: dict[int, int] = {}
        self._passed_over: tuple[int, ...] = ()
        self._ending = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """The exit code of the last gateway, once a signal has ended it."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        while True:
            slot = begin(self._flash, self._passed_over)
            started_s = time.monotonic()
            code = self._watched(slot)
            if self._ending.is_set():
                return code if code >= 0 else 128 - code      # As a shell says it.
            _say(f"slot {NAMES[slot]} ended with {code}")
            self._ending.wait(self._pause_s(slot, code, time.monotonic() - started_s))

    def _watched(self, slot: int) -> int:
        """Start a slot and wait for its end, which is made when it hangs on trial."""
        _say(f"starting slot {NAMES[slot]}")
        self._child = subprocess.Popen(
            self._command, env=environment(self._folder, slot),
            preexec_fn=partial(_die_with, os.getpid()))
        if self._ending.is_set():             # The signal came before there was a child.
            self._child.terminate()
        if read_boot(self._flash).trial == slot:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._child.wait(self._trial_s)
            if read_boot(self._flash).trial == slot:
                self._end_hung(slot, self._child)
        return self._child.wait()

    def _end_hung(self, slot: int, child: "subprocess.Popen[bytes]") -> None:
        _say(f"slot {NAMES[slot]} hangs")
        child.terminate()
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        boot = read_boot(self._flash)         # Only now does nobody else write it.
        if boot.trial == slot:
            with contextlib.suppress(OSError):        # Its try is counted already.
                keep_boot(self._flash, boot.lacking(boot.why or HUNG))

    def _pause_s(self, slot: int, code: int, lived_s: float) -> float:
        """How long to wait before the next start; who ends at once too often is passed over."""
        if code == RESTART or lived_s >= QUICK_S:
            self._quick.pop(slot, None)
            return 0.0
        count = self._quick[slot] = self._quick.get(slot, 0) + 1
        if count >= QUICK_MAX:
            # When the last resort ends at once as well, it is not the version: back to home.
            self._passed_over = () if slot == FACTORY else (*self._passed_over, slot)
            self._quick = {}
        return min(2.0 ** count / 10, PAUSE_MAX_S)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ending.set()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()


def _die_with(parent: int) -> None:
    """In the child. The launcher may have been killed before it could be told of that."""
    _C.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _say(text: str) -> None:
    print(f"wum-launcher: {text}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal; 1 where another launcher has the folder."""
    parser = argparse.ArgumentParser(
        prog="wum-launcher", description="Starts the gateway from the slot that was confirmed last "
        "or is on trial, and goes back to the one before when a new version fails.")
    parser.add_argument("--trial-s", metavar="SECONDS", type=float, default=TRIAL_S,
                        help="when a new version that is not confirmed hangs (default: 1800)")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="slots and boot records")
    parser.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER,
                        help="what the gateway is told, such as: run --config FILE")
    options = parser.parse_args(arguments)
    try:
        launcher = Launcher(options.folder, options.command, options.trial_s)
        lock_folder(options.folder)           # Until the process ends, however it does.
    except (FolderInUse, OSError) as error:
        _say(str(error))
        return 1
    return launcher.run()


if __name__ == "__main__":
    sys.exit(main())
