"""Cells of a version 1 batch as arrays: the layout of wum_shared/packed.py, all cells at once.

Left out: what stands in the cells (packed.py) and their bits (sections.py).
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from wum_cloud.ingest.runs import firsts_of, interleaved
from wum_cloud.ingest.sections import Naturals, Numbers, read_numbers
from wum_shared.errors import Malformed
from wum_shared.packed import CHANGE_K, COUNT_K, FORM_MAX, GAPS_K, HEAD_K, Cell
from wum_shared.rice import K_MAX

_ONE = np.uint64(1)
_TOLD_MAX = np.uint64(2**20)     # Forms, counts and k's are far below; sums of them do not wrap.


@dataclass(frozen=True, slots=True)
class Cells:
    """wum_shared.packed.Cell as columns; `sparse` where gaps_k means something."""

    length: Numbers
    k: Numbers
    sparse: NDArray[np.bool_]
    gaps_k: Numbers
    count: Numbers


def cells_of(cells: list[Cell]) -> Cells:
    """A few cells that were read one by one."""
    table = np.array([(c.length, c.k, c.gaps_k is not None, c.gaps_k or 0, c.count)
                      for c in cells], np.int64)
    return Cells(table[:, 0], table[:, 1], table[:, 2].astype(np.bool_), table[:, 3], table[:, 4])


def read_cells(data: bytes, at: int, lengths: list[list[int]]) -> tuple[Cells, int]:
    """The cells of all columns, whose lengths are known, and where their numbers begin.

    Raises Malformed where wum_shared.packed.read_cells does.
    """
    sizes = np.array([len(column) for column in lengths], np.int64)
    length = np.fromiter(chain.from_iterable(lengths), np.int64)
    firsts = firsts_of(sizes)
    heads = np.minimum(sizes, 2)
    ks = np.empty(2 * len(sizes), np.int64)
    ks[::2], ks[1::2] = HEAD_K, CHANGE_K
    told, at = read_numbers(data, at, interleaved(heads, sizes - heads), ks)
    form = _forms(told, firsts, sizes)
    sparse = (form > 0) & (form & 1 == 0)
    few = int(sparse.sum())
    told, at = read_numbers(data, at, np.array([few, few]), np.array([COUNT_K, GAPS_K]))
    if (told[:few] >= length[sparse].astype(np.uint64)).any() or (
            told[few:] > np.uint64(K_MAX)).any():
        raise Malformed("columns: more numbers listed than a cell has, or k past %d" % K_MAX)
    count = np.where(form > 0, length, 0)
    count[sparse] = told[:few].astype(np.int64) + 1
    gaps_k = np.zeros(len(form), np.int64)
    gaps_k[sparse] = told[few:].astype(np.int64)
    return Cells(length, np.maximum(form - 1, 0) >> 1, sparse, gaps_k, count), at


def _forms(told: Naturals, firsts: Numbers, sizes: Numbers) -> Numbers:
    if told.max() > _TOLD_MAX:
        raise Malformed("columns: form of a cell, wanted 0..%d" % FORM_MAX)
    steps = unzigzag(told)
    starts = np.concatenate([firsts, firsts[sizes > 1] + 1])
    steps[starts] = told[starts].astype(np.int64)
    sums = steps.cumsum()
    form: Numbers = sums - sums[firsts].repeat(sizes)
    form[firsts] = steps[firsts]
    if form.min() < 0 or form.max() > FORM_MAX:
        raise Malformed("columns: form of a cell, wanted 0..%d" % FORM_MAX)
    return form


def read_cell_numbers(data: bytes, at: int, cells: Cells) -> tuple[Naturals, int]:
    """The numbers of all cells of one section, one cell after the other, and where it ends.

    Raises Malformed.
    """
    counts, sparse = cells.count, cells.sparse
    whole = counts > 0
    is_sparse = bool(sparse.any())
    if not is_sparse:
        listed, at = read_numbers(data, at, counts, cells.k)
        if whole.all():
            return listed, at
        gaps = listed[:0]
    else:                                          # A sparse cell lists distances first.
        both = interleaved(np.where(sparse, counts, 0), counts)
        listed, at = read_numbers(data, at, both, interleaved(cells.gaps_k, cells.k))
        is_gap = np.zeros(len(both), np.bool_)
        is_gap[::2] = True
        is_gap = is_gap.repeat(both)
        gaps, listed = listed[is_gap.nonzero()[0]], listed[(~is_gap).nonzero()[0]]
        whole &= ~sparse
    told = whole.repeat(cells.length)
    if is_sparse:
        told[_scattered(gaps, counts[sparse], firsts_of(cells.length)[sparse],
                        cells.length[sparse])] = True
    numbers = np.zeros(len(told), np.uint64)
    # Places rise within a cell, and from each cell to the next. By number: half of a mask's time.
    numbers[told.nonzero()[0]] = listed
    return numbers, at


def unzigzag(numbers: Naturals) -> Numbers:
    """0, 1, 2, 3 ... as 0, -1, 1, -2 ..."""
    return (numbers >> _ONE).view(np.int64) ^ -(numbers & _ONE).view(np.int64)


def _scattered(gaps: Naturals, counts: Numbers, firsts: Numbers, lengths: Numbers) -> Numbers:
    if (gaps >= lengths.repeat(counts).view(np.uint64)).any():
        raise Malformed("columns: a place past the end of a cell")
    places = (gaps.view(np.int64) + 1).cumsum()
    ends = counts.cumsum()
    shifts = firsts - 1
    shifts[1:] -= places[ends[:-1] - 1]
    places += shifts.repeat(counts)
    if (places[ends - 1] >= firsts + lengths).any():
        raise Malformed("columns: a place past the end of a cell")
    return places
