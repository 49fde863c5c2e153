"""What differs between two configurations, line by line and meter by meter, for a person.

Pure. What has no name of its own is called by its part: schedule.period_s.
"""

from dataclasses import dataclass
from typing import Any

from wum_cloud.configuration.composing import Parts

_NAMED = {"line": "name", "meter": "serial"}
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would change. `before` or `after` is NOTHING for what comes or goes."""

    what: str
    before: str
    after: str


def differences(before: Parts, after: Parts) -> list[Change]:
    """From one to the other; empty where they say the same."""
    found: list[Change] = []
    for part in ("schedule", "clock_policy"):
        found += _fields(part, before.get(part, {}), after.get(part, {}))
    if before.get("role") != after.get("role"):
        found.append(Change("role", _shown(before.get("role")), _shown(after.get("role"))))
    for part, key in _NAMED.items():
        old = {one[key]: one for one in before.get(part, [])}
        new = {one[key]: one for one in after.get(part, [])}
        for name in [*old, *[name for name in new if name not in old]]:
            what = "%s %s" % (part, name)
            if name not in new:
                found.append(Change(what, _whole(old[name]), NOTHING))
            elif name not in old:
                found.append(Change(what, NOTHING, _whole(new[name])))
            else:
                found += _fields(what, old[name], new[name])
    return found


def _fields(what: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    names = sorted({*old, *new})
    return [Change("%s.%s" % (what, name), _shown(old.get(name)), _shown(new.get(name)))
            for name in names if old.get(name) != new.get(name)]


def _whole(one: dict[str, Any]) -> str:
    return ", ".join(["%s %s" % (name, value) for name, value in one.items()
                      if name not in ("name", "serial")])


def _shown(value: object) -> str:
    return NOTHING if value is None else str(value)
