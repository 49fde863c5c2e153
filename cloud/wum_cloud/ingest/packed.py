"""Columns of a version 1 batch as arrays: what wum_shared.rows1 reads, no loop over readings.

Left out: what the numbers mean (opened.py). The structure (headings, cells) is read by the
contract's own code; its numbers, a section at a time, in NumPy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wum_cloud.ingest.bases.heads import Heads
from wum_cloud.ingest.cells import cells_of, read_cell_numbers, read_cells, unzigzag
from wum_cloud.ingest.runs import firsts_of, run_lengths, run_starts, steps
from wum_cloud.ingest.sections import Naturals, Numbers
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed
from wum_shared.headings import Heading, cell_lengths, lead_cells, read_headings
from wum_shared.messages import METERS_MAX, SEQUENCE_MAX, Schema
from wum_shared.packed import BY_METER, SIGNED

_STEP_MAX = np.uint64(2**56)     # Of sequence and meter: no sum of one step leaves 64 bits.


@dataclass(frozen=True, slots=True)
class Table:
    """One group as it was written: rows by meter, then by sequence; `values` columns x rows.

    The first column is captured-at, less the batch's base time; `sequence` counts from its first.
    """

    heading: Heading
    sequence: Numbers
    meter: Numbers
    values: Numbers


def read_rows(
        groups: object, columns: bytes, first_sequence: int, schema: Schema,
        heads: Heads | None = None,
) -> tuple[list[Table], Numbers, Numbers]:
    """(tables, places that have flags, counted over all readings, their flags).

    `heads` are those of its base where the batch is a delta. Raises Malformed.
    """
    headings, flag_cells, at = read_headings(groups, columns, schema)
    none = np.zeros(0, np.int64)
    if not headings:
        if columns:
            raise Malformed("batch columns: there are bytes, but no rows")
        return [], none, none
    cells = lead_cells(headings, flag_cells)
    lead, at = read_cell_numbers(columns, at, cells_of(cells))
    parts = []
    taken = 0
    for cell in cells:
        parts.append(lead[taken:taken + cell.length])
        taken += cell.length
    orders = [_order(heading, parts[2 * n], parts[2 * n + 1], first_sequence)
              for n, heading in enumerate(headings)]
    lengths: list[list[int]] = []
    for heading, order in zip(headings, orders, strict=True):
        lengths += cell_lengths(heading, order.lengths.tolist())
    found, at = read_cells(columns, at, lengths)
    numbers, at = read_cell_numbers(columns, at, found)
    if at != len(columns):
        raise Malformed("batch columns: %d bytes after the last column" % (len(columns) - at))
    tables = []
    taken = 0
    for heading, order in zip(headings, orders, strict=True):
        size = len(heading.forms) * heading.rows
        tables.append(Table(heading, order.sequence, order.meter, _values(
            heading, order, numbers[taken:taken + size], heads)))
        taken += size
    if not flag_cells:
        return tables, none, none
    return tables, *_flags(parts[-2], parts[-1], sum([
        (len(heading.forms) - 1) * heading.rows for heading in headings]))


@dataclass(frozen=True, slots=True)
class _Order:
    """How the rows of a group stand by meter; `ranks`: where each stands in order of sequence."""

    sequence: Numbers
    meter: Numbers
    ranks: Numbers
    lengths: Numbers


def _order(heading: Heading, sequences: Naturals, meters: Naturals, first: int) -> _Order:
    sequence = _summed(sequences, heading.sequence_bias, 1 - first, SEQUENCE_MAX - first,
                       "row sequence")
    if (steps(sequence) <= 0).any():
        raise Malformed("batch rows: out of order")
    meter = _summed(meters, heading.meter_bias, 0, METERS_MAX - 1, "row meter")
    ranks = meter.argsort(kind="stable")
    meter = meter[ranks]
    return _Order(sequence[ranks], meter, ranks, run_lengths(run_starts(meter), heading.rows))


def _summed(numbers: Naturals, bias: int, least: int, most: int, what: str) -> Numbers:
    if numbers.max() >= _STEP_MAX:
        raise Malformed("%s: wanted %d..%d" % (what, least, most))
    found = unzigzag(numbers) + bias
    found[0] -= bias
    found = found.cumsum()
    if found.min() < least or found.max() > most:
        raise Malformed("%s: wanted %d..%d" % (what, least, most))
    return found


def _values(
        heading: Heading, order: _Order, numbers: Naturals, bases: Heads | None) -> Numbers:
    forms = np.array(heading.forms, np.uint8)
    by_meter = (forms & BY_METER).astype(np.bool_)
    values = numbers.view(np.int64).reshape(len(forms), heading.rows)
    raw = numbers.reshape(values.shape)
    signed = (forms & SIGNED).nonzero()[0]
    taken = values.copy()
    taken[signed] = unzigzag(raw[signed])
    taken[0, 1:] += heading.time_bias       # But of heads, which are looked at in `raw`.
    table = np.empty_like(values)
    starts = firsts_of(order.lengths)
    for which, places in ((by_meter, starts), (~by_meter, np.zeros(1, np.int64))):
        if not which.any():
            continue
        heads = unzigzag(raw[which, :len(places)]).cumsum(axis=1)
        if bases is not None and places is starts:
            _rebase(heads, heading, order.meter[starts], raw[:, :len(starts)], bases)
        _check(heads)
        _check_steps(raw[which, len(places):], forms[which])
        own = _from_heads(heads, taken[which], places)
        _check(own)
        table[which] = own
    if raw[0].max() >= _STEP_MAX:    # Far out of range; with its bias the sum might wrap.
        raise Malformed("row captured-at: out of range")
    table[~by_meter] = table[~by_meter][:, order.ranks]
    return table


def _from_heads(heads: Numbers, taken: Numbers, starts: Numbers) -> Numbers:
    """Values of columns of which `heads` are known, and the steps behind them in `taken`."""
    rows = taken.shape[1]
    if len(starts) == rows:     # An hour: no segment has a second row.
        return heads
    if len(starts) == 1:
        taken[:, :1] = heads
        return taken.cumsum(axis=1)
    own = taken.take(_steps_at(starts, rows), axis=1)
    own[:, starts] = 0
    own = own.cumsum(axis=1)
    own += (heads - own[:, starts]).repeat(run_lengths(starts, rows), axis=1)
    return own


def _steps_at(starts: Numbers, rows: int) -> Numbers:
    """Where the step to each row stands behind as many heads as there are segments; those of
    segments' first rows mean nothing."""
    begins = np.zeros(rows, np.int64)
    begins[starts] = 1
    found: Numbers = np.arange(len(starts), len(starts) + rows) - begins.cumsum()
    return found


def _rebase(
        heads: Numbers, heading: Heading, meters: Numbers, told: Naturals, bases: Heads) -> None:
    """Heads of the registers of a delta, in place: steps from what its base left behind."""
    places = [place for place, form in enumerate(heading.forms) if form & BY_METER]
    table = bases.get(heading.register_set)
    for at, place in enumerate(places):
        if place:
            own = told[place:place + 1]
            if heading.forms[place] & SIGNED:
                step = unzigzag(own)[0]
            else:
                _check_steps(own, np.zeros(1, np.uint8))
                step = own[0].view(np.int64)
            heads[at] = step if table is None else step + table.of(meters)[place - 1]


def _check_steps(steps: Naturals, forms: NDArray[np.uint8]) -> None:
    """A step of 2**63 or more without a sign leaves the range from wherever it is taken."""
    unsigned = steps[(forms & SIGNED) == 0]
    if unsigned.size and unsigned.max() >= np.uint64(2**63):
        raise Malformed("columns: a value is out of range")


def _check(values: Numbers) -> None:
    # Sums wrap at 64 bits. A value in range plus a step of 64 bits that leaves the range still
    # leaves it after the wrap, so the first value that is out of range is always seen as such.
    if values.size and (values.min() < VALUE_MIN or values.max() > VALUE_MAX):
        raise Malformed("columns: a value is out of range")


def _flags(gaps: Naturals, less: Naturals, readings: int) -> tuple[Numbers, Numbers]:
    if gaps.max() >= np.uint64(readings) or less.max() >= np.uint64(65535):
        raise Malformed("flags: a place past the last reading, or a status past 65535")
    places = (gaps.astype(np.int64) + 1).cumsum() - 1
    if places[-1] >= readings:
        raise Malformed("flags: place %d is past the last reading" % places[-1])
    return places, less.astype(np.int64) + 1
