"""What is missing from a load profile: expected intervals without a reading, with the reason.

Pure: no database and no clock. An interval (a slot) is `period_s` long and begins whenever
(UTC seconds - offset_s) is a multiple of it; a reading belongs to the slot in which it was
captured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from wum_shared.messages import Schedule
from wum_shared.status import OUTCOMES

NOT_RECEIVED = "not received"  # Nobody has said why: the concentrator may still deliver it.


@dataclass(frozen=True, slots=True)
class Gap:
    """Neighbouring slots without a reading, all for the same reason. `end` is left out."""

    start: datetime
    end: datetime
    intervals: int
    reason: str


def find_gaps(
        schedule: Schedule, start: datetime, end: datetime, captured: Iterable[datetime],
        missed: Sequence[tuple[datetime, int]], settled: datetime | None = None,
) -> list[Gap]:
    """Gaps between `start` and `end`, oldest first; only slots that lie wholly between them.

    `captured` are the times of readings, `missed` those of captures that failed, with outcome.
    What may still be under way is no gap yet: past `settled` (default: `end`) only slots are
    missing that the concentrator has told of.
    """
    first, last = expected_slots(schedule, start, end)
    waited = last if settled is None else expected_slots(schedule, start, settled)[1]
    there = {_slot(schedule, moment) for moment in captured}
    reasons = {_slot(schedule, moment): OUTCOMES.get(outcome, "outcome %d" % outcome)
               for moment, outcome in missed}
    gaps: list[Gap] = []
    run_start, run_reason = first, ""
    for slot in range(first, last + 1):
        unknown = NOT_RECEIVED if slot < waited else ""
        reason = "" if slot == last or slot in there else reasons.get(slot, unknown)
        if reason == run_reason:
            continue
        if run_reason:
            gaps.append(Gap(_begin(schedule, run_start), _begin(schedule, slot),
                            slot - run_start, run_reason))
        run_start, run_reason = slot, reason
    return gaps


def expected_slots(schedule: Schedule, start: datetime, end: datetime) -> tuple[int, int]:
    """Numbers of the first slot wholly between `start` and `end`, and of the first after them."""
    first = -((schedule.offset_s - _seconds(start)) // schedule.period_s)
    last = (_seconds(end) - schedule.offset_s) // schedule.period_s
    return first, max(first, last)


def _slot(schedule: Schedule, moment: datetime) -> int:
    return (_seconds(moment) - schedule.offset_s) // schedule.period_s


def _begin(schedule: Schedule, slot: int) -> datetime:
    return datetime.fromtimestamp(slot * schedule.period_s + schedule.offset_s, UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
