"""What differs between two configurations, line by line and meter by meter, for a person.

Pure. What has no name of its own is called by its part: schedule.period_s.
"""

from dataclasses import dataclass
from typing import Any

from wum_cloud.configuration.composing import Parts

_NAMED = {"line": "name", "register_set": "name", "meter": "serial"}
NOTHING = "–"
_SCHEDULE = {"period_s", "offset_s"}
_SHARED = "as most of its concentrator"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would change. `before` or `after` is NOTHING for what comes or goes."""

    what: str
    before: str
    after: str


def differences(before: Parts, after: Parts) -> list[Change]:
    """From one to the other; empty where they say the same."""
    found: list[Change] = []
    old_every, new_every = every(before.get("schedule", {})), every(after.get("schedule", {}))
    if old_every != new_every:
        found.append(Change("schedule", old_every, new_every))
    found += _fields("clock_policy", before.get("clock_policy", {}),
                     after.get("clock_policy", {}))
    if before.get("role") != after.get("role"):
        found.append(Change("role", _shown(before.get("role")), _shown(after.get("role"))))
    for part, key in _NAMED.items():
        old = {one[key]: one for one in before.get(part, [])}
        new = {one[key]: one for one in after.get(part, [])}
        for name in [*old, *[name for name in new if name not in old]]:
            what = "%s %s" % (part.replace("_", " "), name)
            if name not in new:
                found.append(Change(what, _whole(old[name]), NOTHING))
            elif name not in old:
                found.append(Change(what, NOTHING, _whole(new[name])))
            else:
                found += _fields(what, old[name], new[name])
                if part != "line" and every(old[name]) != every(new[name]):
                    found.append(Change("%s, schedule" % what, every(old[name], _SHARED),
                                        every(new[name], _SHARED)))
    return found


def every(table: dict[str, Any], otherwise: str = "–") -> str:
    """A schedule in words: every 15 min, 30 s after the full ones. `otherwise`: it says none."""
    if "period_s" not in table:
        return otherwise
    offset_s = table.get("offset_s", 0)
    return "every " + _length(table["period_s"]) + (
        ", %s after" % _length(offset_s) if offset_s else "")


def _length(seconds: int) -> str:
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0 and seconds:
            return "%d %s" % (seconds // size, word)
    return "%d s" % seconds


def _fields(what: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    names = sorted({*old, *new} - _SCHEDULE)
    return [Change("%s.%s" % (what, name), _shown(old.get(name)), _shown(new.get(name)))
            for name in names if old.get(name) != new.get(name)]


def _whole(one: dict[str, Any]) -> str:
    said = ["%s %s" % (name, value) for name, value in one.items()
            if name not in ("name", "serial") and name not in _SCHEDULE]
    return ", ".join(said + ([every(one)] if "period_s" in one else []))


def _shown(value: object) -> str:
    return NOTHING if value is None else str(value)
