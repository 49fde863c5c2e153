"""Sections as arrays: the same numbers and the same refusals as the contract's own reader."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wum_cloud.ingest.sections import read_numbers
from wum_shared.errors import Malformed
from wum_shared.rice import ESCAPE, Section, read_section

_NUMBERS = st.one_of(
    st.integers(0, 100), st.integers(0, 2**64 - 1),
    st.sampled_from([ESCAPE - 1, ESCAPE, 2**32 - 1, 2**62, 2**63, 2**64 - 1]))
_LISTS = st.lists(st.tuples(st.lists(_NUMBERS, max_size=9), st.integers(0, 63)), max_size=6)


@given(_LISTS)
@settings(max_examples=500)
def test_what_was_written_is_read(lists: list[tuple[list[int], int]]) -> None:
    data = _written(lists)
    shape = [(len(numbers), k) for numbers, k in lists]
    assert _arrays(data, shape) == ([n for numbers, _ in lists for n in numbers], len(data))


@given(_LISTS, st.data())
@settings(max_examples=2000)
def test_damage_is_read_or_refused_as_by_the_contract(
        lists: list[tuple[list[int], int]], data: st.DataObject) -> None:
    damaged = bytearray(_written(lists))
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[:data.draw(st.integers(0, len(damaged)))])
    shape = [(len(numbers) + data.draw(st.integers(0, 1)), k) for numbers, k in lists]
    for raw in (bytes(damaged), cut):
        assert _arrays(raw, shape) == _reference(raw, shape)


def test_no_number_wraps_at_64_bits() -> None:
    for k in range(56, 64):
        for quotient in range(ESCAPE):
            stream = (1 << 31 - quotient).to_bytes(4, "big")[:quotient // 8 + 1]
            data = bytes([len(stream)]) + stream + bytes((k + 7) // 8)
            assert _arrays(data, [(1, k)]) == _reference(data, [(1, k)])
            assert (_arrays(data, [(1, k)]) is None) == (quotient << k >= 1 << 64)


def _written(lists: list[tuple[list[int], int]]) -> bytes:
    section = Section()
    for numbers, k in lists:
        section.append(numbers, k)
    return section.whole()


def _arrays(data: bytes, lists: list[tuple[int, int]]) -> tuple[list[int], int] | None:
    told = np.array(lists, np.int64).reshape(-1, 2)
    try:
        numbers, end = read_numbers(data, 0, told[:, 0], told[:, 1])
    except Malformed:
        return None
    return numbers.tolist(), end


def _reference(data: bytes, lists: list[tuple[int, int]]) -> tuple[list[int], int] | None:
    try:
        found, end = read_section(data, 0, lists)
    except Malformed:
        return None
    return [n for numbers in found for n in numbers], end
