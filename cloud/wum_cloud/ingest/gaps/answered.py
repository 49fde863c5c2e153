"""What an answer to a gap request says: numbers that are gone, and reasons by meter and time.

Pure. Left out: keeping it (store.py).
"""

from collections import Counter
from dataclasses import dataclass

from wum_cloud.reasons.names import (
    ARCHIVE_GAP,
    DAMAGED,
    DROPPED,
    EXCEPTION,
    NEVER_READ,
    NOT_TRIED,
    SILENT,
)
from wum_shared import status
from wum_shared.errors import WireError
from wum_shared.gaps import GapAnswer, decode_gap_request
from wum_shared.status import (
    GAP_DAMAGED,
    GAP_DROPPED,
    GAP_METER_SILENT,
    GAP_NEVER_READ,
    GAP_NOT_HERE,
    GAPS,
    LOST_DAMAGED,
    LOST_DROPPED,
    LOST_REPLACED,
)

_REASONS = {GAP_NEVER_READ: NEVER_READ, GAP_DROPPED: DROPPED, GAP_DAMAGED: ARCHIVE_GAP,
            GAP_NOT_HERE: ARCHIVE_GAP}
_OUTCOMES = {status.SILENT: SILENT, status.BAD_CHECK: DAMAGED, status.FOREIGN: DAMAGED,
             status.NOT_TRIED: NOT_TRIED}
_LOST = {GAP_DROPPED: LOST_DROPPED, GAP_DAMAGED: LOST_DAMAGED, GAP_NOT_HERE: LOST_REPLACED}


@dataclass(frozen=True, slots=True)
class Gone:
    """Numbers of an archive that nobody has any more; `reason` is one of status.LOST."""

    incarnation: bytes
    first: int
    last: int
    reason: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a meter's seconds first..last are missing; `reason` is one of status.GAPS."""

    serial: str
    first_s: int
    last_s: int
    reason: int
    outcome: int

    @property
    def for_ledger(self) -> str:
        """The same as the ledger has it; a meter that nobody named was never read."""
        if self.reason == GAP_METER_SILENT:
            return _OUTCOMES.get(self.outcome, EXCEPTION)
        return _REASONS.get(self.reason, NEVER_READ)


@dataclass(frozen=True, slots=True)
class Answered:
    """`told`: how many parts by reason, in words."""

    gone: tuple[Gone, ...]
    reasons: tuple[Reason, ...]
    told: dict[str, int]


def understood(asked: bytes, answer: GapAnswer) -> Answered:
    """What `answer` says of the request `asked`. Parts outside its ranges say nothing."""
    try:
        ranges = decode_gap_request(asked).ranges
    except WireError:               # Of a version that is not spoken any more: asked anew.
        ranges = ()
    gone: list[Gone] = []
    reasons: list[Reason] = []
    told: Counter[str] = Counter()
    for part in answer.parts:
        if part.range >= len(ranges):
            continue
        wanted = ranges[part.range]
        if part.first < wanted.first or part.last > wanted.last:
            continue
        told[GAPS.get(part.reason, "reason %d" % part.reason)] += 1
        if isinstance(wanted.of, str):
            reasons.append(Reason(
                wanted.of, part.first, part.last, part.reason, part.outcome))
        elif part.reason in _LOST:
            gone.append(Gone(wanted.of, part.first, part.last, _LOST[part.reason]))
    return Answered(tuple(gone), tuple(reasons), dict(sorted(told.items())))
