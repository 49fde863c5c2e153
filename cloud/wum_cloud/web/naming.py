"""What codes are called on pages: flags, outcomes, events, counters.

Left out: registers (registers.py).
"""

from wum_cloud.ledger.reckoning import ASKED_FOR, BACK_FILL, LIVE
from wum_cloud.ledger.store import Counts
from wum_cloud.reasons.names import REASONS
from wum_cloud.web.texts import gettext as _
from wum_shared import status as flags
from wum_shared.status import EVENTS

_QUALITY = (
    (flags.ABSENT, _("absent")), (flags.REFUSED, _("refused")),
    (flags.OUT_OF_RANGE, _("out of range")), (flags.LATE, _("read late")),
    (flags.ESTIMATED, _("estimated")), (flags.FROM_PROFILE, _("from the load profile")),
    (flags.CLOCK_INVALID, _("clock invalid")), (flags.CLOCK_DOUBTFUL, _("clock doubtful")),
    (flags.CLOCK_LOCAL, _("time zone unknown")),
)
_TIME_QUALITY = {
    flags.SYNCHRONISED: _("synchronised"), flags.FREE_RUNNING: _("free running"),
    flags.NEVER_SET: _("never set"),
}
_OUTCOMES = {
    flags.SILENT: _("the meter does not answer"), flags.BAD_CHECK: _("the answer was damaged"),
    flags.EXCEPTION: _("the meter refused"), flags.FOREIGN: _("another meter answered"),
    flags.NOT_TRIED: _("no time left in the sweep"),
}
_REASONS = {  # Of gaps: the words of wum_shared.status.OUTCOMES, and none.
    **{flags.OUTCOMES[number]: words for number, words in _OUTCOMES.items()},
    "not received": _("not received yet"),
    "no value": _("the meter gave no value of it"),
}

_GAPS = {  # What became of what was asked for, wum_shared.status.GAPS.
    flags.GAP_SENT: _("came again out of the archive"), flags.GAP_NEVER_READ: _("never read"),
    flags.GAP_DROPPED: _("given up, for the store was full or it was older than 45 days"),
    flags.GAP_DAMAGED: _("lost: the archive is damaged there"),
    flags.GAP_NOT_HERE: _("not in this archive: the card was changed"),
    flags.GAP_METER_UNKNOWN: _("the concentrator does not know this meter"),
}

_MISSING = {  # Of intervals in the ledger (reasons/names.py), and what came.
    "silent": _("the meter does not answer"), "damaged": _("the answer was damaged"),
    "exception": _("the meter refused"), "not_tried": _("no time left in the sweep"),
    "never_read": _("never read, says the concentrator"),
    "unreachable": _("the concentrator cannot be reached"),
    "awaited": _("still to come from the concentrator"),
    "archive_gap": _("lost in the concentrator's archive"),
    "dropped": _("dropped by the concentrator, whose store was full"),
    "refused": _("refused by the head-end"), "unexplained": _("nobody has said why"),
    "received": _("received"), "late": _("received late"),
}


def quality(status: int) -> list[str]:
    """Flags of a reading in words; none: measured and delivered as read."""
    known = sum(flag for flag, _words in _QUALITY)
    rest = ["0x%04x" % (status & ~known)] if status & ~known else []
    return [words for flag, words in _QUALITY if status & flag] + rest


def time_quality(number: int) -> str:
    """How far the clock was to be trusted."""
    return _TIME_QUALITY.get(number, "%d" % number)


def outcome(number: int | None) -> str:
    """Why a meter gave nothing."""
    if number is None:
        return _("unknown")
    return _OUTCOMES.get(number) or flags.OUTCOMES.get(number, "outcome %d" % number)


def reason(words: str) -> str:
    """Why a gap is one."""
    return _REASONS.get(words, words)


def missing(state: str) -> str:
    """What became of an interval."""
    return _MISSING.get(state, state)


def way(path: str) -> str:
    """By which path a reading came."""
    return {LIVE: _("live"), BACK_FILL: _("back-fill"), ASKED_FOR: _("asked for again")}[path]


def gap(number: int | None, code: int) -> str:
    """What became of something that a concentrator was asked for."""
    if number is None:
        return _("no answer")
    if number == flags.GAP_METER_SILENT:
        return outcome(code) if code else _("the meter gave nothing")
    return _GAPS.get(number) or flags.GAPS.get(number, "reason %d" % number)


def reasons_of(counts: Counts) -> list[tuple[int, str]]:
    """(intervals, reason) of what is missing, the commonest first."""
    found = [(int(getattr(counts, name)), name) for name in REASONS]
    return sorted([pair for pair in found if pair[0]], key=lambda pair: -pair[0])


def event(kind: int) -> str:
    """What happened on a concentrator."""
    words = EVENTS.get(kind, "event %d" % kind)
    return words[:1].upper() + words[1:]


def note(text: str, kind: int) -> str:
    """An event's note as it is read: a meter's own code, which comes first, stands behind it."""
    code, _space, words = text.partition(" ")
    if kind != flags.EVENT_OF_METER or not code.isdecimal() or not words:
        return text
    return _("%(words)s (code %(code)s)") % {"words": words, "code": code}


def counter(what: str) -> str:
    """A counter of ingest, as its own word with a capital."""
    return what[:1].upper() + what[1:]
