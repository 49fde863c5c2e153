"""What the tests of updates share: releases, a machine that starts what the record says, its lives.

A release's one file says how it behaves, so that nothing but the bytes in the slot decides.
"""

from hashlib import sha256

from wum_edge.update import boot, slots, start
from wum_shared import bundle
from wum_simulator.flash import SimulatedFlash

GOOD, CRASH = b"good", b"crash"
RUNS_MAX = 12                 # Starts until a machine must have settled.


def content(sequence, behaviour=GOOD, padding=40):
    """The content of a release: how it behaves, its sequence, and a file that all share."""
    return bundle.content_of([
        ("run", b"%s %d" % (behaviour, sequence), bundle.PLAIN),
        ("lib/same", b"s" * padding, bundle.PLAIN),
        ("lib/own%d" % sequence, b"%d" % sequence * 3, bundle.PLAIN)])


def install(flash, sequence, data, floor=0):
    """Write a release into the spare slot and arm it, as the updater does (install.py)."""
    kept = boot.keep_boot(flash, boot.read_boot(flash).cleared())
    slot = kept.spare
    slots.clear(flash, slot)
    end = bundle.table_size(data)
    at = end
    for file in bundle.decode_head(data[:end]):
        flash.replace(slots.prefix(slot) + file.path, data[at:at + file.size])
        at += file.size
    flash.replace(slots.table_name(slot), data[:end])
    digest = sha256(data).digest()
    assert slots.is_whole(flash, slot, digest)
    boot.keep_boot(flash, boot.read_boot(flash).armed(sequence, digest, floor))


class Machine:
    """Starts what `start.begin` names until something stays up; counts what it started."""

    def __init__(self, flash):
        self.flash = flash
        self.starts = []          # (slot, behaviour, sequence) of each.

    def start(self):
        """One start: what runs now, as (slot, behaviour, sequence)."""
        slot = start.begin(self.flash)
        runs = (slot, GOOD, 0)
        if slot != boot.FACTORY:
            behaviour, sequence = self.flash.read(slots.prefix(slot) + "run", 0, 99).split(b" ")
            runs = (slot, behaviour, int(sequence))
        self.starts.append(runs)
        return runs

    def settle(self):
        """Start until a version stays up; a trial that does is confirmed. What runs then."""
        for _ in range(RUNS_MAX):
            slot, behaviour, sequence = self.start()
            if behaviour == GOOD:
                kept = boot.read_boot(self.flash)
                if kept.trial == slot:
                    boot.keep_boot(self.flash, kept.confirmed())
                return slot, sequence
        raise AssertionError("it starts for ever: %r" % (self.starts,))


def flash_after(steps, floor=0):
    """A flash on which these were installed and settled, one after the other."""
    flash = SimulatedFlash()
    for sequence, behaviour in steps:
        install(flash, sequence, content(sequence, behaviour), floor)
        Machine(flash).settle()
    return flash
