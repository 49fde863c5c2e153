"""The codes of a pulse meter's events and their words: our own, for such a meter has no log.

Left out: when they are told (counter.py).
"""

MAGNET_ON, MAGNET_OFF, COVER_OPEN, COVER_SHUT, NOT_COUNTED, EDGES_LOST, NOT_KEPT = range(1, 8)
WORDS = {
    MAGNET_ON: "magnet at the meter", MAGNET_OFF: "magnet gone", COVER_OPEN: "cover opened",
    COVER_SHUT: "cover shut", NOT_COUNTED: "pulses may be missing", EDGES_LOST: "edges were lost",
    NOT_KEPT: "the counter cannot be written",
}
