"""Heads of a batch as arrays: what wum_shared/bases.py keeps as a dictionary, and their bytes.

Left out: the table that keeps them (store.py). No loop here runs over rows.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cbor2
import numpy as np
from numpy.typing import NDArray

from wum_shared.bases import HEADS_MAX
from wum_shared.status import ABSENT

Numbers = NDArray[np.int64]




@dataclass(frozen=True, slots=True)
class Table:
    """The last values of one register set: `meter` rising, `values` registers x meters."""

    meter: Numbers
    values: Numbers

    def of(self, meter: Numbers) -> Numbers:
        """Values of these meters, registers x meters; 0 for one that is not here."""
        places = np.minimum(np.searchsorted(self.meter, meter), len(self.meter) - 1)
        return np.where(self.meter[places] == meter, self.values[:, places], 0)


Heads = dict[int, Table]         # By register set.


class Rows(Protocol):
    """What is looked at of ingest/opened.py's Group."""

    @property
    def register_set(self) -> int: ...
    @property
    def meter(self) -> Numbers: ...
    @property
    def sequence(self) -> Numbers: ...
    @property
    def values(self) -> Numbers: ...
    @property
    def statuses(self) -> NDArray[np.int32] | None: ...


def heads_after(before: Heads | None, groups: Sequence[Rows]) -> Heads:
    """Heads of a batch with the rows of `groups` that was built on `before`; None: a full one."""
    after = dict(before or {})
    for index in sorted({group.register_set for group in groups}):
        after[index] = _table(after.get(index), [g for g in groups if g.register_set == index])
    return after


def _table(before: Table | None, groups: list[Rows]) -> Table:
    meter = np.concatenate([group.meter for group in groups])
    order = np.lexsort((np.concatenate([group.sequence for group in groups]), meter))
    values = np.concatenate([group.values for group in groups], axis=1)[:, order]
    starts = np.flatnonzero(np.diff(meter[order], prepend=-1))
    meters = meter[order][starts]
    known = np.zeros((len(values), len(meters)), np.int64) if before is None else before.of(meters)
    last = np.where(_present(groups)[:, order], np.arange(len(order)), -1)
    last = np.maximum.reduceat(last, starts, axis=1) if len(values) else last[:, :len(starts)]
    found = np.where(last >= 0, np.take_along_axis(values, np.maximum(last, 0), axis=1), known)
    if before is None:
        return Table(meters, found)
    others = ~np.isin(before.meter, meters)
    meters = np.concatenate([before.meter[others], meters])
    found = np.concatenate([before.values[:, others], found], axis=1)
    order = np.argsort(meters)
    return Table(meters[order], found[:, order])


def _present(groups: list[Rows]) -> NDArray[np.bool_]:
    return np.concatenate([
        np.ones(group.values.shape, np.bool_) if group.statuses is None
        else ((group.statuses & ABSENT) == 0).T for group in groups], axis=1)


def heads_to_bytes(heads: Heads) -> bytes | None:
    """For the table; None where there are more than HEADS_MAX values: no delta builds on those."""
    if sum([table.values.size for table in heads.values()]) > HEADS_MAX:
        return None
    # Integers of the least width that holds all of a set; deflate takes what is regular in them.
    return zlib.compress(cbor2.dumps([
        [index, table.meter.astype("<u2").tobytes(), len(table.values), _narrow(table.values)]
        for index, table in sorted(heads.items())]), 1)


def _narrow(values: Numbers) -> bytes:
    wide = values.size and (values.min() < -2**31 or values.max() >= 2**31)
    return values.astype("<i8" if wide else "<i4").tobytes()


def heads_from_bytes(data: bytes) -> Heads:
    """The reverse of heads_to_bytes."""
    found: Heads = {}
    for index, meters, registers, values in cbor2.loads(zlib.decompress(data)):
        meter = np.frombuffer(meters, "<u2").astype(np.int64)
        cells = registers * len(meter)
        width = "<i8" if len(values) == 8 * cells else "<i4"
        found[index] = Table(meter, np.frombuffer(values, width).astype(np.int64).reshape(
            registers, len(meter)))
    return found
