"""Orders and receipts: each comes back from who made it, each fault is named, golden bytes stay."""

import binascii

from tests.portable import ON_MICROPYTHON, raises
from tests.shared.enrolling import PlainSignatures
from tests.shared.examples import (
    CONCENTRATOR,
    ORDER,
    ORDER_FRESH,
    RECEIPT_DONE,
    RECEIPT_REFUSED,
    changed,
)
from tests.shared.quick_cipher import QuickCipher
from tests.shared.test_messages import refusals
from wum_shared import cbor, cose, orders
from wum_shared.errors import Malformed, NotGenuine, Unsupported, WireError
from wum_shared.ids import concentrator_id
from wum_shared.messages import DirectionKey
from wum_shared.order_kinds import decode_arguments, encode_arguments

FOLDER = "/tests/vectors/orders/" if ON_MICROPYTHON else __file__[:-len(
    "shared/test_orders.py")] + "vectors/orders/"
MESSAGES = ((ORDER, orders.encode_order, orders.decode_order, "order-0"),
            (ORDER_FRESH, orders.encode_order, orders.decode_order, "order-0-fresh"),
            (RECEIPT_DONE, orders.encode_receipt, orders.decode_receipt, "receipt-0"),
            (RECEIPT_REFUSED, orders.encode_receipt, orders.decode_receipt, "receipt-0-refused"))
SIGNATURES, CIPHER = PlainSignatures(), QuickCipher()
SEED, OLD, IDENTITY = b"o" * 32, b"p" * 32, b"d" * 32
KEYS = (SIGNATURES.public(SEED), SIGNATURES.public(OLD))
DOWNLINK = DirectionKey(b"k" * 32, b"v" * 12)


def golden(name):
    with open(FOLDER + name + ".hex") as file:
        return binascii.unhexlify(file.read().strip())


def test_what_was_once_written_is_read_for_ever_and_written_the_same_way():
    for record, encode, decode, name in MESSAGES:
        assert decode(golden(name)) == record
        assert type(decode(golden(name))) is type(record)
        assert encode(record) == golden(name)


def test_every_cut_and_every_other_number_of_fields_is_refused():
    for record, encode, decode, _ in MESSAGES:
        whole = encode(record)
        for size in range(len(whole)):
            raises(Malformed, lambda decode=decode, cut=whole[:size]: decode(cut))
        parts = cbor.decode(whole)
        for other in (parts[:-1], parts + [0], [], None):
            raises(Malformed, lambda decode=decode, other=other: decode(cbor.encode(other)))
        raises(Unsupported, lambda decode=decode, parts=parts: decode(
            cbor.encode([1] + parts[1:])))


def test_an_order_with_a_field_out_of_its_range_is_refused():
    refusals(orders.encode_order(ORDER), orders.decode_order, (
        ([1], (bytes(7), None)), ([2], (bytes(9), "12345678")), ([3], (0, 2**53, True)),
        ([4], (-1, 2**32)), ([5], (-1, 604801)), ([6], (0, 604801)), ([7], (0, 256)),
        ([8], (bytes(orders.ARGUMENTS_MAX + 1), "", None)), ([9], (bytes(7), 0)),
    ))


def test_a_receipt_with_a_field_out_of_its_range_is_refused():
    refusals(orders.encode_receipt(RECEIPT_DONE), orders.decode_receipt, (
        ([1], (bytes(7), None)), ([2], (bytes(9),)), ([3], (0, 2**53)), ([4], (bytes(15), "")),
        ([5], (0, 7)), ([6], (-1, 256)), ([7], (-1, 2**32)), ([8], (3, True)),
        ([9], ("x" * 201, "a\nb")), ([10], (bytes(orders.CONTENT_MAX + 1), None)),
        ([11], (bytes(7), None)),
    ))


def test_an_order_is_taken_from_the_keys_of_the_trust_document_and_from_nobody_else():
    for seed, key in ((SEED, KEYS[0]), (OLD, KEYS[1])):
        signed = orders.sign_order(SIGNATURES, seed, key, ORDER)
        assert orders.open_order(SIGNATURES, KEYS, signed) == ORDER
    raises(NotGenuine, lambda: orders.open_order(SIGNATURES, KEYS[:1], signed))
    raises(NotGenuine, lambda: orders.open_order(SIGNATURES, (), signed))
    forged = orders.sign_order(SIGNATURES, b"x" * 32, KEYS[0], ORDER)
    raises(NotGenuine, lambda: orders.open_order(SIGNATURES, KEYS, forged))


def test_every_changed_byte_of_a_signed_order_is_noticed():
    signed = orders.sign_order(SIGNATURES, SEED, KEYS[0], ORDER)
    for at in range(len(signed)):
        wrong = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1:]
        try:
            orders.open_order(SIGNATURES, KEYS, wrong)
        except WireError:
            continue
        raise AssertionError("byte %d" % at)


def test_a_receipt_is_the_concentrators_own():
    key = SIGNATURES.public(IDENTITY)
    mine = changed(RECEIPT_DONE, concentrator=concentrator_id(key))
    signed = orders.sign_receipt(SIGNATURES, IDENTITY, mine)
    assert orders.open_receipt(SIGNATURES, key, signed) == mine
    raises(NotGenuine, lambda: orders.open_receipt(SIGNATURES, KEYS[0], signed))
    forged = orders.sign_receipt(SIGNATURES, IDENTITY, RECEIPT_DONE)
    assert "another concentrator" in raises(
        NotGenuine, lambda: orders.open_receipt(SIGNATURES, key, forged))


def test_a_sealed_order_is_no_acknowledgement_and_no_other_tenants():
    signed = orders.sign_order(SIGNATURES, SEED, KEYS[0], ORDER)
    kid = cose.key_id(CONCENTRATOR, 1)
    sealed = orders.seal_order(CIPHER, DOWNLINK, kid, 5, "utility", signed)
    assert orders.unseal_order(CIPHER, DOWNLINK, "utility", sealed) == signed
    raises(NotGenuine, lambda: orders.unseal_order(CIPHER, DOWNLINK, "other", sealed))
    raises(NotGenuine, lambda: orders.unseal_receipt(CIPHER, DOWNLINK, "utility", sealed))
    raises(NotGenuine, lambda: cose.unseal(CIPHER, DOWNLINK, sealed, "down", "utility", "ack"))


def test_the_arguments_of_each_kind_come_back_and_others_are_refused():
    good = {
        orders.READ: ["SDM-1"], orders.SET_CLOCK: ["SDM-1"], orders.DISCONNECT: ["SDM-1"],
        orders.RECONNECT: ["SDM-1"], orders.LIMIT: ["SDM-1", 5000, -1],
        orders.SECONDARY: ["SDM-1", True], orders.RESTART: [], orders.LOGS: [200],
        orders.READ_AGAIN: ["SDM-1", 1760000000, 1760086399], orders.SESSION: ["SDM-1", 600],
    }
    for kind in sorted(good):
        assert decode_arguments(kind, encode_arguments(kind, good[kind])) == good[kind]
        raises(Malformed, lambda kind=kind: encode_arguments(kind, good[kind] + [0]))
    for kind, values in (
            (orders.READ, ["a b"]), (orders.READ, [7]), (orders.LIMIT, ["A", -1, 0]),
            (orders.LIMIT, ["A", 2**31, 0]), (orders.LIMIT, ["A", 1, 10]),
            (orders.SECONDARY, ["A", 1]), (orders.LOGS, [0]), (orders.LOGS, [1001]),
            (orders.READ_AGAIN, ["A", 5, 4]), (orders.READ_AGAIN, ["A", 5, 86405]),
            (orders.SESSION, ["A", 601]), (orders.SESSION, ["A", True])):
        raises(Malformed, lambda kind=kind, values=values: encode_arguments(kind, values))
