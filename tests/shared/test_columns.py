"""Columns of integers: every value comes back, every other spelling of it is refused."""

from tests.portable import raises
from wum_shared.columns import VALUE_MAX, VALUE_MIN, append_column, read_column
from wum_shared.errors import Malformed


def written(numbers):
    out = bytearray()
    append_column(out, numbers)
    return bytes(out)


def test_a_column_is_its_first_number_and_then_differences():
    assert written([0, 1, 0, 3, 3]) == b"\x00\x02\x01\x06\x00"
    assert written([-1, -2]) == b"\x01\x01"
    assert written([63, 127, 63]) == b"\x7e\x80\x01\x7f"
    assert written([-64, 0]) == b"\x7f\x80\x01"
    assert written([]) == b""


def test_every_edge_of_the_range_comes_back():
    edges = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2**31, -2**31, 2**53, VALUE_MAX, VALUE_MIN]
    column = []
    for a in edges:
        for b in edges:
            column += [a, b]
    data = written(column)
    assert read_column(data, 0, len(column)) == (column, len(data))


def test_the_widest_step_takes_ten_bytes():
    assert len(written([VALUE_MIN, VALUE_MAX])) == 9 + 10
    assert len(written([VALUE_MAX, VALUE_MIN])) == 9 + 10


def test_columns_stand_one_after_the_other():
    out = bytearray()
    append_column(out, [5, 6])
    append_column(out, [1000, -1000, 0])
    first, at = read_column(bytes(out), 0, 2)
    second, end = read_column(bytes(out), at, 3)
    assert (first, second, end) == ([5, 6], [1000, -1000, 0], len(out))


def test_a_number_out_of_range_is_a_mistake_of_the_caller():
    raises(AssertionError, lambda: written([VALUE_MAX + 1]))
    raises(AssertionError, lambda: written([VALUE_MIN - 1]))


def test_a_value_that_leaves_the_range_is_refused():
    for data in (written([VALUE_MAX]) + b"\x02", written([VALUE_MIN]) + b"\x01",
                 b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"):
        assert "out of range" in raises(Malformed, lambda data=data: read_column(data, 0, 2))


def test_every_cut_is_refused():
    data = written([0, 300, -70000, VALUE_MAX])
    for size in range(len(data)):
        assert "end after" in raises(
            Malformed, lambda size=size: read_column(data[:size], 0, 4))


def test_a_longer_spelling_of_a_number_is_refused():
    for data in (b"\x80\x00", b"\x81\x80\x00", b"\xff\xff\x00"):
        assert "shortest form" in raises(Malformed, lambda data=data: read_column(data, 0, 1))
    assert "longer than 10 bytes" in raises(Malformed, lambda: read_column(b"\x80" * 11, 0, 1))
    raises(Malformed, lambda: read_column(b"\xff" * 9 + b"\x7f", 0, 1))
