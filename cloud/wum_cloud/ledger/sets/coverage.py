"""What of each register set came in an interval: a set is there when a row holds all its registers.

Pure. A row holds the registers of several sets when those were merged. Left out: SQL (store.py);
the state of the interval itself (reckoning.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wum_cloud.ledger.reckoning import LATE, LATE_PERIODS, RECEIVED, UNEXPLAINED, Interval


@dataclass(frozen=True, slots=True)
class RegisterSet:
    """A set that the schema in force gives a meter; `codes` are OBIS codes in their order."""

    number: int
    profile: int
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row, and the registers that it holds."""

    captured_at: datetime
    profile: int
    arrived_at: datetime | None
    codes: frozenset[str]


def of_set(
        intervals: Sequence[Interval], wanted: RegisterSet, rows: Sequence[StoredRow],
) -> list[Interval]:
    """The same intervals with the state of this set. `rows` are those of their span, in order.

    Where the interval is missing, so is each of its sets, for the same reason. Where it is not
    and the set is, nobody has said why: the meter answered for its other registers.
    """
    found = []
    own = [row for row in rows if row.profile == wanted.profile and row.codes >= {*wanted.codes}]
    at = 0
    for one in intervals:
        while at < len(own) and own[at].captured_at < one.start:
            at += 1
        row = own[at] if at < len(own) and own[at].captured_at < one.end else None
        if row is not None:
            found.append(replace(one, state=_received(one, row), arrived_at=row.arrived_at))
        elif one.state in (RECEIVED, LATE):
            found.append(replace(one, state=UNEXPLAINED, arrived_at=None))
        else:
            found.append(one)
    return found


def _received(one: Interval, row: StoredRow) -> str:
    limit = one.end + LATE_PERIODS * (one.end - one.start)
    return LATE if row.arrived_at is not None and row.arrived_at > limit else RECEIVED
