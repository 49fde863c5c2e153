"""Codes of registers with wildcards: which registers a schedule is of, as people write them.

    32.7.0 *.8.* 1-0:1.6.0       C.D.E or A-B:C.D.E, * for any number, separated by spaces

The group F of a code is never looked at. Left out: what is done with them (wum_edge/portions.py).
"""

from wum_shared.errors import Malformed
from wum_shared.fields import shown

GROUPS_MAX = 255
PATTERNS_MAX = 32            # Of one set.
ANY = "*"


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


def matches(patterns: tuple[tuple[int | None, ...], ...], obis: bytes) -> bool:
    """Whether a code is one that any of the patterns stands for."""
    for pattern in patterns:
        if all(group is None or group == obis[at] for at, group in enumerate(pattern)):
            return True
    return False
