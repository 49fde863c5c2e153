"""How delivery stands: what is under way, and counts since the gateway's start.

Left out: what moves them (delivery.py), and how they are shown (the ports).
"""

from collections import namedtuple


class Progress(namedtuple("Progress", (
        "in_flight", "sent", "answered", "timed_out", "refused", "requests", "rebuilt"))):
    """Batches in flight, and counts since the start; `refused` is by reason. `requests`: gap
    requests answered; `rebuilt`: deltas whose base the head-end did not have.
    """

    __slots__ = ()
    in_flight: int
    sent: int
    answered: int
    timed_out: int
    refused: dict[str, int]
    requests: int
    rebuilt: int
