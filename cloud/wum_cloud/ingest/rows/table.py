"""Rows of one transaction that share a register set: arrays, in the order of their keys.

Left out: bytes (staging.py). Batches of many concentrators meet here, so that the cost of an
array operation is shared by all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wum_cloud.ingest.columns import Numbers
from wum_cloud.ingest.opened import Group, Statuses
from wum_cloud.registry.schemas.layout import Layout

BLOCK = 64              # Meters whose newest capture times stand in one row.
SOURCES_MAX = 32767     # A source is kept as a smallint: batches in one transaction.


@dataclass(frozen=True, slots=True)
class Part:
    """One group of one batch. `source` tells batches of one transaction apart; `meter_ids` are
    numbers of the database, by index of the batch's schema."""

    source: int
    group: Group
    meter_ids: Numbers
    register_set_id: int
    layout: Layout


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by meter and capture time: `values` is registers x rows, `statuses` rows x registers,
    or None where all are 0; a value whose status says ABSENT means nothing."""

    register_set_id: int
    layout: Layout
    source: Numbers
    sequence: Numbers
    meter_id: Numbers
    captured_at_s: Numbers
    time_quality: Numbers
    values: Numbers
    statuses: Statuses | None

    def __len__(self) -> int:
        return len(self.meter_id)

    def where(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Table":
        """The rows for which `rows` is true, or the rows with these numbers, in their order."""
        return Table(
            self.register_set_id, self.layout, self.source[rows], self.sequence[rows],
            self.meter_id[rows], self.captured_at_s[rows], self.time_quality[rows],
            self.values[:, rows], None if self.statuses is None else self.statuses[rows])


def tables_of(parts: list[Part]) -> list[Table]:
    """One table for each register set that occurs in `parts`, its rows in order."""
    by_set: dict[int, list[Part]] = {}
    for part in parts:
        assert 0 <= part.source <= SOURCES_MAX
        by_set.setdefault(part.register_set_id, []).append(part)
    return [_in_order(_joined(same)) for same in by_set.values()]


def _joined(parts: list[Part]) -> Table:
    # Meters of one concentrator have neighbouring numbers, and batches stand by meter: in this
    # order the rows often need no sorting at all.
    parts = sorted(parts, key=lambda part: int(part.meter_ids[part.group.meter[0]]))
    groups = [part.group for part in parts]
    sizes = [len(group) for group in groups]
    return Table(
        parts[0].register_set_id, parts[0].layout,
        np.repeat(np.array([part.source for part in parts], np.int64), sizes),
        np.concatenate([group.sequence for group in groups]),
        np.concatenate([part.meter_ids[part.group.meter] for part in parts]),
        np.concatenate([group.captured_at_s for group in groups]),
        np.repeat(np.array([group.time_quality for group in groups], np.int64), sizes),
        np.concatenate([group.values for group in groups], axis=1),
        _joined_statuses(groups))


def _joined_statuses(groups: list[Group]) -> Statuses | None:
    if all(group.statuses is None for group in groups):
        return None
    return np.concatenate([
        np.zeros((len(group), len(group.values)), np.int32) if group.statuses is None
        else group.statuses for group in groups])


def _in_order(table: Table) -> Table:
    keys = (table.meter_id, table.captured_at_s)
    if _is_sorted(keys):
        return table
    return table.where(np.lexsort(keys[::-1]))


def newest_of(tables: Sequence[Table]) -> tuple[Numbers, Numbers]:
    """(blocks of meters in their order, for each BLOCK newest capture times of its meters; 0: of
    these there is no row), as newest_capture keeps them."""
    meter_id = np.concatenate([table.meter_id for table in tables])
    blocks, place = np.unique(meter_id // BLOCK, return_inverse=True)
    newest = np.zeros(len(blocks) * BLOCK, np.int64)
    np.maximum.at(newest, place * BLOCK + meter_id % BLOCK,
                  np.concatenate([table.captured_at_s for table in tables]))
    return blocks, newest


def _is_sorted(keys: tuple[Numbers, ...]) -> bool:
    """Whether rows stand by these keys, the first one counting most."""
    equal = np.ones(max(len(keys[0]) - 1, 0), np.bool_)
    for key in keys:
        step = np.diff(key)
        if (equal & (step < 0)).any():
            return False
        equal &= step == 0
    return True


def order_of(tables: list[Table]) -> tuple[Numbers, bool]:
    """(order of all rows of all tables by meter, capture time and profile, whether a key stands
    twice). Rows are counted through the tables, one after the other."""
    meter_id = np.concatenate([table.meter_id for table in tables])
    captured_at_s = np.concatenate([table.captured_at_s for table in tables])
    profile = np.repeat(
        np.array([table.layout.profile for table in tables], np.int64),
        [len(table) for table in tables])
    keys = (meter_id, captured_at_s, profile)
    order = np.arange(len(meter_id)) if _is_sorted(keys) else np.lexsort(keys[::-1])
    same = np.ones(max(len(order) - 1, 0), np.bool_)
    for key in keys:
        same &= np.diff(key[order]) == 0
    return order, bool(same.any())
