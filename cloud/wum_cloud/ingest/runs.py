"""Steps and runs in arrays, without what NumPy's own functions cost on the short arrays of an hour.

An hourly batch has 64 rows and takes some hundred array operations: there the price is the call,
and np.diff with an edge is twenty of them. Left out: what the numbers mean.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def steps(numbers: Numbers) -> Numbers:
    """From each number to the next."""
    return numbers[1:] - numbers[:-1]


def run_starts(numbers: Numbers) -> Numbers:
    """Where a run of equal numbers begins; there must be one number at least."""
    begins = np.empty(len(numbers), np.bool_)
    begins[0] = True
    np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
    return begins.nonzero()[0]


def run_lengths(starts: Numbers, total: int) -> Numbers:
    """How long the runs are that begin at `starts`, of `total` numbers."""
    lengths = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=lengths[:-1])
    lengths[-1] = total - starts[-1]
    return lengths


def firsts_of(lengths: Numbers) -> Numbers:
    """Where each run begins, of runs of these lengths, one after the other."""
    return lengths.cumsum() - lengths


def interleaved(left: Numbers, right: Numbers) -> Numbers:
    """left[0], right[0], left[1], right[1] ..."""
    both = np.empty(2 * len(left), np.int64)
    both[::2] = left
    both[1::2] = right
    return both
