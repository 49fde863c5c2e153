"""Which registers of a meter are read together, and when: its portions, each a register set.

A meter has one portion, all of its model's registers, unless the configuration gives some of them
a schedule of their own ([[register_set]]). Left out: reading them (meters/visit.py).
"""

from collections import namedtuple

from wum_shared.errors import Malformed
from wum_shared.fields import shown
from wum_shared.messages import Schedule

GROUPS_MAX = 255
PATTERNS_MAX = 32            # Of one set.
ANY = "*"


class OwnSet(namedtuple("OwnSet", ("name", "patterns", "schedule"))):
    """Registers that have a schedule of their own: those with a code that one of `patterns` has."""

    __slots__ = ()
    name: str
    patterns: tuple[tuple[int | None, ...], ...]
    schedule: Schedule

    def has(self, obis: bytes) -> bool:
        """Whether a register with this code is of this set, whatever its group F."""
        for pattern in self.patterns:
            if all(group is None or group == obis[at] for at, group in enumerate(pattern)):
                return True
        return False


class Portion(namedtuple("Portion", ("register_set", "places", "has_clock", "schedule"))):
    """`places` are those of the registers in the model, in rising order; `register_set` is the
    index of its set in the schema, and `has_clock` says whether its rows end with the meter's
    clock. `schedule` is None where nobody asks when it is due.
    """

    __slots__ = ()
    register_set: int
    places: tuple[int, ...]
    has_clock: bool
    schedule: Schedule | None


def patterns_from_text(text: str) -> tuple[tuple[int | None, ...], ...]:
    """Codes of five groups each, None for any: `32.7.0 *.8.* 1-0:1.6.0`. Raises Malformed."""
    found = tuple([_pattern(one) for one in text.split(" ") if one])
    if not found or len(found) > PATTERNS_MAX:
        raise Malformed("registers: wanted 1..%d codes like 32.7.0 or *.8.*, got %d" % (
            PATTERNS_MAX, len(found)))
    return found


def _pattern(text: str) -> tuple[int | None, ...]:
    medium, colon, quantity = text.rpartition(":")
    a_and_b = medium.split("-") if colon else [ANY, ANY]
    groups = a_and_b + quantity.split(".")
    if len(a_and_b) != 2 or len(groups) != 5:
        raise Malformed("registers: wanted C.D.E or A-B:C.D.E, %s for any number, got %s" % (
            ANY, shown(text)))
    return tuple([_group(group, text) for group in groups])


def _group(digits: str, text: str) -> int | None:
    if digits == ANY:
        return None
    if not digits or len(digits) > 3 or not all("0" <= c <= "9" for c in digits) or (
            int(digits) > GROUPS_MAX):
        raise Malformed("registers: %s in %s is neither 0..%d nor %s" % (
            shown(digits), shown(text), GROUPS_MAX, ANY))
    return int(digits)


def split(
        codes: list[bytes], schedule: Schedule, own: "list[OwnSet]",
) -> list[tuple[Schedule, tuple[int, ...]]]:
    """Places by schedule: first those that no set has, then each set's. A register that several
    have is the first one's; sets of one schedule are one; what has no register is left out.
    """
    places: list[tuple[Schedule, list[int]]] = [(schedule, [])]
    for one in own:
        if all(one.schedule != other for other, _ in places):
            places.append((one.schedule, []))
    for place, obis in enumerate(codes):
        due = schedule
        for one in own:
            if one.has(obis):
                due = one.schedule
                break
        for other, found in places:
            if other == due:
                found.append(place)
    return [(due, tuple(found)) for due, found in places if found]
