"""A configuration that came just now, and whether the board lives with it.

Where it does not for a minute, three starts in a row, the one before is in force again: whoever
ordered it cannot come in otherwise. Starts after a power cut say nothing of it. Left out: the two
files that take turns (configuration/kept.py).
"""

from wum_edge.archive.flash import read_whole
from wum_edge.configuration.kept import Kept

NAME = "configuration-fresh"
STARTS_MAX = 3


def came(flash, log):
    """Another one is in force from the next start on."""
    try:
        flash.replace(NAME, b"\x00")
    except OSError as error:
        log.warn("flash refuses the count of its starts: %s" % error)


def look(flash, is_power_back, log):
    """At a start, before the configuration is read."""
    found = read_whole(flash, NAME, 1)
    if not found or is_power_back:
        return
    try:
        if found[0] < STARTS_MAX:
            flash.replace(NAME, bytes([found[0] + 1]))
            return
        is_back = Kept(flash).go_back()
        flash.remove(NAME)
    except OSError as error:
        log.warn("flash refuses the count of its starts: %s" % error)
        return
    if is_back:
        log.warn("the head-end's configuration is taken back: %d starts with it came to nothing"
                 % STARTS_MAX)


def stays(flash, log):
    """It lived for a minute, or long enough to be ordered about."""
    try:
        if NAME in flash.names():
            flash.remove(NAME)
    except OSError as error:
        log.warn("flash refuses the count of its starts: %s" % error)
