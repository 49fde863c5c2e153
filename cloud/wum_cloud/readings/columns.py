"""Columns of a load profile, and which of their rows are wanted. Pure, and exact: no float here.

Many rows stay columns; a record per reading is made only of the few that an answer shows
(series.py). `ABSENT` stands where a row has no value for a register.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

ABSENT = -(2**63)  # No reading has it: values lie within +-2**62.

Column = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows by capture time: `captured_s` in UTC seconds, and a column of values per register.

    The values of one column are in steps of one scaler.
    """

    captured_s: Column
    values: Sequence[Column]

    def there(self, register: int) -> NDArray[np.bool_]:
        """Which rows have a value of the register at this place."""
        return np.not_equal(self.values[register], ABSENT)


def extremes(columns: Columns, start: datetime, end: datetime, pixels: int) -> Column:
    """Places of the rows that a plot of `pixels` columns must have so that every peak survives.

    Of each pixel column the least and the greatest of every register. Fewer rows than two for
    each pixel are all kept.
    """
    if len(columns.captured_s) <= 2 * pixels:
        return np.arange(len(columns.captured_s))
    begin, length = int(start.timestamp()), int((end - start).total_seconds())
    pixel = (columns.captured_s - begin) * pixels // max(1, length)
    kept = []
    for register, values in enumerate(columns.values):
        there = np.flatnonzero(columns.there(register))
        order = there[np.lexsort((values[there], pixel[there]))]  # By pixel, then by value.
        turns = np.flatnonzero(np.diff(pixel[order])) + 1
        if len(order):
            kept += [order[np.r_[0, turns]], order[np.r_[turns - 1, len(order) - 1]]]
    return np.unique(np.concatenate(kept)) if kept else np.arange(0)


def newest(columns: Columns, count: int) -> Column:
    """Places of the `count` newest rows that have a value of any register, oldest first."""
    there = np.zeros(len(columns.captured_s), bool)
    for register in range(len(columns.values)):
        there |= columns.there(register)
    return np.flatnonzero(there)[-count:] if count else np.arange(0)


def after_edges(columns: Columns, edges: Sequence[datetime]) -> Column:
    """Places of the first row with a value of register 0 at or after each edge, and of the last."""
    there = np.flatnonzero(columns.there(0))
    if not len(there):
        return there
    found = np.searchsorted(
        columns.captured_s[there], np.asarray([int(e.timestamp()) for e in edges], np.int64))
    return np.unique(there[np.r_[found[found < len(there)], len(there) - 1]])


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of register 0 captured in start..end (end left out): how many, and four places."""

    start: datetime
    end: datetime
    readings: int
    first: int
    last: int
    least: int
    greatest: int


def groups(columns: Columns, edges: Sequence[datetime]) -> list[Group]:
    """The rows between neighbouring `edges`; spans without a row are left out."""
    there = np.flatnonzero(columns.there(0))
    values = columns.values[0][there]
    cuts = np.searchsorted(
        columns.captured_s[there], np.asarray([int(e.timestamp()) for e in edges], np.int64))
    found = []
    for n in range(len(edges) - 1):
        a, b = int(cuts[n]), int(cuts[n + 1])
        if a < b:
            least, greatest = a + int(values[a:b].argmin()), a + int(values[a:b].argmax())
            places = [int(there[at]) for at in (a, b - 1, least, greatest)]
            found.append(Group(edges[n], edges[n + 1], b - a, *places))
    return found
