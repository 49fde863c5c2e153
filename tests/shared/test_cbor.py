"""Strict CBOR: what is written, what comes back, and what is refused by name."""

from binascii import unhexlify

from tests.portable import raises
from wum_shared import cbor
from wum_shared.errors import Malformed

PAIRS = (  # From RFC 8949, appendix A.
    (0, "00"), (23, "17"), (24, "1818"), (255, "18ff"), (256, "190100"), (65535, "19ffff"),
    (65536, "1a00010000"), (2**32 - 1, "1affffffff"), (2**32, "1b0000000100000000"),
    (2**64 - 1, "1bffffffffffffffff"), (-1, "20"), (-24, "37"), (-25, "3818"),
    (-2**64, "3bffffffffffffffff"), (b"", "40"), (b"\x01\x02\x03\x04", "4401020304"),
    ("", "60"), ("a", "6161"), ("\u00fc", "62c3bc"), ("\u6c34", "63e6b0b4"), ([], "80"),
    ([1, [2, 3], [4, 5]], "8301820203820405"), (False, "f4"), (True, "f5"), (None, "f6"),
    ({}, "a0"), ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
)


def refused(hexadecimal, **limits):
    return raises(Malformed, lambda: cbor.decode(unhexlify(hexadecimal), **limits))


def test_values_have_the_bytes_of_the_standard_in_both_directions():
    for value, hexadecimal in PAIRS:
        assert cbor.encode(value) == unhexlify(hexadecimal), value
        assert cbor.decode(unhexlify(hexadecimal)) == value, hexadecimal


def test_types_come_back_exactly():
    for value in (True, False, 1, 0, b"a", "a", [], {}):
        assert type(cbor.decode(cbor.encode(value))) is type(value)


def test_a_tuple_a_bytearray_and_a_record_are_written_as_array_and_bytes():
    assert cbor.encode((1, bytearray(b"a"))) == cbor.encode([1, b"a"])
    assert cbor.encode([cbor.Tag(16, (1, 2))]) == unhexlify("81d0820102")


def test_bytearray_and_memoryview_are_decoded_like_bytes():
    assert cbor.decode(bytearray(b"\x42ab")) == b"ab"
    assert cbor.decode(memoryview(b"\x42ab")) == b"ab"
    assert type(cbor.decode(memoryview(b"\x42ab"))) is bytes


def test_map_keys_stand_by_their_bytes_whatever_the_order_of_the_dict():
    keys = [10, 100, -1, "z", "aa", b"b", 1000]
    forward, backward = {}, {}
    for at in range(len(keys)):
        forward[keys[at]] = at
        backward[keys[-1 - at]] = len(keys) - 1 - at
    wanted = unhexlify("a70a001864011903e8062002416205617a0362616104")
    assert cbor.encode(forward) == wanted
    assert cbor.encode(backward) == wanted
    assert cbor.decode(wanted) == forward


def test_what_cannot_be_encoded_is_a_mistake_of_the_caller():
    for value in (1.5, {1}, [object()], {True: 1}, {None: 1}, {(1, 2): 1}):
        assert "cbor: " in raises(TypeError, lambda value=value: cbor.encode(value))
    for value in (2**64, -2**64 - 1, cbor.Tag(2**64, 1)):
        assert "64 bits" in raises(ValueError, lambda value=value: cbor.encode(value))


def test_floats_and_other_simple_values_are_refused_by_name():
    for hexadecimal, name in (("f90000", "a float of 16 bits"), ("fa47c35000", "a float of 32"),
                              ("fb3ff199999999999a", "a float of 64 bits"), ("f7", "undefined"),
                              ("f0", "simple value 16"), ("f8ff", "a simple value"),
                              ("ff", "a break"), ("fc", "simple value 28")):
        assert name in refused(hexadecimal)
        assert name in refused("81" + hexadecimal)


def test_indefinite_and_reserved_lengths_are_refused():
    for hexadecimal in ("5f42010243030405ff", "7f657374726561ff", "9fff", "bfff", "1f", "3f", "df"):
        assert "indefinite length" in refused(hexadecimal)
    for hexadecimal in ("1c", "3d", "5e", "9c", "bd"):
        assert "reserved length" in refused(hexadecimal)


def test_longer_forms_of_lengths_and_numbers_are_refused():
    for hexadecimal in ("1800", "1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff",
                        "3800", "39000a", "580161", "5900ff" + "00" * 255, "7800", "980101",
                        "b800", "b8010101", "9a00000000"):
        assert "shortest form" in refused(hexadecimal)
    assert "shortest form" in refused("d81000", tags=(16,))


def test_bytes_after_the_value_are_refused():
    assert "1 bytes after the end at byte 1" in refused("0000")
    assert "after the end" in refused("80f6")


def test_every_cut_is_refused():
    whole = cbor.encode([{1: 24, 4: b"0123456789", 6: b"\x01"}, "text", -70000, 2**40, None])
    assert cbor.decode(whole)
    for size in range(len(whole)):
        raises(Malformed, lambda size=size: cbor.decode(whole[:size]))


def test_a_length_past_the_end_is_refused_before_anything_is_made_for_it():
    for hexadecimal in ("5b7fffffffffffffff", "7b7fffffffffffffff00", "9b7fffffffffffffff00",
                        "bb7fffffffffffffff0000", "a2000100"):
        assert "left" in refused(hexadecimal)
    assert "wanted 2 bytes at byte 2, 1 are left" in refused("814261")
    assert "wanted 3 items at byte 1, 2 bytes are left" in refused("830102")
    assert "wanted 4 items at byte 1, 2 bytes are left" in refused("a20102")
    assert "wanted 8 bytes at byte 1, 2 are left" in refused("1b0102")


def test_map_keys_that_stand_twice_or_out_of_order_are_refused():
    assert "there twice" in refused("a201010102")
    assert "there twice" in refused("a2616101616102")
    assert "out of order" in refused("a202010101")
    assert "out of order" in refused("a26161010a02")
    assert "out of order" in refused("a262616101616202")


def test_map_keys_that_python_takes_for_one_another_are_refused():
    for hexadecimal in ("a20101f502", "a1f501", "a1f601", "a18001", "a1a001"):
        assert "map key" in refused(hexadecimal)


def test_texts_that_are_not_utf8_are_refused():
    for raw in ("80", "8080", "bf80", "c0af", "c1bf", "c3", "c328", "e0809f", "e08080", "eda080",
                "edbfbf", "e28228", "f08080af", "f0288cbc", "f4908080", "f5808080", "f8888080",
                "ff", "61c3"):
        text = unhexlify(raw)
        assert "not UTF-8" in refused("%02x%s" % (0x60 + len(text), raw)), raw


def test_texts_at_the_edges_of_utf8_are_accepted():
    for text in ("\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000",
                 "\U0010ffff", "a\u00fc\u6c34\U00010151z"):
        assert cbor.decode(cbor.encode(text)) == text


def test_a_tag_is_refused_unless_it_is_expected():
    assert "tag 1 at byte 0" in refused("c100")
    assert "tag 24 at byte 1" in refused("81d81840")
    assert "tag 17" in refused("d100", tags=(16, 18))
    assert cbor.decode(unhexlify("d08101"), tags=(16,)) == cbor.Tag(16, [1])


def test_depth_is_bounded_and_the_bound_itself_is_accepted():
    for opening in ("81", "a100", "d0"):
        nested = opening * 3 + "00"
        cbor.decode(unhexlify(nested), depth=3, tags=(16,))
        assert "too deep" in refused(nested, depth=2, tags=(16,))
    cbor.decode(b"\x81" * cbor.DEPTH_MAX + b"\x00")
    assert "too deep" in refused("81" * 200000, most_bytes=200000)
    assert cbor.decode(b"\x05", depth=0) == 5


def test_size_is_bounded_and_the_bound_itself_is_accepted():
    assert cbor.decode(b"\x42ab", most_bytes=3) == b"ab"
    assert "3 bytes, at most 2" in refused("426162", most_bytes=2)
    raises(Malformed, lambda: cbor.decode(bytes(cbor.BYTES_MAX + 1)))


def test_every_accepted_byte_string_up_to_two_bytes_encodes_again_to_itself():
    accepted = 0
    for number in range(256 + 65536):
        data = bytes([number]) if number < 256 else bytes([number - 256 >> 8, number & 0xFF])
        try:
            value = cbor.decode(data, tags=tuple(range(24)))
        except Malformed:
            continue
        accepted += 1
        assert cbor.encode(value) == data
    assert accepted > 1000
