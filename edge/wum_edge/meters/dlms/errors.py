"""What goes wrong with a DLMS meter, each by the name that the standard has for it.

Left out: silence and a wrong check sequence, which every protocol has (wum_edge.errors).
IEC 62056-5-3 (Green Book), 9.3 and 9.4.
"""

from wum_edge.errors import BadCheck, MeterError, Refused
from wum_shared import status

DATA_ACCESS_RESULTS = {      # Green Book 9.5, Data-Access-Result: (name, outcome).
    1: ("hardware-fault", status.HARDWARE_FAULT),
    2: ("temporary-failure", status.TEMPORARY_FAILURE),
    3: ("read-write-denied", status.ACCESS_DENIED),
    4: ("object-undefined", status.OBJECT_UNDEFINED),
    9: ("object-class-inconsistent", status.CLASS_INCONSISTENT),
    11: ("object-unavailable", status.OBJECT_UNAVAILABLE),
    12: ("type-unmatched", status.TYPE_UNMATCHED),
    13: ("scope-of-access-violated", status.SCOPE_VIOLATED),
    14: ("data-block-unavailable", status.BLOCK_UNAVAILABLE),
    15: ("long-get-aborted", status.LONG_TRANSFER_ABORTED),
    16: ("no-long-get-in-progress", status.NO_LONG_TRANSFER),
    17: ("long-set-aborted", status.LONG_TRANSFER_ABORTED),
    18: ("no-long-set-in-progress", status.NO_LONG_TRANSFER),
    19: ("data-block-number-invalid", status.BLOCK_NUMBER_INVALID),
    250: ("other-reason", status.OTHER_REASON),
}
ACTION_ONLY = {              # Action-Result differs from Data-Access-Result in these two.
    15: ("long-action-aborted", status.LONG_TRANSFER_ABORTED),
    16: ("no-long-action-in-progress", status.NO_LONG_TRANSFER),
}


class DlmsMalformed(BadCheck):
    """Bytes that are not what the standard writes there, though their check may hold."""


class NotGenuine(BadCheck):
    """The tag of a ciphered message does not hold: another key, or another sender."""

    outcome = status.NOT_GENUINE


class CounterDecreased(MeterError):
    """A meter's invocation counter went back: it was replaced, or somebody repeats old messages."""

    outcome = status.COUNTER_DECREASED


class NotSpoken(MeterError):
    """Something legal that is not spoken here, by its name: security suites 1 and 2, HLS 6, 7."""

    outcome = status.NOT_SPOKEN


class WrongUnit(MeterError):
    """The meter counts in another unit than the catalogue says: no number of it can be used."""

    outcome = status.WRONG_UNIT


class AccessRefused(Refused):
    """One object was refused; `code` is the data-access-result or action-result, `result` its name.
    """

    def __init__(self, what: str, code: int, action: bool = False) -> None:
        name, outcome = DATA_ACCESS_RESULTS.get(code, ("reserved", status.EXCEPTION))
        if action:
            name, outcome = ACTION_ONLY.get(code, (name, outcome))
        super().__init__("%s: %s (%d)" % (what, name, code), code)
        self.result = name
        self.outcome = outcome


class WholeRefused(Refused):
    """What was asked was refused as a whole. `counter` is the invocation counter that the meter
    expects, where that was the reason and it says so; None: it does not.
    """

    counter: int | None = None


class AssociationRefused(WholeRefused):
    """The meter rejected the association: wrong secret, client, context or version."""

    outcome = status.ASSOCIATION_REFUSED


class ServiceRefused(WholeRefused):
    """The meter answered a request as a whole with an ExceptionResponse or ConfirmedServiceError.
    """

    outcome = status.SERVICE_REFUSED


class LinkLost(Refused):
    """The meter says that there is no link (DM) or that ours is out of step (FRMR, DISC)."""

    outcome = status.ASSOCIATION_REFUSED
