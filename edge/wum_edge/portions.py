"""Which registers of a meter are read together, and when: its portions, each a register set.

A meter has one portion, all of its model's registers, unless the configuration gives some of them
a schedule of their own ([[register_set]]). Left out: reading them (meters/visit.py).
"""

from collections import namedtuple

from wum_shared.messages import Schedule
from wum_shared.patterns import matches

ALWAYS = Schedule(1, 0)


class OwnSet(namedtuple("OwnSet", ("name", "patterns", "schedule"))):
    """Registers that have a schedule of their own: those with a code that one of `patterns` has."""

    __slots__ = ()
    name: str
    patterns: tuple[tuple[int | None, ...], ...]
    schedule: Schedule

    def has(self, obis: bytes) -> bool:
        """Whether a register with this code is of this set."""
        return matches(self.patterns, obis)


class Portion(namedtuple("Portion", ("register_set", "places", "has_clock", "schedule"))):
    """`places` are those of the registers in the model, in rising order; `register_set` is the
    index of its set in the schema, and `has_clock` says whether its rows end with the meter's
    clock. `schedule` is ALWAYS where nobody asks when it is due.
    """

    __slots__ = ()
    register_set: int
    places: tuple[int, ...]
    has_clock: bool
    schedule: Schedule


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
