"""What goes wrong with M-Bus beyond the errors that all meters share.

Left out: silence, bad checks and exceptions as such (wum_edge/errors.py). EN 13757-2, -3.
"""

from wum_edge.errors import BadCheck, Refused
from wum_shared import status

# EN 13757-3, application errors (CI 70). Later numbers differ between editions: shown as numbers.
ERRORS = {
    0: "unspecified error", 1: "unimplemented CI field", 2: "buffer too long, truncated",
    3: "too many records", 4: "premature end of record", 5: "more than 10 DIFEs",
    6: "more than 10 VIFEs", 8: "application too busy", 9: "too many readouts",
}


class Broken(BadCheck):
    """The frame's check holds, but what it holds is not built as the standard says."""


class Encrypted(Refused):
    """The answer is encrypted; `code` is its mode."""


class WrongKey(BadCheck):
    """What was opened with our key is no data: another key, or another meter."""

    outcome = status.NOT_GENUINE


class Unsupported(Refused):
    """The answer is whole, but in a layer that is not spoken here; `code` is its CI field."""


class NoSuchRecord(Refused):
    """No record of the answer is the one wanted, or it holds nothing usable; `code` is 0."""


def application_error(code: int) -> Refused:
    """The error that an application error frame (CI 70) stands for."""
    return Refused("M-Bus: application error %d (%s)" % (code, ERRORS.get(code, "no words for it")),
                   code)
