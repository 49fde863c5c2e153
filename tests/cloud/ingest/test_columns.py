"""Columns as arrays: the same numbers and the same refusals as the contract's column reader."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wum_cloud.ingest.columns import read_tables
from wum_shared.columns import VALUE_MAX, VALUE_MIN, append_column, read_column
from wum_shared.errors import Malformed

_ANY_STEP = st.one_of(
    st.integers(-100, 100), st.integers(-(2**64), 2**64),
    st.sampled_from([VALUE_MIN, VALUE_MAX, 2**62, 2**63, 2**63 - 1, -(2**63), -(2**63) - 1]))


@given(st.lists(st.integers(VALUE_MIN, VALUE_MAX), min_size=1, max_size=50))
def test_what_was_written_is_read(numbers: list[int]) -> None:
    data = bytearray()
    append_column(data, numbers)
    assert read_tables(bytes(data), [(1, len(numbers))])[0].tolist() == [numbers]


@given(st.lists(_ANY_STEP, min_size=1, max_size=8))
@settings(max_examples=2000)
def test_any_steps_are_read_or_refused_as_by_the_contract(steps: list[int]) -> None:
    data = b"".join([_varint(step) for step in steps])
    assert _arrays(data, len(steps)) == _reference(data, len(steps))


@given(st.binary(max_size=24), st.integers(0, 24))
@settings(max_examples=2000)
def test_any_bytes_are_read_or_refused_as_by_the_contract(data: bytes, count: int) -> None:
    assert _arrays(data, count) == _reference(data, count)


@pytest.mark.parametrize("step", [2**63 - 1, -(2**63), 2**62, -(2**62) - 1])
def test_a_value_that_wraps_at_64_bits_is_out_of_range(step: int) -> None:
    """The largest and the smallest value, moved out of the range by as much as 64 bits allow."""
    for start in (VALUE_MAX, VALUE_MIN):
        if not VALUE_MIN <= start + step <= VALUE_MAX:
            with pytest.raises(Malformed, match="out of range"):
                read_tables(_varint(start) + _varint(step) + _varint(1), [(1, 3)])


def test_tables_stand_one_after_the_other() -> None:
    data = bytearray()
    for column in ([1, 2], [3, 4], [5]):
        append_column(data, column)
    first, second = read_tables(bytes(data), [(2, 2), (1, 1)])
    assert np.array_equal(first, [[1, 2], [3, 4]])
    assert np.array_equal(second, [[5]])


def _varint(step: int) -> bytes:
    zigzag = step << 1 if step >= 0 else ((-step) << 1) - 1
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def _arrays(data: bytes, count: int) -> list[int] | None:
    try:
        return [int(n) for n in read_tables(data, [(1, count)])[0][0]]
    except Malformed:
        return None


def _reference(data: bytes, count: int) -> list[int] | None:
    try:
        numbers, at = read_column(data, 0, count)
    except Malformed:
        return None
    return numbers if at == len(data) else None
