"""What starts: a trial while it has tries, else home, else what was home before, else the factory.

A try is written down before the jump, so that a version which takes the power with it is counted
too. Left out: how a slot is started and watched (a port's launcher).
"""

from wum_edge.archive.flash import Flash
from wum_edge.update import slots
from wum_edge.update.boot import DAMAGED, FACTORY, A, B, Boot, keep_boot, read_boot


def begin(flash: Flash, passed_over: tuple[int, ...] = ()) -> int:
    """The slot to start now, A, B or FACTORY; whoever calls it starts that one, once.

    passed_over: confirmed slots that ended at once again and again, since the launcher began.
    """
    boot = read_boot(flash)
    if boot.trial is not None:
        slot = _trial(flash, boot)
        if slot is not None:
            return slot
        boot = read_boot(flash)
    for slot in (boot.home, B if boot.home == A else A):
        if slot not in passed_over and slot != FACTORY and may_start(flash, boot, slot):
            return slot
        if slot == FACTORY:
            break
    return FACTORY


def may_start(flash: Flash, boot: Boot, slot: int) -> bool:
    """Whether a slot holds what the record says of it, not below the floor."""
    sequence, digest = boot.slots[slot]
    return (sequence > 0 and sequence >= boot.floor and slot != boot.trial
            and slots.is_whole(flash, slot, digest))


def _trial(flash: Flash, boot: Boot) -> int | None:
    """The slot on trial, its try counted; None where it is over, or cannot be counted."""
    assert boot.trial is not None
    is_whole = slots.is_whole(flash, boot.trial, boot.slots[boot.trial][1])
    try:
        if is_whole and boot.tries > 0:
            keep_boot(flash, boot.tried())
            return boot.trial
        keep_boot(flash, boot.given_up(boot.why if is_whole else DAMAGED))
    except OSError:
        return None           # Flash takes nothing: an uncounted try could be the first of many.
    return None
