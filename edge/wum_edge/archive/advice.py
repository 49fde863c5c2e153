"""What keeps flash from taking records, by the error it gives, and what a person does about it."""

from wum_edge.archive.flash import NO_SPACE
from wum_shared.condition import FLASH_FAILING, FLASH_FULL, FLASH_READ_ONLY

_QUOTA = 122                  # errno EDQUOT.
_READ_ONLY = 30               # errno EROFS.
_STATES = {FLASH_FULL: "the disk is full", FLASH_READ_ONLY: "the disk is read-only",
           FLASH_FAILING: "the disk is failing"}


def state_of(errno: int) -> str:
    """In two or three words: which state flash is in."""
    return _STATES[flash_of(errno)]


def flash_of(errno: int) -> int:
    """The same as the head-end is told it."""
    if errno in (NO_SPACE, _QUOTA):
        return FLASH_FULL
    return FLASH_READ_ONLY if errno == _READ_ONLY else FLASH_FAILING


def help_for(errno: int) -> str:
    """What to do about it. What is archived is delivered in every one of these states, as long as
    message counters last: a start needs a disk that takes the next ones.
    """
    if errno in (NO_SPACE, _QUOTA):
        return ("Free space on it, or give the archive a smaller archive_limit_mb than the disk "
                "has room for.")
    if errno == _READ_ONLY:
        return ("Mount it for writing. A disk that became read-only by itself has mostly failed: "
                "look at the system's log and check it first.")
    return "Look at the system's log; replace the disk or its cable."


def told(error: OSError) -> str:
    """The state, what flash said itself, and what to do."""
    return "%s (%s). %s" % (state_of(error.args[0]), error, help_for(error.args[0]))
