"""What ends the demo: INT, TERM and HUP, whoever set them to be ignored, and a make that ends."""

import ctypes
import os
import signal
import sys
from pathlib import Path
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


class Ended(BaseException):
    """Somebody wants the demo to end; the text is the signal's name."""


def raise_on_signals() -> None:
    """From now on the first of INT, TERM, HUP raises Ended in the main thread, once."""

    def on_signal(number: int, _: FrameType | None) -> None:
        ignore_signals()  # Tidying up is not to be interrupted by an impatient second one.
        raise Ended(signal.Signals(number).name)

    for number in ENDING:
        signal.signal(number, on_signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def ignore_signals() -> None:
    """For the time of tidying up, which is bounded."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def end_with_parent() -> None:
    """Get TERM when the process that started us, make, is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


class Make:
    """The make that started us, watched: it passes TERM to its children, but not INT or HUP.

    A terminal sends those two to the whole group, so GNU make only waits for us in its handler.
    Sent to make alone they would never reach us; while the handler waits, the signal stands
    blocked in make's mask.
    """

    def __init__(self) -> None:
        self._pid = os.getppid()
        self._blocked_before = self._blocked()

    def is_ending(self) -> bool:
        """Whether make got INT or HUP and waits for us to end."""
        return bool(self._blocked() & ~self._blocked_before)

    def _blocked(self) -> int:
        try:
            name = Path(f"/proc/{self._pid}/comm").read_text().strip()
            status = Path(f"/proc/{self._pid}/status").read_text()
        except OSError:
            return 0
        if name not in ("make", "gmake"):
            return 0
        mask = int(status.partition("SigBlk:")[2].split()[0], 16)
        return mask & (1 << signal.SIGINT - 1 | 1 << signal.SIGHUP - 1)
