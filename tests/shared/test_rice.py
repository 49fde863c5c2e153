"""Sections of Rice-coded numbers: every number comes back, every damage is refused."""

from tests.portable import raises
from wum_shared.errors import Malformed
from wum_shared.rice import (
    ESCAPE,
    K_MAX,
    Section,
    append_leb,
    best_k,
    coded_bits,
    read_leb,
    read_section,
    unzigzag,
    zigzag,
)


def written(lists):
    section = Section()
    for numbers, k in lists:
        section.append(numbers, k)
    return section.whole()


def read_again(lists):
    data = written(lists)
    found, end = read_section(data, 0, [(len(numbers), k) for numbers, k in lists])
    assert end == len(data)
    return found


def test_quotients_and_remainders_stand_apart():
    # 5 = 1 * 4 + 1, 2 = 0 * 4 + 2, 9 = 2 * 4 + 1: quotients 01 1 001, remainders 01 10 01.
    assert written([([5, 2, 9], 2)]) == bytes([1, 0b01100100, 0b01100100])
    assert written([]) == b"\x00"
    assert written([([0, 0, 0], 0)]) == bytes([1, 0b11100000])


def test_every_edge_comes_back_with_every_k():
    edges = [0, 1, 2, ESCAPE - 1, ESCAPE, ESCAPE + 1, 2**31, 2**32, 2**62, 2**63, 2**64 - 1]
    lists = [(edges, k) for k in range(K_MAX + 1)]
    assert read_again(lists) == [edges] * (K_MAX + 1)


def test_a_huge_number_costs_a_bounded_escape():
    assert len(written([([2**64 - 1], 0)])) == 1 + 4 + 8
    assert written([([ESCAPE], 0)]) == b"\x04" + bytes(3) + b"\x80" + bytes(7) + bytes([ESCAPE])


def test_an_escape_without_need_and_one_past_64_bits_are_refused():
    short = b"\x04" + bytes(3) + b"\x80"
    for k, high in ((0, ESCAPE - 1), (8, 1 << 56)):
        data = short + bytes(k // 8) + high.to_bytes(8, "big")
        assert "is escaped" in raises(Malformed, lambda data=data, k=k: read_section(
            data, 0, [(1, k)]))
    longer = b"\x04" + bytes(3) + b"\x40" + bytes(7) + bytes([ESCAPE])
    assert "wanted at most 24" in raises(Malformed, lambda: read_section(longer, 0, [(1, 0)]))


def test_a_number_that_is_not_escaped_is_no_longer_than_64_bits():
    for k in range(56, K_MAX + 1):
        for quotient in range(ESCAPE):
            stream = (1 << 31 - quotient).to_bytes(4, "big")[:quotient // 8 + 1]
            data = bytes([len(stream)]) + stream + bytes((k + 7) // 8)
            if quotient << k < 1 << 64:
                assert read_section(data, 0, [(1, k)]) == ([[quotient << k]], len(data))
            else:
                assert "longer than 64 bits" in raises(Malformed, lambda d=data, k=k: read_section(
                    d, 0, [(1, k)]))


def test_every_cut_is_refused():
    data = written([([3, 70, 2**40, 0], 5), ([1], 1)])
    for size in range(len(data)):
        raises(Malformed, lambda size=size: read_section(data[:size], 0, [(4, 5), (1, 1)]))


def test_a_count_that_is_not_there_is_refused_before_anything_is_built():
    assert "numbers in 1 bytes" in raises(
        Malformed, lambda: read_section(b"\x01\xff", 0, [(2**60, 0)]))
    for count in (2, 4):
        raises(Malformed, lambda count=count: read_section(b"\x01\xe0", 0, [(count, 0)]))


def test_a_stream_that_is_not_filled_up_with_zeros_is_refused():
    raises(Malformed, lambda: read_section(bytes([1, 0b10000000, 0b11000000]), 0, [(1, 1)]))
    raises(Malformed, lambda: read_section(bytes([2, 0b10000000, 0]), 0, [(1, 0)]))


def test_the_best_k_is_the_shortest():
    for numbers in ([0], [1], [5, 9, 1, 0], [1000, 1010, 990], [0] * 20 + [2**50], [2**64 - 1],
                    list(range(64))):
        k, bits = best_k(numbers)
        assert bits == coded_bits(numbers, k)
        assert bits <= coded_bits(numbers, max(0, k - 1))
        assert bits <= coded_bits(numbers, min(K_MAX, k + 1))


def test_zigzag_and_leb128_come_back():
    for number in (0, -1, 1, 63, -64, 2**53, -2**53, 2**62 - 1):
        assert unzigzag(zigzag(number)) == number
        out = bytearray()
        append_leb(out, zigzag(number))
        assert read_leb(bytes(out), 0) == (zigzag(number), len(out))
    for data in (b"", b"\x80", b"\x80\x00", b"\x80" * 10):
        raises(Malformed, lambda data=data: read_leb(data, 0))
