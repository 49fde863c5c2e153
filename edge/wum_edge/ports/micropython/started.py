"""What started this gateway: boot.py from a slot, or whoever wrote main.py.

boot.py makes the folder of slots. Left out: updates themselves (updating.py), which a board loads
only where it takes some.
"""

import os

from wum_edge.ports.micropython import boot
from wum_edge.ports.micropython.settings import NotSetUp
from wum_edge.ports.micropython.slot_flash import SlotFlash
from wum_edge.update.boot import read_boot

_ROOT, _FOLDER = boot.FOLDER.rsplit("/", 1)
_TRUST = "release-trust.json"


def stays_up(log):
    """It ran for a minute, or long enough to be told to end."""
    try:
        if has_slots():
            boot.stays_up()
    except OSError as error:             # The next start counts one too many: no reason to end.
        log.warn("flash refuses the count of starts: %s" % error)


def has_slots():
    """Whether boot.py has started this, or anything before."""
    return _FOLDER in os.listdir(_ROOT)


def is_on_trial():
    """Whether this version has to show that it works."""
    return has_slots() and read_boot(SlotFlash(boot.FOLDER)).trial == boot.running()


def waits_for_nobody(why):
    """Raises NotSetUp for a version on trial: who waits for a person never comes back."""
    if is_on_trial():
        raise NotSetUp(why)


def updating_of(settings, clock, feed, log):
    """The part for updates; None on a board that takes none. Raises NotSetUp."""
    if settings.claimed is None or not has_slots():
        return None
    if _TRUST not in os.listdir(_ROOT):
        waits_for_nobody(_TRUST + " is gone")
        return None
    from wum_edge.ports.micropython.updating import Updating
    return Updating(_ROOT, settings.claimed, settings.keys, clock, feed, log,
                    bool(settings.config.meters))
