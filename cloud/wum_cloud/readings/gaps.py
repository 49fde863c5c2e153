"""What is missing from a load profile: expected intervals without a reading, with the reason.

Pure: no database and no clock. An interval (a slot) is `period_s` long and begins whenever
(UTC seconds - offset_s) is a multiple of it; a reading belongs to the slot in which it was
captured. Columns of UTC seconds come in: a month of 10-second readings has 267,840 slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from wum_shared.messages import Schedule
from wum_shared.status import OUTCOMES

NOT_RECEIVED = "not received"  # Nobody has said why: the concentrator may still deliver it.
NO_VALUE = "no value"          # The row is there; the meter gave everything but this register.

_THERE, _UNKNOWN, _WITHOUT = -1, -2, -3  # Beside the outcomes, which are positive.

Seconds = NDArray[np.int64] | Sequence[int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Neighbouring slots without a reading, all for the same reason. `end` is left out."""

    start: datetime
    end: datetime
    intervals: int
    reason: str


def find_gaps(
        schedule: Schedule, start: datetime, end: datetime, captured_s: Seconds,
        missed: Sequence[tuple[int, int]] = (), without_s: Seconds = (),
        settled: datetime | None = None,
) -> list[Gap]:
    """Gaps between `start` and `end`, oldest first; only slots that lie wholly between them.

    `captured_s` are the times of readings, `missed` those of captures that failed, with outcome,
    and `without_s` those of rows without this register. What may still be under way is no gap
    yet: past `settled` (default: `end`) only slots are missing that the concentrator told of.
    """
    first, after = expected_slots(schedule, start, end)
    states = np.full(after - first, _UNKNOWN, np.int64)
    if settled is not None:
        states[expected_slots(schedule, start, settled)[1] - first:] = _THERE
    _mark(states, schedule, first, without_s, _WITHOUT)
    _mark(states, schedule, first, [at for at, _ in missed], [outcome for _, outcome in missed])
    _mark(states, schedule, first, captured_s, _THERE)
    turns = np.flatnonzero(np.diff(states)) + 1
    begins = [0, *turns.tolist()] if len(states) else []
    ends = [*turns.tolist(), len(states)]
    return [
        Gap(_begin(schedule, first + a), _begin(schedule, first + b), b - a, _words(int(states[a])))
        for a, b in zip(begins, ends, strict=False) if states[a] != _THERE]


def expected_slots(schedule: Schedule, start: datetime, end: datetime) -> tuple[int, int]:
    """Numbers of the first slot wholly between `start` and `end`, and of the first after them."""
    first = -((schedule.offset_s - _seconds(start)) // schedule.period_s)
    last = (_seconds(end) - schedule.offset_s) // schedule.period_s
    return first, max(first, last)


def slot_begin(schedule: Schedule, moment: datetime) -> datetime:
    """The begin of the slot that holds `moment`."""
    return _begin(schedule, (_seconds(moment) - schedule.offset_s) // schedule.period_s)


def _mark(
        states: NDArray[np.int64], schedule: Schedule, first: int, seconds: Seconds,
        state: int | Sequence[int],
) -> None:
    places = (np.asarray(seconds, np.int64) - schedule.offset_s) // schedule.period_s - first
    inside = (places >= 0) & (places < len(states))
    states[places[inside]] = state if isinstance(state, int) else np.asarray(
        state, np.int64)[inside]


def _words(state: int) -> str:
    if state == _UNKNOWN:
        return NOT_RECEIVED
    return NO_VALUE if state == _WITHOUT else OUTCOMES.get(state, "outcome %d" % state)


def _begin(schedule: Schedule, slot: int) -> datetime:
    return datetime.fromtimestamp(slot * schedule.period_s + schedule.offset_s, UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
