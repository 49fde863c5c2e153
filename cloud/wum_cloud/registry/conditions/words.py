"""Sentences for a person: which concentrator's flash or clock is wrong, and what to do about it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from wum_cloud.registry.conditions.store import Clocks, Trouble
from wum_shared.condition import FLASH_FULL, FLASH_READ_ONLY

FLASH_STATES = ("the disk takes records", "the disk is full", "the disk is read-only",
                "the disk is failing")
_FLASH_REMEDIES = {
    FLASH_FULL: "Free space there, or give the archive a smaller archive_limit_mb.",
    FLASH_READ_ONLY: "Mount it for writing; one that became read-only by itself has mostly failed: "
                     "look at its system's log and check it first.",
}
_FAILING = "Look at its system's log; replace the disk or its cable."


def flash_remedy(flash: int) -> str:
    """What to do where flash is not as it should be."""
    return _FLASH_REMEDIES.get(flash, _FAILING)


def flash_sentence(many: int, some: Sequence[Trouble]) -> str:
    """Of concentrators that cannot store what they read, at least one."""
    named = "; ".join(["%s: %s since %s, %d records wait in its memory%s" % (
        one.name, FLASH_STATES[one.flash], _shown(one.flash_since), one.waiting,
        ", %d were given up" % one.given_up if one.given_up else "") for one in some])
    remedies = " ".join(dict.fromkeys([flash_remedy(one.flash) for one in some]))
    return "%s cannot store what %s: %s%s. %s" % (
        "1 concentrator" if many == 1 else "%d concentrators" % many,
        "it reads" if many == 1 else "they read", named,
        "" if many == len(some) else "; and others", remedies)


def clock_sentence(clocks: Clocks, some: Sequence[Trouble]) -> str | None:
    """Whose clock is wrong: where most agree with one another and not with us, it is ours."""
    if not some:
        return None
    for many, direction in ((clocks.ahead, "behind"), (clocks.behind, "ahead")):
        if many > 1 and 2 * many > clocks.told:
            return ("%d of %d concentrators tell another time than this head-end: its own clock is "
                    "%s, by about %s. Set it (`timedatectl` shows it, on the database's machine "
                    "too)." % (many, clocks.told, direction, length(_middle(some, direction))))
    many = clocks.ahead + clocks.behind
    return "The clock of %s is wrong: %s%s. Set %s (NTP, or `date -u -s`)." % (
        "1 concentrator" if many == 1 else "%d concentrators" % many,
        ", ".join(["%s is %s" % (one.name, apart(one.apart_s)) for one in some]),
        "" if many == len(some) else " and others", "it there" if many == 1 else "them there")


def apart(apart_s: int) -> str:
    """How a clock stands to ours: "3 hours ahead"."""
    return "%s %s" % (length(abs(apart_s)), "ahead" if apart_s > 0 else "behind")


def length(seconds: int) -> str:
    """About how long, in words."""
    for unit_s, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * unit_s:
            return "%d %ss" % (seconds // unit_s, name)
    return "%d seconds" % seconds


def _middle(some: Sequence[Trouble], direction: str) -> int:
    found = sorted([abs(one.apart_s) for one in some
                    if (one.apart_s > 0) == (direction == "behind")])
    return found[len(found) // 2] if found else 0


def _shown(moment: datetime | None) -> str:
    return "now" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
