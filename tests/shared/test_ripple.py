"""Ripple orders and their reports: there and back, and what is refused."""

from tests.portable import raises
from tests.shared.examples import RIPPLE_ORDER, RIPPLE_REPORT, RIPPLE_TO_ALL
from wum_shared import cbor
from wum_shared.errors import Malformed, Unsupported
from wum_shared.ripple import (
    MEMBERS_BYTES_MAX,
    PAYLOAD_MAX,
    bits_of,
    decode_ripple_order,
    decode_ripple_report,
    encode_ripple_order,
    encode_ripple_report,
    members_of,
)


def test_both_come_back_as_they_were():
    for order in (RIPPLE_ORDER, RIPPLE_TO_ALL):
        assert decode_ripple_order(encode_ripple_order(order)) == order
    assert decode_ripple_report(encode_ripple_report(RIPPLE_REPORT)) == RIPPLE_REPORT


def test_what_no_head_end_says_is_refused():
    good = cbor.decode(encode_ripple_order(RIPPLE_ORDER))
    for place, wrong in ((1, 0), (1, 2**32), (2, 0), (3, 256), (3, -1), (4, -1), (4, 2**42),
                         (5, 2**32), (6, bytes(65)), (6, b"\x01\x00"), (6, None), (7, b""),
                         (7, bytes(PAYLOAD_MAX + 1)), (7, "text")):
        raises(Malformed, lambda place=place, wrong=wrong: decode_ripple_order(
            cbor.encode(good[:place] + [wrong] + good[place + 1:])))
    raises(Unsupported, lambda: decode_ripple_order(cbor.encode([1] + good[1:])))
    raises(Malformed, lambda: decode_ripple_order(cbor.encode(good + [0])))


def test_what_no_gateway_says_is_refused():
    good = cbor.decode(encode_ripple_report(RIPPLE_REPORT))
    for place, wrong in ((1, 0), (2, 0), (3, 0), (3, 65024), (4, 256), (5, -1), (6, b"\x00")):
        raises(Malformed, lambda place=place, wrong=wrong: decode_ripple_report(
            cbor.encode(good[:place] + [wrong] + good[place + 1:])))


def test_stations_are_bits_and_who_has_no_bit_is_left_out():
    assert members_of(bits_of([1, 9, 300, 511])) == [1, 9, 300, 511]
    assert bits_of([2, 7, 8]) == RIPPLE_REPORT.members
    assert bits_of([]) == b"" and members_of(b"") == []
    assert bits_of([8 * MEMBERS_BYTES_MAX]) == b""
