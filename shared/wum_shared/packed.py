"""Columns of a version 1 batch: which cells there are, how each is coded, and the cells as numbers.

A cell is a list of steps of one column: the heads of its segments, or the steps within one of them.
Left out: rows and flags (rows1.py), bits (rice.py). Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed
from wum_shared.rice import (
    K_MAX,
    Section,
    append_leb,
    best_k,
    read_leb,
    read_section,
    unzigzag,
    zigzag,
)

HEAD_K, CHANGE_K, COUNT_K, GAPS_K = 3, 1, 3, 1   # Of the numbers that describe cells.
FORM_MAX = 2 * K_MAX + 2
_SPARSE_BITS = 6               # What a sparse cell costs beside its numbers, about.
SIGNED, BY_METER = 1, 2        # How a column is written.


class Cell(namedtuple("Cell", ("length", "k", "gaps_k", "count"))):
    """How `length` numbers stand in a section: `count` of them are listed, the others are 0.

    `gaps_k` is None where all are listed; else the distances between those listed come first.
    """

    __slots__ = ()
    length: int
    k: int
    gaps_k: int | None
    count: int

    def lists(self) -> list[tuple[int, int]]:
        """What a section holds of this cell, as read_section wants it."""
        if not self.count:
            return []
        if self.gaps_k is None:
            return [(self.count, self.k)]
        return [(self.count, self.gaps_k), (self.count, self.k)]

    def form(self) -> int:
        """0: nothing is listed; 1 + 2k: everything is; 2 + 2k: some, with their distances."""
        return 0 if not self.count else 2 * self.k + (1 if self.gaps_k is None else 2)


def coded(
        numbers: list[int], *, may_be_sparse: bool = True) -> tuple[Cell, list[list[int]], int]:
    """(cell, lists, bits): the shorter of all numbers, or those that are not 0."""
    listed = [number for number in numbers if number]
    if not listed:
        return Cell(len(numbers), 0, None, 0), [], 0
    k, bits = best_k(numbers)
    if may_be_sparse and 4 * len(listed) < 3 * len(numbers):
        gaps = gaps_of([at for at, number in enumerate(numbers) if number])
        gaps_k, gaps_bits = best_k(gaps)
        few_k, few_bits = best_k(listed)
        if gaps_bits + few_bits + _SPARSE_BITS < bits:
            return (Cell(len(numbers), few_k, gaps_k, len(listed)), [gaps, listed],
                    gaps_bits + few_bits + _SPARSE_BITS)
    return Cell(len(numbers), k, None, len(numbers)), [numbers], bits


def commonest(steps: list[int]) -> int:
    """The commonest step, of equals the smallest; 0 where there is none."""
    counts: dict[int, int] = {}
    for step in steps:
        counts[step] = counts.get(step, 0) + 1
    usual = most = 0
    for step, count in counts.items():     # Any order: of equal counts the smallest step wins.
        if count > most or (count == most and step < usual):
            usual, most = step, count
    return usual


def append_lists(section: Section, cell: Cell, lists: list[list[int]]) -> None:
    """Append what is listed of a cell."""
    for at, (_, k) in enumerate(cell.lists()):
        section.append(lists[at], k)


def gaps_of(places: list[int]) -> list[int]:
    """Rising places as the number of those left out before each."""
    return [place - (places[at - 1] + 1 if at else 0) for at, place in enumerate(places)]


def spread(cell: Cell, lists: list[list[int]]) -> list[int]:
    """The numbers of a cell from the lists that a section held of it. Raises Malformed."""
    if cell.gaps_k is None and cell.count:
        return lists[0]
    numbers = [0] * cell.length
    if cell.count:
        place = -1
        for at, number in enumerate(lists[1]):
            place += lists[0][at] + 1
            if place >= cell.length:
                raise Malformed("columns: place %d in a cell of %d" % (place, cell.length))
            numbers[place] = number
    return numbers


def column_cells(
        values: list[int], lengths: list[int], bias: int, *, signed: bool,
        bases: list[int] | None = None,
) -> tuple[list[tuple[Cell, list[list[int]], int]], int]:
    """(cells, bits): heads of the segments of `lengths`, then the steps of each that has any.

    With `bases`, one for each segment, a head is a step from there.
    """
    heads = []
    parts = []
    at = before = 0
    for place, length in enumerate(lengths):
        if bases is None:
            heads.append(zigzag(values[at] - before))
            before = values[at]
        else:
            step = values[at] - bases[place]
            heads.append(zigzag(step) if signed else step)
        if length > 1:
            steps = [values[n] - values[n - 1] - bias for n in range(at + 1, at + length)]
            parts.append(coded([zigzag(step) for step in steps] if signed else steps))
        at += length
    cells = [coded(heads)] + parts
    # A cell's form takes some 2 bits, as it is like the one before.
    return cells, sum([bits + 2 for _, _, bits in cells])


def column_values(
        cells: list[list[int]], lengths: list[int], bias: int, *, signed: bool,
        bases: list[int] | None = None) -> list[int]:
    """The reverse of column_cells, from the numbers of each cell. Raises Malformed."""
    values = []
    head = 0
    taken = 1
    for at, length in enumerate(lengths):
        if bases is None:
            head += unzigzag(cells[0][at])
        else:
            head = bases[at] + (unzigzag(cells[0][at]) if signed else cells[0][at])
        value = _in_range(head)
        values.append(value)
        if length > 1:
            for number in cells[taken]:
                value = _in_range(value + bias + (unzigzag(number) if signed else number))
                values.append(value)
            taken += 1
    return values


def _in_range(value: int) -> int:
    if not VALUE_MIN <= value <= VALUE_MAX:
        raise Malformed("columns: value %d is out of range" % value)
    return value


def write_cells(out: bytearray, columns: list[list[tuple[Cell, list[list[int]], int]]]) -> None:
    """Append three sections: forms of all cells, counts of the sparse ones, numbers."""
    forms, counts, numbers = Section(), Section(), Section()
    sparse = []
    for cells in columns:
        before = None
        for at, (cell, lists, _) in enumerate(cells):
            form = cell.form()
            if at < 2:
                forms.append([form], HEAD_K)
            else:
                assert before is not None
                forms.append([zigzag(form - before)], CHANGE_K)
            before = form
            if form and not form & 1:
                sparse.append(cell)
            append_lists(numbers, cell, lists)
    counts.append([cell.count - 1 for cell in sparse], COUNT_K)
    counts.append([cell.gaps_k or 0 for cell in sparse], GAPS_K)
    out.extend(forms.whole() + counts.whole() + numbers.whole())


def read_cells(data: bytes, at: int, lengths: list[list[int]]) -> tuple[list[list[Cell]], int]:
    """The cells of each column, whose lengths are known, and where their numbers begin.

    Raises Malformed.
    """
    lists = []
    for column in lengths:
        lists += [(min(2, len(column)), HEAD_K), (max(0, len(column) - 2), CHANGE_K)]
    read, at = read_section(data, at, lists)
    forms = []
    for place in range(0, len(read), 2):
        form = 0
        for form in read[place]:
            forms.append(_form(form))
        for change in read[place + 1]:
            form = _form(form + unzigzag(change))
            forms.append(form)
    sparse = len([form for form in forms if form and not form & 1])
    counts, at = read_section(data, at, [(sparse, COUNT_K), (sparse, GAPS_K)])
    columns = []
    taken = told = 0
    for column in lengths:
        cells = []
        for length in column:
            form = forms[taken]
            taken += 1
            if form and not form & 1:
                cells.append(sparse_cell(length, form, counts[0][told] + 1, counts[1][told]))
                told += 1
            else:
                cells.append(whole_cell(length, form))
        columns.append(cells)
    return columns, at


def _form(form: int) -> int:
    if not 0 <= form <= FORM_MAX:
        raise Malformed("columns: form %d of a cell, wanted 0..%d" % (form, FORM_MAX))
    return form


def whole_cell(length: int, form: int) -> Cell:
    """The cell of a form that lists nothing or everything."""
    return Cell(length, (form - 1) >> 1, None, length) if form else Cell(length, 0, None, 0)


def sparse_cell(length: int, form: int, count: int, gaps_k: int) -> Cell:
    """The cell of a form that lists some. Raises Malformed."""
    if not 1 <= count <= length or not gaps_k <= K_MAX:
        raise Malformed("columns: %d numbers listed in a cell of %d, k %d" % (
            count, length, gaps_k))
    return Cell(length, (form - 2) >> 1, gaps_k, count)


def append_cell(out: bytearray, cell: Cell) -> None:
    """Append one cell's form in LEB128, its count and k of distances where it is sparse."""
    append_leb(out, cell.form())
    if cell.count and cell.gaps_k is not None:
        append_leb(out, cell.count - 1)
        append_leb(out, cell.gaps_k)


def read_cell(data: bytes, at: int, length: int) -> tuple[Cell, int]:
    """The reverse of append_cell, and where it ends. Raises Malformed."""
    form, at = read_leb(data, at)
    _form(form)
    if not form or form & 1:
        return whole_cell(length, form), at
    less, at = read_leb(data, at)
    gaps_k, at = read_leb(data, at)
    return sparse_cell(length, form, less + 1, gaps_k), at
