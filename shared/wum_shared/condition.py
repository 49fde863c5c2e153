"""Condition: how a concentrator's flash and clock are, told beside the records it may not store.

A picture of a moment, sealed like a batch: one that is lost is made good by the next. `at_s` is the
concentrator's clock as it sends, so that the head-end sees a clock that is wrong. Layout:
contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields
from wum_shared.messages import time_field, versioned
from wum_shared.status import NEVER_SET, SYNCHRONISED

FLASH_TAKES = 0              # All is well with it, as of the last append.
FLASH_FULL = 1
FLASH_READ_ONLY = 2
FLASH_FAILING = 3
AGAIN_S = 900                # It is told so often while something is wrong,
WELL_S = 86400               # and so often while nothing is.
COUNT_MAX = 2**32 - 1
CONDITION_BYTES_MAX = 64


class Condition(namedtuple("Condition", (
        "at_s", "quality", "flash", "flash_for_s", "waiting", "given_up", "behind_s"))):
    """`quality` is that of the time; `flash_for_s`: since when flash refuses, by a clock that
    nobody sets; `waiting`: records in memory that flash has not taken; `given_up`: those that found
    no room there, since flash refuses; `behind_s`: how far the clock is behind the newest record, 0
    where it is not or less than an hour.
    """

    __slots__ = ()
    at_s: int
    quality: int
    flash: int
    flash_for_s: int
    waiting: int
    given_up: int
    behind_s: int

    @property
    def is_well(self) -> bool:
        """Whether nobody has to do anything."""
        return self.flash == FLASH_TAKES and self.quality != NEVER_SET and not self.behind_s


def encode_condition(condition: Condition) -> bytes:
    """CBOR of a condition, to be sealed with the uplink key."""
    return cbor.encode([fields.VERSION] + list(condition))


def decode_condition(data: bytes) -> Condition:
    """The condition in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 8, "condition", CONDITION_BYTES_MAX)
    return Condition(
        time_field(parts[1], "condition at"),
        fields.number(parts[2], SYNCHRONISED, NEVER_SET, "condition time quality"),
        fields.number(parts[3], FLASH_TAKES, FLASH_FAILING, "condition flash"),
        fields.number(parts[4], 0, COUNT_MAX, "condition flash-for"),
        fields.number(parts[5], 0, COUNT_MAX, "condition waiting"),
        fields.number(parts[6], 0, COUNT_MAX, "condition given-up"),
        fields.number(parts[7], 0, COUNT_MAX, "condition behind"))
