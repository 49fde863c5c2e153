"""Runs on the board, as the program that boot.py starts: goes from release to release.

What a release does is in its one file, `app.py`. Every line that is printed is on record outside of
the flash. The factory's app is this file's `Factory`.
"""

from hashlib import sha256

import machine

from wum_edge.ports.micropython import boot as start_up
from wum_edge.ports.micropython.slot_flash import SlotFlash
from wum_edge.update import boot, slots
from wum_shared import bundle

GOOD = "import boot_life\ndef start():\n    boot_life.lives(%d)\n"
CRASH = "print('crashes', %d)\nraise ValueError('made to crash')\n"
ENDS = "def start():\n    print('ends', %d)\n"
HANGS = "print('hangs', %d)\nwhile True:\n    pass\n"
LATER = "import boot_life\ndef start():\n    boot_life.crashes_at_home(%d)\n"
STEPS = ((1, GOOD), (2, CRASH), (3, GOOD), (4, HANGS), (5, ENDS), (6, GOOD), (7, LATER))
FLOORS = (3, 6)


def lives(sequence):
    """A release that runs, and is confirmed if it is on trial; then the next one is tried."""
    start_up.stays_up()
    flash, slot = SlotFlash(start_up.FOLDER), start_up.running()
    kept = _confirmed(flash, slot, sequence)
    if kept.trial is None and slot == kept.spare and kept.slots[slot][0]:
        kept = boot.keep_boot(flash, kept.fallen_back(slot))       # As the updater does.
        print("fell back to", sequence)
    if kept.trial is None and slot == kept.home:
        for number, source in STEPS:
            if number > max(sequence, kept.failed):
                _install(flash, number, source % number)
                print("armed", number)
                machine.reset()
        print("done", sequence)


def crashes_at_home(sequence):
    """A release that shows on trial what is wanted, and crashes ever after."""
    kept = _confirmed(SlotFlash(start_up.FOLDER), start_up.running(), sequence)
    if kept.trial is None:
        print("crashes", sequence)
        raise ValueError("made to crash at home")


def _confirmed(flash, slot, sequence):
    """The record, after a trial was confirmed."""
    kept = boot.read_boot(flash)
    print("lives", sequence, "in", slot, "home", kept.home, "is", kept.sequence, "floor",
          kept.floor)
    if kept.trial is not None and kept.trial == slot:
        kept = boot.keep_boot(flash, kept.confirmed())
        print("confirmed", sequence)
    return kept


def _install(flash, sequence, source):
    """Into the spare slot, as the updater does (install.py)."""
    data = bundle.content_of([("app.py", source.encode(), bundle.PLAIN),
                              ("lib/own.txt", b"%d" % sequence * 300, bundle.PLAIN)])
    kept = boot.keep_boot(flash, boot.read_boot(flash).cleared())
    slots.clear(flash, kept.spare)
    end = bundle.table_size(data)
    at = end
    for file in bundle.decode_head(data[:end]):
        flash.replace(slots.prefix(kept.spare) + file.path, data[at:at + file.size])
        at += file.size
    flash.replace(slots.table_name(kept.spare), data[:end])
    boot.keep_boot(flash, boot.read_boot(flash).armed(sequence, sha256(data).digest(),
                                                      sequence if sequence in FLOORS else 0))
