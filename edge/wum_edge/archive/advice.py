"""What keeps flash from taking records, by the error it gives, and what a person does about it."""

from wum_edge.archive.flash import NO_SPACE

_QUOTA = 122                  # errno EDQUOT.
_READ_ONLY = 30               # errno EROFS.


def state_of(errno: int) -> str:
    """In two or three words: which state flash is in."""
    if errno in (NO_SPACE, _QUOTA):
        return "the disk is full"
    if errno == _READ_ONLY:
        return "the disk is read-only"
    return "the disk is failing"


def help_for(errno: int) -> str:
    """What to do about it. What is archived is delivered in every one of these states."""
    if errno in (NO_SPACE, _QUOTA):
        return ("Free space on it, or give the archive a smaller archive_limit_mb than the disk "
                "has room for.")
    if errno == _READ_ONLY:
        return ("Mount it for writing. A disk that became read-only by itself has mostly failed: "
                "look at the system's log and check it first.")
    return "Look at the system's log; replace the disk or its cable."
