"""Cells and columns of version 1: each shape of column comes back from the form that suits it."""

from tests.portable import raises
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed
from wum_shared.packed import (
    Cell,
    append_cell,
    coded,
    column_cells,
    column_values,
    read_cell,
    read_cells,
    spread,
    write_cells,
)
from wum_shared.rice import read_section


def column_again(values, lengths, *, bias=0, signed=True):
    cells = column_cells(values, lengths, bias, signed=signed)[0]
    out = bytearray()
    write_cells(out, [cells])
    found, at = read_cells(bytes(out), 0, [[cell.length for cell, _, _ in cells]])
    assert found == [[cell for cell, _, _ in cells]]
    lists = []
    for cell in found[0]:
        lists += cell.lists()
    read, end = read_section(bytes(out), at, lists)
    assert end == len(out)
    numbers = []
    for cell in found[0]:
        size = len(cell.lists())
        numbers.append(spread(cell, read[:size]))
        read = read[size:]
    return column_values(numbers, lengths, bias, signed=signed), len(out)


def test_a_column_that_stands_still_costs_its_first_value():
    values, size = column_again([1000] * 500, [500], signed=False)
    assert values == [1000] * 500
    assert size <= 12


def test_a_counter_that_rests_at_night_lists_only_where_it_moved():
    cell, lists, _ = coded([0] * 12 + [300, 420, 0, 380] + [0] * 8)
    assert cell == Cell(24, 8, 1, 3)
    assert lists == [[12, 0, 1], [300, 420, 380]]
    assert spread(cell, lists) == [0] * 12 + [300, 420, 0, 380] + [0] * 8


def test_every_edge_of_the_range_comes_back():
    edges = [0, 1, -1, 2**31, -2**31, VALUE_MAX, VALUE_MIN]
    values = []
    for a in edges:
        for b in edges:
            values += [a, b]
    for lengths in ([98], [1] * 98, [1, 47, 50]):
        assert column_again(values, lengths)[0] == values


def test_a_value_that_leaves_the_range_is_refused():
    for first, step in ((VALUE_MAX, 2), (VALUE_MIN, 1)):
        head = first << 1 if first > 0 else (-first << 1) - 1
        raises(Malformed, lambda head=head, step=step: column_values(
            [[head], [step]], [2], 0, signed=True))


def test_a_cell_comes_back_and_an_impossible_one_is_refused():
    for cell in (Cell(9, 0, None, 0), Cell(9, 63, None, 9), Cell(9, 5, 2, 4),
                 Cell(200, 63, 63, 200)):
        out = bytearray()
        append_cell(out, cell)
        assert read_cell(bytes(out), 0, cell.length) == (cell, len(out))
    for data in (b"\x81\x01", b"\x02\x09\x00", b"\x02\x00\x40", b"\x02"):
        raises(Malformed, lambda data=data: read_cell(data, 0, 9))


def test_a_place_past_the_end_of_a_cell_is_refused():
    assert spread(Cell(3, 0, 0, 1), [[2], [7]]) == [0, 0, 7]
    raises(Malformed, lambda: spread(Cell(3, 0, 0, 1), [[3], [7]]))
    raises(Malformed, lambda: spread(Cell(3, 0, 0, 2), [[1, 1], [7, 7]]))
