"""Register sets of a configuration: [[register_set]] tables, and which of them a meter has.

Left out: which registers of a model are in which (portions.py).
"""

from wum_edge.document import Table, shown
from wum_edge.portions import OwnSet
from wum_shared.configuration import SETS_MAX
from wum_shared.errors import Malformed
from wum_shared.ids import checked_text
from wum_shared.messages import Schedule
from wum_shared.patterns import patterns_from_text

OF_METER_MAX = 8             # No meter has more: there are no more schedules.


def check_sets(top: Table, mistakes: list[tuple[str, str, str]]) -> dict[str, OwnSet]:
    """The sets of a document, by name; what is wrong with them is added to `mistakes`."""
    found: dict[str, OwnSet] = {}
    for index, table in enumerate(top.tables("register_set", 0, SETS_MAX)):
        one = _set(table)
        if one.name and one.name in found:
            mistakes.append(("register_set[%d].name" % index, "a name that no other set has",
                             shown(one.name)))
        found[one.name] = one
    return found


def _set(table: Table) -> OwnSet:
    name = table.text("name", most=64)
    try:
        name = checked_text(name, "name") if name else ""
    except Malformed:
        table.complain("name", "printable ASCII without space and / + #", shown(name))
    text = table.text("registers")
    patterns: tuple[tuple[int | None, ...], ...] = ()
    try:
        patterns = patterns_from_text(text) if text else ()
    except Malformed as error:
        wanted, _, got = str(error).partition(", got ")
        table.complain("registers", wanted.replace("registers: wanted ", ""), got or shown(text))
    period_s = table.number("period_s", 1, 86400)
    found = OwnSet(name, patterns,
                   Schedule(period_s, table.number("offset_s", 0, max(0, period_s - 1), 0)))
    table.done()
    return found


def sets_of_meter(table: Table, sets: dict[str, OwnSet]) -> tuple[OwnSet, ...]:
    """What a meter's `register_sets` names, separated by spaces, in its order."""
    names = [name for name in table.optional_text("register_sets").split(" ") if name]
    unknown = [name for name in names if name not in sets]
    if unknown:
        table.complain("register_sets", "names of [[register_set]] tables: %s" % (
            ", ".join(sorted(sets)) or "there is none"), shown(unknown[0]))
    elif len(names) > OF_METER_MAX:
        table.complain("register_sets", "at most %d names" % OF_METER_MAX, "%d" % len(names))
    elif any(names.count(name) > 1 for name in names):
        table.complain("register_sets", "each name once", shown(" ".join(names)))
    return tuple([sets[name] for name in names if name in sets])
