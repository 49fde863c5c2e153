"""Which archives a release reads and writes, so that readings survive the update and the way back.

A release says it in wum_edge/archive/formats.txt. A new format is read by one release before the
next one writes it: then either can go on with what the other left.
"""

from wum_edge.archive.flash import Flash, read_whole
from wum_edge.archive.segment import FORMAT
from wum_edge.update import slots

READS = (0, 1)
WRITES = FORMAT
_PATH = "wum_edge/archive/formats.txt"
_BYTES_MAX = 200


def stated(reads: tuple[int, ...], writes: int) -> bytes:
    """What a release that reads and writes these says."""
    return ("reads %s\nwrites %d\n" % (" ".join([str(one) for one in reads]), writes)).encode()


def fit(flash: Flash, slot: int) -> bool:
    """Whether the release in a slot reads what we write, and writes what we read."""
    text = read_whole(flash, slots.prefix(slot) + _PATH, _BYTES_MAX)
    if text is None:
        return False
    lines = [line.split(b" ") for line in text.split(b"\n")]
    if len(lines) != 3 or lines[0][0] != b"reads" or lines[1][0] != b"writes":
        return False
    return (str(WRITES).encode() in lines[0][1:] and len(lines[1]) == 2
            and lines[1][1] in [str(one).encode() for one in READS])
