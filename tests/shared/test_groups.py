"""Groups: what says who is a member and what became of each comes back; an order fits a frame."""

from tests.portable import raises
from tests.shared.enrolling import PlainSignatures
from tests.shared.quick_cipher import QuickCipher
from wum_shared import cbor, cose, orders
from wum_shared.errors import Malformed, Unsupported
from wum_shared.groups import (
    METERS_MAX,
    Membership,
    MeterResult,
    decode_memberships,
    decode_results,
    encode_memberships,
    encode_results,
)
from wum_shared.messages import DirectionKey
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DONE, FAILED, LIMIT, UNKNOWN, Order
from wum_shared.ripple import PAYLOAD_MAX

KEY = DirectionKey(b"g" * 32, b"G" * 12)
MEMBERS = [Membership(b"boilers.", 3, 7, KEY, ("M-1", "M-2")),
           Membership(b"street.1", 65535, None, KEY, ("M-1",))]
RESULTS = [MeterResult("M-1", DONE, 0, ""), MeterResult("M-2", FAILED, 11, "it has no switch"),
           MeterResult("M-3", UNKNOWN, 11, "no answer")]


def test_memberships_and_results_come_back_and_every_cut_is_refused():
    for records, encode, decode in ((MEMBERS, encode_memberships, decode_memberships),
                                    ([], encode_memberships, decode_memberships),
                                    (RESULTS, encode_results, decode_results)):
        whole = encode(records)
        assert decode(whole) == records
        for size in range(len(whole)):
            raises(Malformed, lambda decode=decode, cut=whole[:size]: decode(cut))
        parts = cbor.decode(whole)
        raises(Unsupported, lambda decode=decode, parts=parts: decode(
            cbor.encode([1] + parts[1:])))


def test_a_group_or_a_meter_that_stands_twice_or_has_no_place_is_refused():
    many = tuple(["M-%d" % number for number in range(METERS_MAX + 1)])
    for wrong in ([MEMBERS[0], MEMBERS[0]], [Membership(b"boilers.", 0, 7, KEY, ("M-1",))],
                  [Membership(b"boilers.", 3, 256, KEY, ("M-1",))],
                  [Membership(b"boilers.", 3, 7, KEY, ())],
                  [Membership(b"boilers.", 3, 7, KEY, ("M-1", "M-1"))],
                  [Membership(b"boilers.", 3, 7, KEY, many)],
                  [Membership(bytes([at]) * 8, 1, None, KEY, ("M-1",)) for at in range(17)]):
        raises(Malformed, lambda wrong=wrong: encode_memberships(wrong))
    for wrong in ([RESULTS[0], RESULTS[0]], [MeterResult("M-1", orders.RECEIVED, 0, "")],
                  [MeterResult("M-1", orders.REFUSED, 0, "")]):
        raises(Malformed, lambda wrong=wrong: decode_results(encode_results(wrong)))


def test_what_is_said_of_a_full_group_fits_a_receipt_however_long_it_is():
    long = [MeterResult("M" * 60 + "-%02d" % number, FAILED, 11, "ö" * 200)
            for number in range(METERS_MAX)]
    assert len(decode_results(encode_results(long))) == METERS_MAX


def test_the_longest_order_to_a_group_fits_one_frame_of_a_ripple():
    reference = MEMBERS[0].reference()
    order = Order(reference[:8], b"8 octets", 2**53 - 1, 2**32 - 1, 2**32 - 1 + 604800,
                  2**32 - 1 + 2 * 604800, LIMIT,
                  encode_arguments(LIMIT, [reference, 2**31 - 1, -9]), None)
    signed = orders.sign_order(PlainSignatures(), b"o" * 32, b"k" * 32, order)
    sealed = orders.seal_order(QuickCipher(), KEY, cose.key_id(b"boilers.", 65535), 2**53 - 1,
                               "x" * 32, signed)
    assert len(sealed) <= PAYLOAD_MAX


def test_a_group_stands_where_a_serial_would_and_only_where_it_may():
    reference = MEMBERS[0].reference()
    for kind, more in ((orders.READ, []), (orders.SECONDARY, [False]), (LIMIT, [5, 0])):
        encode_arguments(kind, [reference] + more)
        raises(Malformed, lambda kind=kind, more=more: encode_arguments(
            kind, [reference + b"x"] + more))
    for kind, more in ((orders.SESSION, [60]), (orders.READ_AGAIN, [5, 6])):
        raises(Malformed, lambda kind=kind, more=more: encode_arguments(kind, [reference] + more))
