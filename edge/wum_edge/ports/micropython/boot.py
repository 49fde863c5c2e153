"""Frozen into a board, and what it starts with: the gateway from the slot that the record names.

No update ever writes it, nor what it imports: that came with the board, and is the last resort.
What is in a slot is imported before what is frozen. A version that crashes, ends or hangs is reset,
by itself, by the watchdog, which runs before anything of a slot, or by its trial's timer; its try
was counted before. Left out: which slot (update/start.py), what it has to show (update/trial.py).
"""

import gc
import sys

import machine

from wum_edge.ports.micropython.slot_flash import SlotFlash
from wum_edge.ports.micropython.trial_timer import watched
from wum_edge.update.boot import FACTORY, A, B, read_boot
from wum_edge.update.start import begin

FOLDER = "/flash/update"
PROGRAM = "wum_edge.ports.micropython.main"
WATCHDOG_MS = 8000
QUICK_MAX = 5                # Resets in a row, none of which stayed up: then another's turn.
QUICK = "quick"              # So many: written when a start follows no power cut.
_PATHS = {A: FOLDER + "/a", B: FOLDER + "/b"}


def start():
    """Start the program, once; the board is reset when it ends."""
    flash = SlotFlash(FOLDER)
    slot = begin(flash, _passed_over(flash))
    timer = watched(FOLDER, flash, slot)  # noqa: F841 - Held for as long as the program runs.
    flash.close()
    machine.WDT(timeout=WATCHDOG_MS)
    try:
        _put_before(slot)
        __import__(PROGRAM)
        sys.modules[PROGRAM].start()
    except (Exception, SystemExit) as error:
        sys.print_exception(error)
    machine.reset()


def running():
    """The slot that the caller's code comes from."""
    return {_PATHS[A]: A, _PATHS[B]: B}.get(sys.path[0], FACTORY)


def stays_up():
    """Whoever runs for a minute says so: what came before was no row of failures."""
    flash = SlotFlash(FOLDER)
    if QUICK in flash.names():
        flash.remove(QUICK)


def _passed_over(flash):
    """Slots that ended too often; when the last resort does as well, home has its turn again."""
    if machine.reset_cause() == machine.PWRON_RESET:
        return ()
    count = (flash.read(QUICK, 0, 1)[0] if QUICK in flash.names() else 0) + 1
    count = count if count <= 3 * QUICK_MAX else 0
    try:
        flash.replace(QUICK, bytes([count]))
    except OSError:
        return ()                # It takes nothing: no row can be told from a single one.
    return ((), (read_boot(flash).home,), (A, B))[max(0, count - 1) // QUICK_MAX]


def _put_before(slot):
    """What is in a slot comes first, and nothing of what was imported to decide stays."""
    if slot != FACTORY:
        sys.path.insert(0, _PATHS[slot])
    for name in list(sys.modules):
        if name.split(".")[0] in ("wum_edge", "wum_shared"):
            del sys.modules[name]
    gc.collect()


if __name__ == "__main__":
    start()
