"""What codes are called on pages: registers, flags, outcomes, events, counters."""

from wum_cloud.ledger.reckoning import REASONS
from wum_cloud.ledger.store import Counts
from wum_cloud.web.texts import gettext as _
from wum_shared import status as flags
from wum_shared.status import EVENTS

_NAMES = {
    "1-0:1.8.0": _("Active energy import"), "1-0:2.8.0": _("Active energy export"),
    "1-0:3.8.0": _("Reactive energy import"), "1-0:4.8.0": _("Reactive energy export"),
    "1-0:9.8.0": _("Apparent energy import"), "1-0:15.8.0": _("Active energy absolute"),
    "1-0:16.7.0": _("Active power"), "1-0:131.7.0": _("Reactive power"),
    "1-0:9.7.0": _("Apparent power"), "1-0:13.7.0": _("Power factor"),
    "1-0:14.7.0": _("Frequency"), "1-0:12.7.0": _("Voltage, average"),
    "1-0:11.7.0": _("Current, total"), "1-0:91.7.0": _("Current, neutral"),
    "0-0:1.0.0": _("Clock deviation"),
    "6-0:1.0.0": _("Heat"), "6-0:2.0.0": _("Heating water"), "6-0:8.0.0": _("Heat output"),
    "6-0:9.0.0": _("Flow of heating water"), "6-0:10.0.0": _("Flow temperature"),
    "6-0:11.0.0": _("Return temperature"), "6-0:12.0.0": _("Temperature difference"),
    "7-0:3.0.0": _("Gas"), "8-0:1.0.0": _("Cold water"), "8-0:2.0.0": _("Flow of cold water"),
    "9-0:1.0.0": _("Warm water"), "9-0:2.0.0": _("Flow of warm water"),
}
_PHASES = {1: "L1", 2: "L2", 3: "L3"}   # Groups C 21..40, 41..60 and 61..80.
_MOMENTARY = {
    1: _("Active power"), 2: _("Active power export"), 3: _("Reactive power"),
    9: _("Apparent power"), 11: _("Current"), 12: _("Voltage"), 13: _("Power factor"),
    16: _("Active power"),
}
_COUNTED = {
    1: _("Active energy import"), 2: _("Active energy export"),
    3: _("Reactive energy import"), 4: _("Reactive energy export"),
}
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

_MISSING = {  # Of intervals in the ledger (ledger/reckoning.py), and what came.
    "silent": _("the meter does not answer"), "damaged": _("the answer was damaged"),
    "exception": _("the meter refused"), "not_tried": _("no time left in the sweep"),
    "unreachable": _("the concentrator cannot be reached"),
    "awaited": _("still to come from the concentrator"),
    "archive_gap": _("lost in the concentrator's archive"),
    "refused": _("refused by the head-end"), "unexplained": _("nobody has said why"),
    "received": _("received"), "late": _("received late"),
}


def quantity(code: str) -> str:
    """The name of an OBIS code (IEC 62056-61); the code itself where we have none."""
    if code in _NAMES:
        return _NAMES[code]
    parts = code.partition(":")[2].split(".")
    if not code.startswith("1-0:") or len(parts) != 3 or not all(p.isdigit() for p in parts):
        return code
    phase, place = divmod(int(parts[0]) - 1, 20)
    names = {"7": _MOMENTARY, "8": _COUNTED}.get(parts[1], {})
    known = phase in _PHASES and place + 1 in names
    return "%s %s" % (names[place + 1], _PHASES[phase]) if known else code


def phase_of(code: str) -> str:
    """`L1`, `L2`, `L3` where the code is of one phase, else the quantity's name."""
    words = quantity(code)
    return words[-2:] if words[-2:] in _PHASES.values() else words


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
    return _("unknown") if number is None else _OUTCOMES.get(number, "outcome %d" % number)


def reason(words: str) -> str:
    """Why a gap is one."""
    return _REASONS.get(words, words)


def missing(state: str) -> str:
    """What became of an interval."""
    return _MISSING.get(state, state)


def reasons_of(counts: Counts) -> list[tuple[int, str]]:
    """(intervals, reason) of what is missing, the commonest first."""
    found = [(int(getattr(counts, name)), name) for name in REASONS]
    return sorted([pair for pair in found if pair[0]], key=lambda pair: -pair[0])


def event(kind: int) -> str:
    """What happened on a concentrator."""
    words = EVENTS.get(kind, "event %d" % kind)
    return words[:1].upper() + words[1:]


def counter(what: str) -> str:
    """A counter of ingest, as its own word with a capital."""
    return what[:1].upper() + what[1:]
