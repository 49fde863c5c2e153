"""Register words become scaled integers, exactly; what is no number becomes nothing."""

from struct import pack, unpack

from tests.portable import raises
from wum_edge.meters.scaling import (
    WORD_ORDERS,
    Scale,
    raw_number,
    scale_from_text,
    scaled,
)
from wum_shared.errors import Malformed

ONE = Scale(1, 0)


def words_of(data):
    return unpack(">%dH" % (len(data) // 2), data)


def float32(bits, scale=ONE, scaler=0):
    return scaled(bits, "float32", scale, scaler)


def test_words_join_high_word_first_or_low_word_first():
    assert raw_number((0x1234, 0x5678), "big") == 0x12345678
    assert raw_number((0x5678, 0x1234), "little-word") == 0x12345678
    assert raw_number((1, 2, 3, 4), "big") == 0x0001000200030004
    assert raw_number((4, 3, 2, 1), "little-word") == 0x0001000200030004
    assert raw_number((7,), "little-word") == 7


def test_all_four_orders_of_the_bytes_give_the_same_number():
    for order, words in (("big", (0x1234, 0x5678)), ("little-word", (0x5678, 0x1234)),
                         ("little-byte", (0x3412, 0x7856)), ("little", (0x7856, 0x3412))):
        assert raw_number(words, order) == 0x12345678, order
    assert raw_number((0x7856, 0x3412, 0xBC9A, 0xF0DE), "little") == 0xDEF09ABC12345678
    assert raw_number((0x0700,), "little-byte") == 7
    assert len(WORD_ORDERS) == 4


def test_integers_of_every_width_keep_their_sign():
    for name, form, least, most in (
            ("uint16", ">H", 0, 2**16 - 1), ("int16", ">h", -(2**15), 2**15 - 1),
            ("uint32", ">I", 0, 2**32 - 1), ("int32", ">i", -(2**31), 2**31 - 1)):
        for value in (least, least + 1, 0, 1, most - 1, most):
            raw = raw_number(words_of(pack(form, value)), "big")
            assert scaled(raw, name, ONE, 0) == value, (name, value)


def test_64_bit_integers_keep_their_sign_up_to_the_contracts_range():
    for value in (0, 1, 2**62 - 1, 2**40):
        assert scaled(raw_number(words_of(pack(">Q", value)), "big"), "uint64", ONE, 0) == value
    for value in (-1, -(2**62), 2**62 - 1):
        assert scaled(raw_number(words_of(pack(">q", value)), "big"), "int64", ONE, 0) == value


def test_what_leaves_the_contracts_range_is_nothing():
    assert scaled(2**62, "uint64", ONE, 0) is None
    assert scaled(2**64 - 1, "uint64", ONE, 0) is None
    assert scaled(2**62 - 1, "uint64", ONE, 0) == 2**62 - 1
    assert scaled(2**63, "int64", ONE, 0) is None            # -2**63.
    assert scaled(2**61, "uint64", Scale(1, 1), 0) is None


def test_scales_apply_exactly():
    assert scaled(2301, "uint16", scale_from_text("0.1"), -1) == 2301
    assert scaled(2301, "uint16", scale_from_text("0.1"), -3) == 230100
    assert scaled(123456, "uint32", scale_from_text("10"), 1) == 123456
    assert scaled(5, "uint16", scale_from_text("0.1"), 0) == 0     # A half goes to the even one.
    assert scaled(15, "uint16", scale_from_text("0.1"), 0) == 2
    assert scaled(7, "uint16", scale_from_text("-1"), 0) == -7


def test_scales_are_read_from_decimals():
    for text, scale in (("1", (1, 0)), ("1000", (1, 3)), ("0.001", (1, -3)), ("2.50", (25, -1)),
                        ("-0.1", (-1, -1)), ("100.0", (1, 2))):
        assert tuple(scale_from_text(text)) == scale
    for text in ("", ".", "1.", ".5", "0", "0.0", "1e3", "--1", "+1", "1,5", "one", "1 ", "-",
                 "1234567890123456789"):
        assert "scale" in raises(Malformed, lambda text=text: scale_from_text(text))


def test_floats_become_integers_without_a_float_on_the_way():
    assert float32(0x43660000) == 230                          # 230.0
    assert float32(0x43661999, ONE, -1) == 2301                # 230.09999
    assert float32(0x3F800000, Scale(1, 3), 0) == 1000         # 1.0 kWh.
    assert float32(0xC3660000) == -230
    assert float32(0x00000000) == 0
    assert float32(0x80000000) == 0                            # -0.0
    assert float32(0x00000001, ONE, -9) == 0                   # The smallest of all.
    assert float32(0x4B800000) == 16777216
    assert float32(0x4B800001) == 16777218                     # A 32-bit float loses nothing here.
    assert scaled(0x40F86A0000000000, "float64", ONE, -3) == 100000000
    assert scaled(0x3FB999999999999A, "float64", ONE, -1) == 1  # 0.1
    assert scaled(0x433FFFFFFFFFFFFF, "float64", ONE, 0) == 2**53 - 1


def test_a_half_goes_to_the_even_number():
    assert float32(0x3F000000) == 0        # 0.5
    assert float32(0x3FC00000) == 2        # 1.5
    assert float32(0x40200000) == 2        # 2.5
    assert float32(0xBF000000) == 0        # -0.5
    assert float32(0xBFC00000) == -2       # -1.5


def test_what_is_no_number_is_nothing():
    for bits in (0x7FC00000, 0xFFC00000, 0x7F800001, 0x7FFFFFFF, 0x7F800000, 0xFF800000):
        assert float32(bits) is None
    for bits in (0x7FF8000000000000, 0x7FF0000000000000, 0xFFF0000000000000,
                 0x7FF0000000000001):
        assert scaled(bits, "float64", ONE, 0) is None
    # Not even where the scale is so small that their bits would make a number.
    assert float32(0x7F800001, scale_from_text("0.00000000000000001"), 9) is None
    assert float32(0x7F000001, scale_from_text("0.00000000000000001"), 9) is not None


def test_a_float_past_the_contracts_range_is_nothing():
    assert float32(0x5E800000) is None                 # 2**62.
    assert float32(0x5E7FFFFF) == (2**24 - 1) << 38
    assert float32(0xDE800000) == -(2**62)
    assert float32(0x7F7FFFFF) is None                 # The largest of all.
    assert scaled(0x7FEFFFFFFFFFFFFF, "float64", ONE, -9) is None
