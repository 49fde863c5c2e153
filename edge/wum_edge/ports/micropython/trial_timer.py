"""Ends a version on trial that lives, feeds the watchdog, and comes to nothing. Frozen, as boot.py.

A trial gives up by itself before (update/trial.py); this is for one that has lost its updater.
"""

import sys

import machine

from wum_edge.ports.micropython.slot_flash import SlotFlash
from wum_edge.update.boot import read_boot

TRIAL_MS = 1800000


def watched(folder, flash, slot):
    """The timer, to be held on to; None where `slot` is not on trial."""
    if read_boot(flash).trial != slot:
        return None

    def over(_):
        if read_boot(SlotFlash(folder)).trial is not None:
            print("! this version is on trial for too long")
            machine.reset()
    timer = machine.Timer(0 if sys.platform == "esp32" else -1)     # An RP2350's have no numbers.
    timer.init(mode=machine.Timer.ONE_SHOT, period=TRIAL_MS, callback=over)
    return timer
